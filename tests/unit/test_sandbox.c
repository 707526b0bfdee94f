// SPDX-License-Identifier: GPL-2.0
/* What a process can no longer do in a sandbox. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/sandbox.h"

/* A bit for each thing that is still possible; runs in the sandbox. */
static int possible(int fd)
{
	int ret = 0;

	ret |= open("/dev/null", O_RDONLY) >= 0;
	ret |= (socket(AF_INET, SOCK_STREAM, 0) >= 0) << 1;
	ret |= (execl("/bin/true", "true", NULL) >= 0) << 2;
	ret |= (unlink("/nonexistent") < 0 && errno != EPERM) << 3;
	ret |= (kill(getppid(), 0) == 0) << 4;
	/* This has to go on. */
	ret |= (write(fd, "x", 1) != 1) << 5;
	return ret;
}

static void test_compute(void **state)
{
	int fds[2], status;
	char c;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		void *p;

		if (!sandbox__enter(SANDBOX_COMPUTE))
			_exit(0x40);
		p = malloc(10 << 20);
		if (!p)
			_exit(0x41);
		memset(p, 1, 10 << 20);
		free(p);
		_exit(possible(fds[1]));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 0x40)
		skip();		/* a sanitizer, or a kernel without */
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(read(fds[0], &c, 1), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
