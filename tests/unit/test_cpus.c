// SPDX-License-Identifier: GPL-2.0
/* CPUs of a host that has more than a cpu_set_t. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/cpus.h"

#define HOST_CPUS	2048

static u32 allowed;

/* In place of the C library's: as a kernel that refuses what cannot hold all of the host's CPUs. */
int sched_getaffinity(pid_t tid, size_t size, cpu_set_t *set)
{
	(void)tid;
	if (!allowed || size < HOST_CPUS / 8) {
		errno = EINVAL;
		return -1;
	}
	for (u32 i = 0; i < allowed; i++)
		CPU_SET_S(HOST_CPUS - 1 - i, size, set);
	return 0;
}

static void test_large_host(void **state)
{
	struct cpus cpus;

	allowed = 1500;
	assert_int_equal(cpus__of(0, &cpus), 1500);
	assert_true(CPU_ISSET_S(HOST_CPUS - 1, sizeof(cpus.set), cpus.set));
	assert_false(CPU_ISSET_S(HOST_CPUS - 1501, sizeof(cpus.set), cpus.set));
	assert_int_equal(cpus__workers(16), 16);
	allowed = 3;
	assert_int_equal(cpus__workers(16), 3);
}

static void test_unknown(void **state)
{
	struct cpus cpus;

	allowed = 0;
	assert_int_equal(cpus__of(0, &cpus), 0);
	assert_int_equal(cpus__workers(16), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_large_host),
					    cmocka_unit_test(test_unknown) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
