// SPDX-License-Identifier: GPL-2.0
/* From the rows of table "holder" to who had the CPUs that vCPUs waited for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/rec.h"
#include "util/analysis/cpu_holders.h"

#define NO		(~0U)
#define ROW(v, p, k, t, pi, n, c, tu, ns) { .vcpu = v, .place = p, .kind = KVMW_holder_##k, \
		.tid = t, .pid = pi, .number = n, .comm0 = c, .turns = tu, .time_ns = ns }
#define HOG	0x676f68ULL		/* "hog" */

static const struct report_options all = { .event = KVMW_EVENT_SCHED, .nr_sort = 1 };

static const struct kvmw_holder earlier[] = {
	ROW(0, 3, PROCESS, 300, 300, NO, HOG, 1, 10),
	ROW(0, 4, PROCESS, 900, 900, NO, 0x656e6f67, 1, 5),	/* its place gets another one */
};
static const struct kvmw_holder later[] = {
	ROW(0, 3, PROCESS, 300, 300, NO, HOG, 4, 400),
	ROW(0, 4, KERNEL, 9, 9, NO, 0x6b, 2, 20),
	ROW(0, 33, IDLE, 0, 0, NO, 0, 7, 70),
	ROW(0, 32, OTHERS, NO, NO, NO, 0, 1, 5),
	/* The same thread twice, and for another vCPU. */
	ROW(0, 5, PROCESS, 300, 300, NO, HOG, 1, 100),
	ROW(1, 0, PROCESS, 300, 300, NO, HOG, 1, 50),
	/* vCPUs: one that is recorded, as it was seen in the VMM, and from another VM's view. */
	ROW(0, 6, VMM, 102, 100, NO, 0x62, 1, 30),
	ROW(7, 0, PROCESS, 102, 100, NO, 0x62, 1, 31),
	ROW(7, 1, VM, 101, 100, 0, 0x61, 1, 32),
	/* A neighbour that is not recorded; one that nobody knows. */
	ROW(7, 2, VM, 5001, 5000, 3, 0x63, 1, 33),
	ROW(7, 3, VM, 6001, 6000, 2, 0x63, 1, 34),
	/* A thread that got the id of one that had run a vCPU, in another process. */
	ROW(1, 1, PROCESS, 201, 777, NO, 0x64, 1, 35),
	ROW(1, 2, RECORDER, 42, 42, NO, 0x6b, 1, 36),
	ROW(1, 3, PROCESS, 43, 43, NO, 0, 0, 0),
};

static const struct kvmw_total totals[] = {
	{ .vcpu = 0, .event = KVMW_EVENT_EXIT, .isa = 2, .reason = 1, .count = 2, .done = 2,
	  .wait_ns = 600, .throttled_ns = 60 },
	{ .vcpu = 7, .event = KVMW_EVENT_EXIT, .isa = 2, .reason = 1, .count = 1, .done = 1,
	  .wait_ns = 130, .throttled_ns = 1 },
	{ .vcpu = 7, .event = KVMW_EVENT_USERSPACE, .reason = 1, .count = 1, .wait_ns = 99 },
};

static void write_holders(struct rec *r)
{
	rec__begin(r);
	rec__rows(r, DATA_STATS, KVMW_EVENT_TOTAL, totals, ARRAY_SIZE(totals));
	rec__rows(r, DATA_STATS, KVMW_EVENT_HOLDER, earlier, ARRAY_SIZE(earlier));
	rec__json(r, DATA_IDENT,
		  "{\"neighbours\":[{\"pid\":5000,\"name\":\"\",\"vmm\":\"crosvm\"}]}");
	rec__rows(r, DATA_STATS, KVMW_EVENT_HOLDER, later, ARRAY_SIZE(later));
	rec__finish(r);
}

static const struct cpu_holder *line_of(const struct cpu_holders *h, u32 kind, u32 tid)
{
	for (u32 i = 0; i < h->nr_lines; i++)
		if (h->line[i].kind == kind && h->line[i].tid == tid)
			return &h->line[i];
	fail_msg("no holder %u of kind %u", tid, kind);
	return NULL;
}

static void is_named(const struct cpu_holders *h, u32 kind, u32 tid, const char *name,
		     const char *vm)
{
	const struct cpu_holder *line = line_of(h, kind, tid);

	assert_string_equal(line->name, name);
	assert_string_equal(line->vm, vm);
}

static void test_lines(void **state)
{
	const struct cpu_holders *h;
	const struct cpu_holder *hog;
	struct rec_report out;
	u64 sum = 0;
	struct rec r;

	write_holders(&r);
	rec__report(&r, &all, NULL, &out);
	assert_string_equal(out.rep.empty, "");
	h = out.rep.holders;
	/* The place's first thread is replaced; entries without time are omitted. */
	assert_int_equal(h->nr_each, ARRAY_SIZE(later) - 1);
	assert_int_equal(h->nr_lines, h->nr_each - 2);
	assert_int_equal(h->time_ns, 876);
	assert_int_equal(h->wait_ns, 730);
	assert_int_equal(h->throttled_ns, 61);
	for (u32 i = 0; i < h->nr_lines; i++) {
		sum += h->line[i].time_ns;
		assert_true(!i || h->line[i - 1].time_ns >= h->line[i].time_ns);
	}
	assert_int_equal(sum, h->time_ns);
	hog = line_of(h, KVMW_holder_PROCESS, 300);
	assert_ptr_equal(hog, h->line);
	assert_int_equal(hog->time_ns, 550);
	assert_int_equal(hog->turns, 6);
	assert_int_equal(hog->waiters, 2);
	is_named(h, KVMW_holder_PROCESS, 300, "hog", "");
	is_named(h, KVMW_holder_KERNEL, 9, "k", "");
	is_named(h, KVMW_holder_IDLE, 0, "nobody", "");
	is_named(h, KVMW_holder_OTHERS, NO, "others", "");
	is_named(h, KVMW_holder_VCPU, 102, "vCPU 100/1", "");
	is_named(h, KVMW_holder_VM, 102, "vCPU 100/1", "one");
	is_named(h, KVMW_holder_VM, 101, "vCPU 100/0", "one");
	is_named(h, KVMW_holder_VM, 5001, "vCPU 3", "crosvm");
	is_named(h, KVMW_holder_VM, 6001, "vCPU 2", "");
	is_named(h, KVMW_holder_PROCESS, 201, "d", "");
	is_named(h, KVMW_holder_RECORDER, 42, "k", "");
	rec__report_free(&out);
	unlink(r.path);
}

static void test_selection(void **state)
{
	struct report_options opt = all;
	struct rec_report out;
	struct rec r;

	write_holders(&r);
	number_list__parse(&opt.pids, "--pid", "200");
	rec__report(&r, &opt, NULL, &out);
	assert_int_equal(out.rep.holders->nr_each, 4);
	assert_int_equal(out.rep.holders->wait_ns, 130);
	rec__report_free(&out);
	number_list__free(&opt.pids);
	/* Counted from the start to the end, and of no part of it. */
	rec__report(&r, &all, "1,", &out);
	assert_int_equal(out.rep.holders->nr_each, 0);
	assert_string_not_equal(out.rep.empty, "");
	rec__report_free(&out);
	unlink(r.path);
}

static void test_older_recording(void **state)
{
	struct rec_report out;
	struct rec r;

	rec__begin(&r);
	rec__finish(&r);
	rec__report(&r, &all, NULL, &out);
	assert_int_equal(out.rep.holders->nr_lines, 0);
	assert_true(out.rep.holders->wait_ns == KVMW_NONE);
	assert_string_not_equal(out.rep.empty, "");
	rec__report_free(&out);
	unlink(r.path);
}

/* Whatever is in a file: no name that is not safe to print, no sum that wraps, no end of memory. */
static void test_hostile(void **state)
{
	enum { NR = 60000 };
	struct kvmw_holder *rows = calloc(NR, sizeof(*rows));
	const struct cpu_holders *h;
	struct rec_report out;
	struct rec r;

	rec__begin(&r);
	for (u32 k = 0; k < 3; k++) {
		for (u32 i = 0; i < NR; i++)
			rows[i] = (struct kvmw_holder) {
				.vcpu = k, .place = ~i, .kind = i, .tid = i, .pid = i, .number = i,
				.comm0 = 0x1b5b325d9bff0d0aULL, .comm1 = ~0ULL, .turns = ~0ULL,
				.time_ns = ~0ULL - i,
			};
		rec__rows(&r, DATA_STATS, KVMW_EVENT_HOLDER, rows, NR);
	}
	rec__finish(&r);
	rec__report(&r, &all, NULL, &out);
	h = out.rep.holders;
	assert_int_equal(h->nr_each, REC_MAX_HOLDERS);
	assert_int_equal(h->over_limit, 3 * NR - REC_MAX_HOLDERS);
	assert_true(h->time_ns == UINT64_MAX);
	for (u32 i = 0; i < h->nr_each; i++)
		assert_true(rec__is_printable(h->each[i].name));
	assert_string_equal(line_of(h, 5, 5)->name, "vCPU 5");
	rec__report_free(&out);
	free(rows);
	unlink(r.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_selection),
		cmocka_unit_test(test_older_recording),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
