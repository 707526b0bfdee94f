// SPDX-License-Identifier: GPL-2.0
/* From the rows of table "taken" to who took memory from VMs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/rec.h"
#include "util/analysis/taken_sums.h"

#define NO	(~0U)
#define MADVISE	28
#define ROW(pl, k, p, t, tg, c, ca, sys, n, b, gn, gb) { .place = pl, .kind = KVMW_taken_##k, \
		.pid = p, .tid = t, .tgid = tg, .comm0 = c, .cause = KVMW_CAUSE_##ca, \
		.syscall = sys, .count = n, .bytes = b, .guest_count = gn, .guest_bytes = gb }
#define KSMD	0x646d736bULL		/* "ksmd" */
#define BALLOON	0x6e6f6f6c6c6162ULL	/* "balloon" */

static const struct report_options all = { .event = KVMW_EVENT_MMU, .nr_sort = 1 };

static const struct kvmw_taken earlier[] = {
	ROW(0, KERNEL, 100, 9, 9, KSMD, CLEAR, KVMW_NONE, 1, 1, 1, 1),
	ROW(512, OTHERS, NO, NO, NO, 0, NONE, KVMW_NONE, 0, 0, 0, 0),
};
static const struct kvmw_taken later[] = {
	ROW(0, KERNEL, 100, 9, 9, KSMD, CLEAR, KVMW_NONE, 50, 500, 40, 400),
	ROW(1, VMM, 100, 110, 100, BALLOON, CLEAR, MADVISE, 5, 3000, 5, 3000),
	/* Two threads that run vCPUs are one line; so is one thread that took from two VMs. */
	ROW(2, VMM, 100, 101, 100, 0x61, PROTECT, KVMW_NONE, 1, 10, 1, 10),
	ROW(3, VMM, 100, 102, 100, 0x62, PROTECT, KVMW_NONE, 2, 20, 1, 10),
	ROW(4, KERNEL, 200, 9, 9, KSMD, CLEAR, KVMW_NONE, 7, 70, KVMW_NONE, KVMW_NONE),
	/* One without a name, and without a word for what it does. */
	ROW(5, PROCESS, 200, 300, 299, 0, OTHER, 1, 1, 5, 0, 0),
};

static void write_taken(struct rec *r)
{
	rec__begin(r);
	rec__rows(r, DATA_STATS, KVMW_EVENT_TAKEN, earlier, ARRAY_SIZE(earlier));
	rec__rows(r, DATA_STATS, KVMW_EVENT_TAKEN, later, ARRAY_SIZE(later));
	rec__finish(r);
}

static void is_line(const struct taken_sum *t, const char *how, const char *by, u64 count,
		    u64 bytes, u64 guest_bytes)
{
	assert_string_equal(t->how, how);
	assert_string_equal(t->by, by);
	assert_int_equal(t->count, count);
	assert_int_equal(t->bytes, bytes);
	assert_true(t->guest_bytes == guest_bytes);
}

static void test_lines(void **state)
{
	const struct taken_sums *sums;
	struct rec_report out;
	struct rec r;

	write_taken(&r);
	rec__report(&r, &all, NULL, &out);
	assert_string_equal(out.rep.empty, "");
	sums = out.rep.taken;
	assert_int_equal(sums->nr, 4);
	is_line(&sums->line[0], "madvise", "balloon", 5, 3000, 3000);
	is_line(&sums->line[1], "KSM", "ksmd", 57, 570, KVMW_NONE);
	is_line(&sums->line[2], "NUMA balancing", "vCPUs", 3, 30, 20);
	is_line(&sums->line[3], "other", "tid 300", 1, 5, 0);
	assert_int_equal(sums->line[3].pid, 299);
	assert_int_equal(sums->all.count, 66);
	assert_true(sums->all.guest_count == KVMW_NONE);
	rec__report_free(&out);
	unlink(r.path);
}

static void test_selection(void **state)
{
	struct report_options opt = all;
	struct rec_report out;
	struct rec r;

	write_taken(&r);
	number_list__parse(&opt.pids, "--pid", "200");
	rec__report(&r, &opt, NULL, &out);
	assert_int_equal(out.rep.taken->nr, 2);
	is_line(&out.rep.taken->line[0], "KSM", "ksmd", 7, 70, KVMW_NONE);
	rec__report_free(&out);
	number_list__free(&opt.pids);
	/* Counted from the start to the end, and of no part of it. */
	rec__report(&r, &all, "1,", &out);
	assert_null(out.rep.taken);
	assert_string_not_equal(out.rep.empty, "");
	rec__report_free(&out);
	unlink(r.path);
}

/* That nothing was taken is known; of an older recording it is not. */
static void test_none(void **state)
{
	struct rec_report out;
	struct rec r;

	for (u32 known = 0; known < 2; known++) {
		rec__begin(&r);
		if (known)
			rec__rows(&r, DATA_STATS, KVMW_EVENT_TAKEN, &earlier[1], 1);
		rec__finish(&r);
		rec__report(&r, &all, NULL, &out);
		assert_int_equal(out.rep.taken != NULL, known);
		assert_true(!known || (!out.rep.taken->nr && !out.rep.taken->all.count));
		assert_string_not_equal(out.rep.empty, "");
		rec__report_free(&out);
		unlink(r.path);
	}
}

/* Whatever is in a file: no name that is not safe to print, no sum that wraps, no end of memory. */
static void test_hostile(void **state)
{
	enum { NR = 60000 };
	struct kvmw_taken *rows = calloc(NR, sizeof(*rows));
	const struct taken_sums *sums;
	struct rec_report out;
	struct rec r;

	for (u32 i = 0; i < NR; i++)
		rows[i] = (struct kvmw_taken) {
			.place = ~i, .kind = i, .pid = i, .tid = i, .tgid = i,
			.comm0 = 0x1b5b325d9bff0d0aULL, .comm1 = ~0ULL, .cause = ~0ULL - i,
			.syscall = i,
			.count = ~0ULL - 1 - i, .bytes = ~0ULL, .guest_count = i,
			.guest_bytes = ~0ULL - 1 - i,
		};
	rec__begin(&r);
	rec__rows(&r, DATA_STATS, KVMW_EVENT_TAKEN, rows, NR);
	rec__finish(&r);
	rec__report(&r, &all, NULL, &out);
	sums = out.rep.taken;
	assert_int_equal(sums->over_limit, NR - REC_MAX_TAKEN);
	assert_true(sums->nr && sums->nr <= REC_MAX_TAKEN);
	assert_true(sums->all.count == UINT64_MAX && sums->all.bytes == UINT64_MAX);
	for (u32 i = 0; i < sums->nr; i++)
		assert_true(rec__is_printable(sums->line[i].by));
	rec__report_free(&out);
	free(rows);
	unlink(r.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_selection),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
