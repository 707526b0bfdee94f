// SPDX-License-Identifier: GPL-2.0
/* What a process can no longer do in a sandbox, and what it still can. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util/sandbox.h"

#define NONE	0x40	/* there is no sandbox here */

/* Runs in the sandbox: a bit for what is still possible, or not missing as unknown calls are. */
static int refused(void)
{
	const struct rlimit limit = { 1 << 30, 1 << 30 };
	int ret = 0;

	ret |= open("/dev/null", O_RDONLY) >= 0 || errno != ENOSYS;
	ret |= (open("/dev/null", O_WRONLY) >= 0) << 1;
	/* cppcheck-suppress leakReturnValNotUsed ; there is none */
	ret |= (socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_UNIX, SOCK_STREAM, 0) >= 0) << 2;
	ret |= (execl("/bin/true", "true", NULL) >= 0) << 3;
	ret |= ((unlink("/nonexistent") < 0 && errno != ENOSYS) ||
		rename("/nonexistent", "/nonexistent") >= 0) << 4;
	ret |= (kill(getppid(), 0) == 0) << 5;
	ret |= (prlimit(getppid(), RLIMIT_CORE, &limit, NULL) == 0 ||
		unshare(CLONE_NEWUSER) == 0) << 6;
	return ret;
}

static void *nothing(void *arg)
{
	return arg;
}

static bool has_threads(void)
{
	pthread_t thread;
	void *got;

	return !pthread_create(&thread, NULL, nothing, &got) && !pthread_join(thread, &got) &&
	       got == &got;
}

/* The child has what its parent has, and can have less. */
static bool has_children(void)
{
	int fds[2], status;
	pid_t pid;
	char c;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds))
		return false;
	pid = fork();
	if (!pid)
		_exit(write(fds[1], "x", 1) == 1 && !refused() && sandbox__enter(SANDBOX_COMPUTE) &&
		      !refused() && !has_threads() ? 0 : 1);
	return pid > 0 && read(fds[0], &c, 1) == 1 && waitpid(pid, &status, 0) == pid && !status;
}

/* By the calls of other C libraries and other kernels than those it was built with. */
static bool has_other_names(void)
{
	struct rlimit limit;
	struct timeval t;
	struct stat st;

	return !syscall(__NR_getrlimit, RLIMIT_CORE, &limit) &&
	       !syscall(__NR_setrlimit, RLIMIT_CORE, &limit) &&
	       !syscall(__NR_gettimeofday, &t, NULL) && !syscall(__NR_fstat, STDIN_FILENO, &st) &&
	       !syscall(__NR_newfstatat, STDIN_FILENO, "", &st, AT_EMPTY_PATH);
}

#ifdef __NR_fork
static bool has_fork(void)
{
	pid_t pid = syscall(__NR_fork);
	int status;

	if (!pid)
		_exit(syscall(__NR_set_tid_address, &status) > 0 ? 0 : 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}
#else
#define has_fork has_children
#endif

/* What types into a terminal is refused in any case. */
static bool can_type(void)
{
	return ioctl(STDIN_FILENO, TIOCSTI, "x") == 0 || errno != ENOSYS;
}

/* The size of one; standard input may be none. */
static bool has_screens(void)
{
	struct winsize size;

	return ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0 || errno != ENOSYS;
}

/* 0: as it should be */
static int try(enum sandbox sandbox, int fd)
{
	bool threads = sandbox >= SANDBOX_READ, children = sandbox >= SANDBOX_READ_FORK;
	void *p;

	if (!sandbox__enter(sandbox))
		return NONE;
	p = malloc(10 << 20);
	if (!p)
		return 1;
	memset(p, 1, 10 << 20);
	free(p);
	if (refused() || !has_other_names() || has_threads() != threads ||
	    has_children() != children || has_fork() != children)
		return 2;
	if (can_type() || has_screens() != (sandbox >= SANDBOX_READ_SCREEN))
		return 4;
	return write(fd, "x", 1) == 1 ? 0 : 3;
}

static void test_sandbox(void **state)
{
	for (enum sandbox sandbox = SANDBOX_COMPUTE; sandbox <= SANDBOX_READ_FORK; sandbox++) {
		int fds[2], status;
		char c;
		pid_t pid;

		assert_int_equal(pipe(fds), 0);
		pid = fork();
		if (!pid)
			_exit(try(sandbox, fds[1]));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) == NONE)
			skip();		/* a sanitizer, or a kernel without */
		assert_int_equal(WEXITSTATUS(status), 0);
		assert_int_equal(read(fds[0], &c, 1), 1);
		close(fds[0]);
		close(fds[1]);
	}
}

/* What libraries look up when they need it has been looked up. */
static void test_time_zone(void **state)
{
	const time_t t = 0;
	struct tm tm;
	int status;
	pid_t pid = fork();

	if (!pid) {
		setenv("TZ", "Asia/Tokyo", 1);
		if (!sandbox__enter(SANDBOX_READ))
			_exit(NONE);
		_exit(localtime_r(&t, &tm) ? tm.tm_hour : NONE + 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WEXITSTATUS(status) == NONE || access("/usr/share/zoneinfo/Asia/Tokyo", R_OK))
		skip();
	assert_int_equal(WEXITSTATUS(status), 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sandbox),
		cmocka_unit_test(test_time_zone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
