// SPDX-License-Identifier: GPL-2.0
/* What a process says of the VM that it is; VMs need /dev/kvm: tests/test_record_here.py. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/capture/vm.h"

static struct vm described(const char *const *args)
{
	struct vm vm = { .pid = 0 };
	int ready[2], status;
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ready, 0), 0);
	pid = fork();
	if (!pid) {
		dup2(ready[1], 1);
		close(ready[0]);
		close(ready[1]);
		execv("/bin/sh", (char *const *)args);
		_exit(127);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	vm__describe(pid, &vm);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(ready[0]);
	return vm;
}

#define SHELL "qemu", "-c", "echo; kill -STOP $$"

static void test_names(void **state)
{
	static const char *const qemu[] = { SHELL, "-name", "guest=alpha,debug-threads=on", "-uuid",
					    "6b0c2a5e-1f6e-4b61-8f4e-0d1d5f9b3c11", NULL };
	static const char *const plain[] = { SHELL, "-name", "beta", NULL };
	static const char *const firecracker[] = { SHELL, "--id", "gamma", NULL };
	static const char *const crosvm[] = { SHELL, "--name=delta", NULL };
	static const char *const hostile[] = { SHELL, "-name", "a\033[2J\nb", "-uuid", "\t", NULL };
	static const char *const none[] = { SHELL, "-name", NULL };
	static const char *const threads[] = { SHELL, "-name", "debug-threads=on", NULL };
	static const char *const socket[] = { SHELL, "--api-socket", "path=/run/ch/web-1.sock",
					      NULL };
	static const char *const libvirt[] = { SHELL, "--api-socket",
					       "/run/libvirt/ch/web-2-socket", NULL };
	static const char *const kata[] = { SHELL, "--api-socket", "/run/vc/vm/5f3a/clh-api.sock",
					    NULL };
	static const char *const both[] = { SHELL, "--api-socket", "/run/fc.socket", "--id",
					    "epsilon", NULL };
	struct vm vm = described(qemu);

	assert_string_equal(vm.name, "alpha");
	assert_string_equal(vm.uuid, "6b0c2a5e-1f6e-4b61-8f4e-0d1d5f9b3c11");
	assert_true(*vm.vmm);
	assert_string_equal(described(plain).name, "beta");
	assert_string_equal(described(firecracker).name, "gamma");
	assert_string_equal(described(crosvm).name, "delta");
	assert_string_equal(described(threads).name, "");
	assert_string_equal(described(socket).name, "web-1");
	assert_string_equal(described(libvirt).name, "web-2");
	assert_string_equal(described(kata).name, "5f3a");
	assert_string_equal(described(both).name, "epsilon");
	vm = described(hostile);
	assert_string_equal(vm.name, "a?[2J?b");
	assert_string_equal(vm.uuid, "?");
	vm = described(none);
	assert_string_equal(vm.name, "");
	assert_string_equal(vm.uuid, "");
}

/* It has no files: neither is it a VM, nor is it one that could not be looked into. */
static void test_zombie(void **state)
{
	struct vm vm;
	siginfo_t info;
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	assert_int_equal(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(vm__read(pid, &vm), ESRCH);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(vm__read(pid, &vm), ESRCH);
	assert_int_equal(vm__read(getpid(), &vm), 0);
	assert_int_equal(vm.nr_vms, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_zombie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
