// SPDX-License-Identifier: GPL-2.0
/* How many CPUs VMs may use, from the rows of "thread" and "cgroup". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/rec.h"
#include "util/analysis/vm_limits.h"

#define NO	(~0U)
#define T(p, t, n, text) { .kind = KVMW_thread_END, .pid = p, .tid = t, .number = n, .state = 'S', \
		.stack = NO, .affinity = text }
#define G(k, p, text, n, quota, period, nr, ns) { .kind = KVMW_cgroup_##k, .pid = p, .path = text, \
		.threads = n, .cpuset = NO, .quota_ns = quota, .period_ns = period, .periods = nr, \
		.throttled = nr, .throttled_ns = ns }

static const struct kvmw_thread threads[] = {
	/* The VMM's own thread may use more. */
	T(100, 100, NO, 2), T(100, 101, 0, 0), T(100, 102, 1, 1),
	/* vCPUs that are not known; a list that is none; a text that is missing. */
	T(200, 200, NO, 1), T(200, 202, NO, 0), T(300, 301, 0, 3), T(400, 401, 0, 99),
};

static const struct kvmw_cgroup groups[] = {
	G(START, 100, 4, 3, 100, 200, 10, 1000), G(START, 100, 5, 1, 1, 200, 10, 1000),
	G(END, 100, 4, 3, 50, 200, 30, 900), G(END, 100, 5, 1, 1, 200, 30, 4000),
	/* No quota, a period of 0, unknown. */
	G(END, 200, 4, 2, 0, 200, 0, 0), G(END, 300, 4, 1, 10, 0, 0, 0),
	G(END, 400, 4, 1, KVMW_NONE, KVMW_NONE, KVMW_NONE, KVMW_NONE),
	{ .kind = 9, .pid = 500 },
};

static void test_limits(void **state)
{
	static const struct report_options all = { .nr_sort = 1 };
	const struct vm_limits *l;
	struct rec_report out;
	struct rec r;

	rec__begin(&r);
	rec__json(&r, DATA_IDENT, "{\"texts\":[{\"id\":0,\"text\":\"0-3,8\"},{\"id\":1,\"text\":\"2-5\"},"
		  "{\"id\":2,\"text\":\"0-63\"},{\"id\":3,\"text\":\"7-99999\"},{\"id\":4,\"text\":\"/a\"},"
		  "{\"id\":5,\"text\":\"/a/b\\u001b\"},{\"id\":6},{\"text\":\"x\"},7]}");
	rec__rows(&r, DATA_STATS, KVMW_EVENT_THREAD, threads, ARRAY_SIZE(threads));
	rec__rows(&r, DATA_STATS, KVMW_EVENT_CGROUP, groups, ARRAY_SIZE(groups));
	rec__finish(&r);
	rec__report(&r, &all, NULL, &out);
	l = out.rep.limits;
	assert_non_null(l);
	assert_int_equal(l->nr_vms, 4);
	assert_int_equal(vm_limits__of(l, 100)->cpus, 7);
	assert_int_equal(vm_limits__of(l, 100)->vcpus, 2);
	/* That of one thread's group is none of the VM. */
	assert_true(vm_limits__of(l, 100)->quota_cpus == 0.25);
	assert_int_equal(vm_limits__of(l, 200)->cpus, 7);
	assert_int_equal(vm_limits__of(l, 200)->vcpus, 0);
	assert_int_equal(vm_limits__of(l, 300)->cpus, NO);
	assert_int_equal(vm_limits__of(l, 400)->cpus, NO);
	for (u32 pid = 200; pid <= 400; pid += 100)
		assert_true(vm_limits__of(l, pid)->quota_cpus == 0);
	assert_null(vm_limits__of(l, 500));
	assert_int_equal(l->nr_groups, 5);
	assert_string_equal(l->group[0].path, "/a");
	assert_string_equal(l->group[1].path, "/a/b?");
	assert_string_equal(l->group[0].cpuset, "");
	assert_int_equal(l->group[0].periods, 20);
	/* A counter that fell. */
	assert_int_equal(l->group[0].throttled_ns, KVMW_NONE);
	assert_int_equal(l->group[1].throttled_ns, 3000);
	assert_int_equal(l->group[2].periods, KVMW_NONE);
	rec__report_free(&out);
	unlink(r.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
