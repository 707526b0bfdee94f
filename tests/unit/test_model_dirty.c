// SPDX-License-Identifier: GPL-2.0
/* From marks of dirty pages to what is shown of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/rec.h"
#include "util/analysis/model_dirty.h"
#include "util/analysis/model_dirty_rows.h"

#define ROW(t, v, g, s, l) { .time_ns = REC_START + (t) * REC_MS, .span_ns = KVMW_NONE, .vcpu = v, \
			     .kind = KVMW_dirty_PAGE, .gfn = g, .slot = s, .logging = l }
#define SMM	0x10000		/* the second address space */

/* Two frames of each: neither is in the order of time. */
static const struct kvmw_dirty later[] = {
	ROW(1000, 7, 0x103, 5, 1), ROW(1000, 7, 0x100, 5, 1), ROW(25, 1, 0x100, 5, 1),
	ROW(120, 1, 0x100, SMM + 5, 1), ROW(15, 1, 0x102, 5, 1), ROW(600, 1, 0x300, 5, KVMW_NONE),
};
static const struct kvmw_dirty earlier[] = {
	ROW(5, 0, 0x101, 5, 1), ROW(0, 0, 0x100, 5, 1), ROW(3, 0, 0x100, 5, 1),
	ROW(1, 0, 0x200, 5, 0), ROW(1, 0, 0x201, 6, 0), ROW(2, 7, 0x200, 5, 0),
	/* No mark, though it looks like one. */
	{ .time_ns = REC_START, .kind = KVMW_dirty_RING_PUSH, .gfn = 0x999, .slot = 5,
	  .logging = 1 },
};

#define SLOT(t, v, s, g, n, h, r) { .time_ns = REC_START + (t) * REC_MS, .vcpu = v, .slot = s, \
		.kind = KVMW_memslot_SET, .gpa = g, .size = n, .hva = h, .result = r }
static const struct kvmw_memslot slots[] = {
	SLOT(900, 0, 5, 0x100000, 0, 0, 0),			/* deleted at last */
	SLOT(800, 0, 5, 0x100000, 0x3000, 0xbad000, -22),	/* refused */
	SLOT(700, 0, 5, 0x200000, 0x3000, 0xbad000, 0),	/* elsewhere */
	SLOT(500, 1, 5, 0x100000, 0x3000, 0x7f0000, 0),
	SLOT(400, 0, 5, 0x0, 0x200000, 0x7e0000, 0),
	SLOT(600, 7, 6, 0x100000, 0x3000, 0xbad000, 0),	/* another VM's, another slot */
};

struct made {
	struct rec_report out;
	const struct dirty_model *v;
};

static void write_rows(struct rec *r, const struct kvmw_dirty *rows, u32 nr)
{
	rec__begin(r);
	rec__rows(r, DATA_EVENTS, KVMW_EVENT_DIRTY, rows, nr);
	rec__finish(r);
}

static void write_all(struct rec *r)
{
	rec__begin(r);
	rec__rows(r, DATA_EVENTS, KVMW_EVENT_DIRTY, later, ARRAY_SIZE(later));
	rec__rows(r, DATA_EVENTS, KVMW_EVENT_MEMSLOT, slots, ARRAY_SIZE(slots));
	rec__rows(r, DATA_EVENTS, KVMW_EVENT_DIRTY, earlier, ARRAY_SIZE(earlier));
	rec__finish(r);
}

static void make(const struct rec *r, const struct report_options *opt, u32 threads,
		 struct made *m)
{
	m->v = rec__model(r, &dirty_report_model, opt, NULL, threads, &m->out);
}

static void done(struct made *m)
{
	rec__report_free(&m->out);
}

static void window(const struct dirty_window *w, u64 ms, u64 whole, double mean, u64 max)
{
	assert_int_equal(w->ns, ms * REC_MS);
	assert_int_equal(w->whole, whole);
	if (whole)
		assert_int_equal(w->mean * 1000 + 0.5, mean * 1000 + 0.5);
	assert_int_equal(w->max, max);
}

static void test_counts(void **state)
{
	const struct report_options opt = { .event = KVMW_EVENT_DIRTY, .nr_sort = 1 };
	struct made m;
	struct rec r;

	write_all(&r);
	for (u32 threads = 1; threads <= 3; threads++) {
		make(&r, &opt, threads, &m);
		assert_int_equal(m.v->marks, 8);
		assert_int_equal(m.v->unlogged, 3);
		assert_int_equal(m.v->unknown, 1);
		assert_int_equal(m.v->pages, 6);
		assert_int_equal(m.v->again, 1);
		assert_int_equal(m.v->timed, 8);
		assert_int_equal(m.v->no_page + m.v->no_time, 0);
		window(&m.v->window[0], 10, 100, 0.05, 2);
		window(&m.v->window[1], 100, 10, 0.4, 3);
		window(&m.v->window[2], 1000, 1, 4, 4);
		window(&m.v->window[3], 10000, 0, 0, 6);
		assert_int_equal(m.v->nr_by, 3);
		assert_int_equal(m.v->by[0].marks + m.v->by[1].marks, 6);
		assert_int_equal(m.v->by[2].vcpu, 7);
		assert_int_equal(m.v->by[2].marks, 2);
		assert_string_equal(m.v->by[2].label, "200/0");
		done(&m);
	}
	unlink(r.path);
}

static void test_ranges_and_their_slots(void **state)
{
	const struct report_options opt = { .event = KVMW_EVENT_DIRTY, .nr_sort = 1 };
	const struct dirty_range *range;
	struct made m;
	struct rec r;

	write_all(&r);
	make(&r, &opt, 2, &m);
	assert_int_equal(m.v->nr_ranges, 4);
	assert_int_equal(m.v->all_ranges, 4);
	range = &m.v->range[0];
	assert_int_equal(range->gfn, 0x100);
	assert_int_equal(range->pages, 3);
	assert_int_equal(range->marks, 5);
	assert_int_equal(range->vm, 0);
	assert_int_equal(range->slot, 5);
	assert_true(range->has_slot);
	assert_int_equal(range->slot_gpa, 0x100000);
	assert_int_equal(range->slot_size, 0x3000);
	assert_int_equal(range->slot_hva, 0x7f0000);
	/* The same number in another address space, or VM, is another page. */
	assert_int_equal(m.v->range[1].slot, SMM + 5);
	for (u32 i = 1; i < 4; i++) {
		assert_int_equal(m.v->range[i].pages, 1);
		assert_false(m.v->range[i].has_slot);
	}
	done(&m);
	unlink(r.path);
}

static void test_rates(void **state)
{
	const struct report_options opt = { .event = KVMW_EVENT_DIRTY, .nr_sort = 1 };
	u64 marks[5000];
	struct made m;
	struct rec r;
	u32 used;

	write_all(&r);
	make(&r, &opt, 1, &m);
	assert_int_equal(dirty_model__rates(m.v, marks, 10, &used), 100 * REC_MS + 1);
	assert_int_equal(used, 10);
	assert_int_equal(marks[0], 5);
	assert_int_equal(marks[1], 1);
	assert_int_equal(marks[9], 2);
	/* No bucket is shorter. */
	assert_int_equal(dirty_model__rates(m.v, marks, ARRAY_SIZE(marks), &used), REC_MS);
	assert_int_equal(used, 1001);
	assert_int_equal(marks[1000], 2);
	done(&m);
	unlink(r.path);
}

static void test_filters(void **state)
{
	struct report_options opt = { .event = KVMW_EVENT_DIRTY, .nr_sort = 1 };
	struct made m;
	struct rec r;

	write_all(&r);
	assert_int_equal(number_list__parse(&opt.pids, "--pid", "200"), 0);
	make(&r, &opt, 2, &m);
	assert_int_equal(m.v->marks, 2);
	assert_int_equal(m.v->pages, 2);
	assert_int_equal(m.v->unlogged, 1);
	assert_int_equal(m.v->first_ns, m.v->last_ns);
	done(&m);
	number_list__free(&opt.pids);
	memset(&opt.pids, 0, sizeof(opt.pids));
	assert_int_equal(number_list__parse(&opt.vcpus, "--vcpu", "1"), 0);
	make(&r, &opt, 2, &m);
	assert_int_equal(m.v->marks, 3);
	assert_int_equal(m.v->pages, 3);
	assert_int_equal(m.v->again, 0);
	assert_int_equal(m.v->unlogged, 0);
	assert_int_equal(m.v->unknown, 1);
	done(&m);
	number_list__free(&opt.vcpus);
	unlink(r.path);
}

static void test_without_logging(void **state)
{
	static const struct kvmw_dirty rows[] = { ROW(1, 0, 1, 5, 0), ROW(2, 0, 1, 5, 0) };
	const struct report_options opt = { .event = KVMW_EVENT_DIRTY, .nr_sort = 1 };
	struct made m;
	struct rec r;
	u64 rates[4];
	u32 used;

	write_rows(&r, rows, ARRAY_SIZE(rows));
	make(&r, &opt, 1, &m);
	assert_int_equal(m.v->pages + m.v->marks + m.v->timed + m.v->nr_ranges + m.v->nr_by, 0);
	assert_int_equal(m.v->unlogged, 2);
	dirty_model__rates(m.v, rates, 4, &used);
	assert_int_equal(used, 0);
	done(&m);
	unlink(r.path);
}

/* The last ones have most: 300 vCPUs, one page each, none beside another. */
static void test_more_than_is_shown(void **state)
{
	const struct report_options opt = { .event = KVMW_EVENT_DIRTY, .nr_sort = 1 };
	static struct kvmw_dirty rows[400];
	struct made m;
	struct rec r;

	for (u32 i = 0; i < 400; i++) {
		u32 nr = i < 300 ? i : i - 100;

		rows[i] = (struct kvmw_dirty)ROW(i, 1000 + nr, 2 * nr, 5, 1);
	}
	write_rows(&r, rows, 400);
	make(&r, &opt, 2, &m);
	assert_int_equal(m.v->pages, 300);
	assert_int_equal(m.v->again, 100);
	assert_int_equal(m.v->nr_ranges, DIRTY_RANGES);
	assert_int_equal(m.v->all_ranges, 300);
	for (u32 i = 0; i < DIRTY_RANGES; i++)
		assert_int_equal(m.v->range[i].marks, 2);
	assert_int_equal(m.v->nr_by, DIRTY_BY);
	assert_int_equal(m.v->by[0].marks, 2);
	assert_int_equal(m.v->by[99].marks, 2);
	assert_int_equal(m.v->by[DIRTY_BY - 1].marks, 1);
	assert_int_equal(m.v->by_others, 300 - DIRTY_BY);
	assert_string_equal(m.v->by[0].label, "#1200");
	done(&m);
	unlink(r.path);
}

/* What no kernel would write. */
static void test_strange_numbers(void **state)
{
	static const struct kvmw_dirty rows[] = {
		{ .time_ns = 0, .kind = 1, .vcpu = 12345, .gfn = ~1ULL, .slot = ~0ULL,
		  .logging = 1 },
		{ .time_ns = ~1ULL, .kind = 1, .vcpu = ~0U, .gfn = 0, .slot = ~0ULL, .logging = 7 },
		{ .time_ns = ~0ULL, .kind = 1, .vcpu = 0, .gfn = 1, .slot = 1ULL << 63,
		  .logging = 1 },
		{ .time_ns = 5, .kind = 1, .vcpu = 0, .gfn = ~0ULL, .slot = 0, .logging = 1 },
	};
	const struct report_options opt = { .event = KVMW_EVENT_DIRTY, .nr_sort = 1 };
	u64 marks[3];
	struct made m;
	struct rec r;
	u32 used;

	write_rows(&r, rows, ARRAY_SIZE(rows));
	make(&r, &opt, 1, &m);
	assert_int_equal(m.v->pages, 3);
	assert_int_equal(m.v->unknown, 1);
	assert_int_equal(m.v->no_time, 1);
	assert_int_equal(m.v->timed, 2);
	assert_int_equal(m.v->all_ranges, 3);
	assert_int_equal(m.v->window[0].whole, ~1ULL / (10 * REC_MS));
	assert_int_equal(m.v->window[3].max, 1);
	dirty_model__rates(m.v, marks, 3, &used);
	assert_int_equal(used, 3);
	assert_int_equal(marks[0] + marks[2], 2);
	done(&m);
	unlink(r.path);
}

/* Beyond the bounds of memory everything is still counted, and reported. */
static void test_limits(void **state)
{
	u64 kind[6], vcpu[6] = { 0 }, slot[6] = { 0 }, time[6], gfn[6] = { 1, 2, 1, 3, 2, 4 },
	    logging[6];
	u64 *col[] = { kind, vcpu, slot, time, gfn, logging };
	const struct scan_batch b = { .event = &dirty_rows_events[0], .rows = 6, .col = col };
	const struct report_options opt = { 0 };
	struct dirty_rows *rows = dirty_rows__new((void *)&opt);
	const struct dirty_entry *page;

	for (u32 i = 0; i < 6; i++) {
		kind[i] = KVMW_dirty_PAGE;
		logging[i] = 1;
		time[i] = i;
	}
	rows->max_entries = 2;
	rows->max_marks = 3;
	assert_int_equal(dirty_rows__take(rows, &b), 0);
	assert_int_equal(rows->pages.nr, 2);
	page = rows->pages.entry;
	assert_int_equal(page[0].marks + page[1].marks, 4);
	assert_int_equal(rows->no_page, 2);
	assert_int_equal(rows->nr_marks, 3);
	assert_int_equal(rows->no_time, 3);
	dirty_rows__free(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_ranges_and_their_slots),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_without_logging),
		cmocka_unit_test(test_more_than_is_shown),
		cmocka_unit_test(test_strange_numbers),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
