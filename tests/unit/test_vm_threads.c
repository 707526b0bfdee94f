// SPDX-License-Identifier: GPL-2.0
/* From the rows of table "thread" to what each thread did, and the vCPUs that had no event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/rec.h"
#include "util/analysis/vm_threads.h"

#define NO	(~0U)
#define NONE	KVMW_NONE
#define AT(k)	((k) == KVMW_thread_START ? 5000 * REC_MS : 7000 * REC_MS)
#define T(k, p, t, n, since, st, in, r, d) { .time_ns = AT(KVMW_thread_##k), \
		.kind = KVMW_thread_##k, .pid = p, .tid = t, .number = n, .started_ns = since, \
		.comm0 = 0x6b, .state = st, .in_run = in, .syscall = 16, .stack = 1U << 30, \
		.user_ns = 0, .system_ns = 0, .guest_ns = r, .run_ns = r, .delay_ns = d, \
		.cpus = 2, .affinity = 0 }
#define V(k, p, n) { .time_ns = AT(KVMW_thread_##k), .kind = KVMW_thread_##k, .pid = p, .tid = NO, \
		.number = n, .started_ns = NONE, .state = 0xffff, .in_run = 0xffff, \
		.syscall = NONE, .stack = NO, .user_ns = NONE, .system_ns = NONE, \
		.guest_ns = NONE, .run_ns = NONE, .delay_ns = NONE, .cpu = NO, \
		.cpus = NO, .affinity = NO, .policy = NO }

static const struct kvmw_thread rows[] = {
	/* vCPU 0, running at both moments: only the events show who it is. */
	T(START, 100, 101, NO, 10, 'R', 0xffff, 1000 * REC_MS, 5 * REC_MS),
	V(START, 100, 0),
	T(END, 100, 101, NO, 10, 'R', 0xffff, 2900 * REC_MS, 105 * REC_MS),
	V(END, 100, 0),
	/* vCPU 3 had none: running at the start, asleep in the end. */
	T(START, 100, 103, NO, 10, 'R', 0xffff, 7 * REC_MS, 0),
	V(START, 100, 3),
	T(END, 100, 103, 3, 10, 'S', 1, 7 * REC_MS, 0),
	/* vCPU 4 has no thread; the process's own is no vCPU. */
	V(START, 100, 4),
	V(END, 100, 4),
	T(START, 100, 100, NO, 9, 'S', 0, 1 * REC_MS, 0),
	T(END, 100, 100, NO, 9, 'S', 0, 2 * REC_MS, 0),
	/* An id that another thread got; one younger than the recording; counters that fell. */
	T(START, 200, 210, NO, 11, 'S', 0, 500, 0),
	T(END, 200, 210, NO, 12, 'S', 0, 300, 0),
	T(START, 200, 211, NO, 11, 'S', 0, 500, 0),
	T(END, 200, 211, NO, 11, 'S', 0, 300, 0),
	/* Of a kind to come. */
	{ .kind = 77, .pid = 200, .tid = 212 },
};

static const struct kvmw_total totals[] = {
	{ .vcpu = 0, .event = KVMW_EVENT_EXIT, .isa = 2, .reason = 1, .count = 1, .done = 1 },
	{ .vcpu = 1, .event = KVMW_EVENT_EXIT, .isa = 2, .reason = 1, .count = 1, .done = 1 },
};

static const struct report_options all = { .nr_sort = 1 };

static void write_threads(struct rec *r)
{
	rec__begin(r);
	rec__json(r, DATA_IDENT,
		  "{\"texts\":[{\"id\":0,\"text\":\"0-1\"}],\"stacks\":[{\"id\":1073741824,"
		  "\"frames\":[\"kvm_vcpu_block+0x1 [kvm]\",\"kvm_vcpu_ioctl+0x2 [kvm]\"]}]}");
	rec__rows(r, DATA_STATS, KVMW_EVENT_THREAD, rows, ARRAY_SIZE(rows));
	rec__rows(r, DATA_STATS, KVMW_EVENT_TOTAL, totals, ARRAY_SIZE(totals));
	rec__finish(r);
}

static const struct vm_thread *thread_of(const struct vm_threads *threads, u32 tid, u64 since)
{
	for (u32 i = 0; i < threads->nr; i++)
		if (threads->thread[i].tid == tid && threads->thread[i].last->started_ns == since)
			return &threads->thread[i];
	fail_msg("no thread %u", tid);
	return NULL;
}

static void test_join(void **state)
{
	const struct vm_threads *threads;
	char place[VM_THREAD_PLACE];
	const struct vm_thread *t;
	struct rec_report out;
	struct rec r;

	write_threads(&r);
	rec__report(&r, &all, NULL, &out);
	threads = out.rep.threads;
	assert_non_null(threads);
	/* 101, 103, vCPU 4, 100; 210 twice, 211. */
	assert_int_equal(threads->nr, 7);
	t = thread_of(threads, 101, 10);
	assert_int_equal(t->number, 0);
	assert_int_equal(t->vcpu, 0);
	assert_int_equal(t->span_ns, 2000 * REC_MS);
	assert_int_equal(t->run_ns, 1900 * REC_MS);
	assert_int_equal(t->delay_ns, 100 * REC_MS);
	assert_int_equal(t->asleep_ns, 0);
	assert_ptr_equal(t, threads->thread);
	t = thread_of(threads, 103, 10);
	assert_int_equal(t->number, 3);
	assert_int_equal(t->vcpu, NO);
	assert_int_equal(t->asleep_ns, t->span_ns);
	assert_string_equal(vm_thread__place(out.rec, t->end, place), "kvm_vcpu_block");
	assert_string_equal(recording__text(out.rec, t->end->affinity), "0-1");
	t = thread_of(threads, NO, NONE);
	assert_int_equal(t->number, 4);
	assert_int_equal(t->run_ns, NONE);
	assert_string_equal(vm_thread__place(out.rec, t->end, place), "");
	assert_false(vm_thread__is_vcpu(thread_of(threads, 100, 9)));
	assert_int_equal(thread_of(threads, 210, 11)->run_ns, NONE);
	assert_int_equal(thread_of(threads, 210, 12)->run_ns, 300);
	assert_int_equal(thread_of(threads, 210, 12)->span_ns, NONE);
	assert_int_equal(thread_of(threads, 211, 11)->run_ns, NONE);
	rec__report_free(&out);
	unlink(r.path);
}

static void test_idle(void **state)
{
	struct report_options opt = all;
	struct rec_report out;
	struct rec r;

	write_threads(&r);
	rec__report(&r, &all, NULL, &out);
	assert_int_equal(out.rep.nr_idle, 2);
	assert_int_equal(out.rep.idle[0]->number, 3);
	assert_int_equal(out.rep.idle[1]->number, 4);
	assert_false(out.rep.several_idle_vms);
	rec__report_free(&out);
	number_list__parse(&opt.vcpus, "--vcpu", "4-9");
	rec__report(&r, &opt, NULL, &out);
	assert_int_equal(out.rep.nr_idle, 1);
	rec__report_free(&out);
	number_list__free(&opt.vcpus);
	number_list__parse(&opt.pids, "--pid", "200");
	rec__report(&r, &opt, NULL, &out);
	assert_int_equal(out.rep.nr_idle, 0);
	rec__report_free(&out);
	number_list__free(&opt.pids);
	/* Of a part of the recording it is not known. */
	rec__report(&r, &all, "1,", &out);
	assert_null(out.rep.idle);
	rec__report_free(&out);
	unlink(r.path);
}

/* Rows that contradict each other, and more of them than are kept. */
static void test_hostile_rows(void **state)
{
	u32 nr = 4096;
	struct kvmw_thread *many = calloc(nr, sizeof(*many));
	struct rec_report out;
	struct rec r;

	rec__begin(&r);
	for (u32 i = 0; i < nr; i++)
		memset(&many[i], 0xff, sizeof(*many));
	rec__rows(&r, DATA_STATS, KVMW_EVENT_THREAD, many, nr);
	for (u32 i = 0; i < nr; i++)
		many[i] = (struct kvmw_thread) { .kind = 1 + i % 2, .pid = i / 2, .tid = i / 2,
						 .number = i, .time_ns = i % 2 ? 0 : NONE - 1,
						 .state = i, .stack = i, .affinity = i,
						 .run_ns = NONE - i };
	for (u32 i = 0; i < 2 * REC_MAX_ROWS / nr; i++)
		rec__rows(&r, DATA_STATS, KVMW_EVENT_THREAD, many, nr);
	rec__finish(&r);
	rec__report(&r, &all, NULL, &out);
	assert_int_equal(out.rec->threads.nr, REC_MAX_ROWS);
	assert_int_equal(out.rec->threads.over_limit, nr + REC_MAX_ROWS);
	assert_int_equal(out.rep.threads->nr, nr / 2);
	for (u32 i = 0; i < out.rep.threads->nr; i++)
		assert_int_equal(out.rep.threads->thread[i].span_ns, NONE);
	rec__report_free(&out);
	free(many);
	unlink(r.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_hostile_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
