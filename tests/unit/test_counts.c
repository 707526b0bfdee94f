// SPDX-License-Identifier: GPL-2.0
/* Counters read at several times: intervals, and that they add up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/analysis/counts.h"

enum { CPUID = 10, HLT = 12, IN_GUEST = 0xfffffff1 };

static struct agg_key key_of(u32 reason)
{
	return (struct agg_key) { .vcpu = 3, .event = KVMW_EVENT_EXIT, .isa = 1, .reason = reason };
}

static void take(struct counts *c, u32 reason, const struct kvmw_total *total)
{
	const struct agg_key key = key_of(reason);
	struct agg_table t = { .over_limit = 0 };
	struct agg *agg;

	assert_int_equal(agg_table__get(&t, &key, &agg), 0);
	agg->has_total = true;
	agg->total = *total;
	assert_int_equal(counts__take(c, &t, IN_GUEST), 0);
	agg_table__free(&t);
}

#define TAKE(c, reason, ...) take(c, reason, &(const struct kvmw_total) { __VA_ARGS__ })

/* What was counted of a reason, and with it the next interval begins. */
static struct kvmw_total of(struct agg_table *t, u32 reason)
{
	const struct agg_key key = key_of(reason);
	const struct agg *agg = hash_table__find(&t->table, &key);

	/* Of nothing there is none. */
	return agg ? agg->total : (struct kvmw_total) { .count = 0 };
}

static void next(struct counts *c, struct agg_table *t)
{
	agg_table__free(t);
	assert_int_equal(counts__since(c, COUNTS_INTERVAL, t), 0);
	counts__next(c);
}

static void test_intervals_add_up(void **state)
{
	struct agg_table t = { .over_limit = 0 }, all = { .over_limit = 0 };
	struct counts c = { .full = false };
	u64 count = 0, span = 0;

	for (u64 i = 1; i <= 3; i++) {
		TAKE(&c, CPUID, .count = 7 * i, .done = 7 * i, .span_ns = 100 * i * i,
		     .throttled_ns = KVMW_NONE);
		next(&c, &t);
		count += of(&t, CPUID).count;
		span += of(&t, CPUID).span_ns;
		assert_true(of(&t, CPUID).throttled_ns == KVMW_NONE);
	}
	/* Nothing more: of what may be gone, nothing is said. */
	next(&c, &t);
	assert_int_equal(t.table.nr, 0);
	assert_int_equal(count, 21);
	assert_int_equal(span, 900);
	assert_int_equal(counts__since(&c, COUNTS_ALL, &all), 0);
	assert_int_equal(of(&all, CPUID).count, 21);
	assert_int_equal(of(&all, CPUID).span_ns, 900);
	agg_table__free(&t);
	agg_table__free(&all);
	counts__free(&c);
}

static void sum_of(struct counts *c, enum counts_span span, struct kvmw_total *total)
{
	struct agg_table t = { .over_limit = 0 };

	assert_int_equal(counts__since(c, span, &t), 0);
	*total = of(&t, HLT);
	agg_table__free(&t);
}

/* A sleep taken for a halt that was none: parts add up to the whole in each interval and in all. */
static void test_a_guess_is_taken_back(void **state)
{
	struct agg_table t = { .over_limit = 0 };
	struct counts c = { .full = false };
	struct kvmw_total sum;

	TAKE(&c, HLT, .count = 1, .span_ns = 1000, .halt_ns = 900);
	next(&c, &t);
	assert_int_equal(of(&t, HLT).halt_ns, 900);
	TAKE(&c, HLT, .count = 1, .done = 1, .span_ns = 1500, .halt_ns = 400, .block_ns = 1000);
	sum_of(&c, COUNTS_ALL, &sum);
	assert_int_equal(sum.halt_ns, 400);
	assert_int_equal(sum.block_ns, 1000);
	next(&c, &t);
	assert_int_equal(of(&t, HLT).halt_ns, 0);
	assert_int_equal(of(&t, HLT).block_ns, 500);
	assert_int_equal(of(&t, HLT).span_ns, 500);
	assert_int_equal(of(&t, HLT).count, 0);
	assert_int_equal(of(&t, HLT).done, 1);
	/* Nothing has changed. */
	next(&c, &t);
	assert_int_equal(t.table.nr, 0);
	/* What KVM did is a part like others. */
	TAKE(&c, HLT, .count = 2, .done = 1, .span_ns = 2500, .halt_ns = 1400, .block_ns = 1000);
	next(&c, &t);
	assert_int_equal(of(&t, HLT).halt_ns + of(&t, HLT).block_ns, 1000);
	TAKE(&c, HLT, .count = 2, .done = 2, .span_ns = 2600, .halt_ns = 500, .block_ns = 1000);
	next(&c, &t);
	assert_int_equal(of(&t, HLT).halt_ns + of(&t, HLT).block_ns, 0);
	assert_int_equal(of(&t, HLT).span_ns, 100);
	agg_table__free(&t);
	counts__free(&c);
}

/* What Prometheus gets grows only, and its parts are never more than the whole. */
static void test_sums_that_grow(void **state)
{
	struct counts c = { .full = false };
	struct kvmw_total was = { .count = 0 }, sum;
	u64 asleep = 0, seed = 1;

	for (u64 i = 1; i <= 200; i++) {
		u64 halt, poll;

		/* Any part of what was asleep may prove a halt, and any part of that polling. */
		asleep += 100;
		seed = seed * 6364136223846793005ULL + 1;
		halt = (seed >> 33) % (asleep + 1);
		poll = (seed >> 40) % (halt + 1);
		TAKE(&c, HLT, .count = i, .span_ns = asleep + 7 * i, .halt_ns = halt,
		     .poll_ns = poll, .block_ns = asleep - halt, .throttled_ns = KVMW_NONE);
		sum_of(&c, COUNTS_GROWN, &sum);
		assert_true(sum.halt_ns >= was.halt_ns && sum.block_ns >= was.block_ns);
		assert_true(sum.poll_ns >= was.poll_ns && sum.poll_ns <= sum.halt_ns);
		assert_true(sum.halt_ns - sum.poll_ns >= was.halt_ns - was.poll_ns);
		assert_int_equal(sum.halt_ns + sum.block_ns, asleep);
		assert_true(sum.throttled_ns == KVMW_NONE);
		was = sum;
		sum_of(&c, COUNTS_ALL, &sum);
		assert_true(sum.halt_ns == halt && sum.poll_ns == poll &&
			    sum.block_ns == asleep - halt);
	}
	counts__free(&c);
}

/* A cycle went on while it was read: its parts, read later than the span, are no more than that. */
static void test_parts_read_later(void **state)
{
	struct agg_table t = { .over_limit = 0 };
	struct counts c = { .full = false };
	struct kvmw_total got;

	TAKE(&c, HLT, .count = 1, .span_ns = 1000, .user_ns = 300, .halt_ns = 900, .poll_ns = 800,
	     .wait_ns = 50, .throttled_ns = 50, .block_ns = KVMW_NONE);
	sum_of(&c, COUNTS_ALL, &got);
	assert_int_equal(got.user_ns + got.halt_ns + got.wait_ns, 1000);
	assert_true(got.poll_ns <= got.halt_ns && got.throttled_ns <= got.wait_ns &&
		    got.block_ns == KVMW_NONE);
	next(&c, &t);
	TAKE(&c, HLT, .count = 2, .done = 2, .span_ns = 1100, .user_ns = 400, .halt_ns = 100,
	     .block_ns = KVMW_NONE);
	next(&c, &t);
	got = of(&t, HLT);
	assert_int_equal(got.span_ns, 100);
	assert_true(captured(got.user_ns) + got.halt_ns + got.wait_ns <= 100);
	agg_table__free(&t);
	counts__free(&c);
}

/* How many events have no room is not known: each look finds their keys again. */
static void test_no_room(void **state)
{
	const struct agg_table t = { .over_limit = 3 };
	struct counts c = { .full = false };

	assert_int_equal(counts__take(&c, &t, IN_GUEST), 0);
	assert_true(c.full);
	counts__free(&c);
}

/* Time in the guest is counted while it lasts, and not again when the exit comes. */
static void test_guest_time_once(void **state)
{
	struct agg_table t = { .over_limit = 0 };
	struct counts c = { .full = false };

	TAKE(&c, CPUID, .count = 1, .done = 1, .gap_ns = 100);
	TAKE(&c, IN_GUEST, .gap_ns = 1000);
	next(&c, &t);
	assert_int_equal(of(&t, CPUID).gap_ns, 100);
	assert_int_equal(of(&t, IN_GUEST).gap_ns, 1000);
	/* It goes on. */
	TAKE(&c, IN_GUEST, .gap_ns = 3000);
	next(&c, &t);
	assert_int_equal(of(&t, CPUID).gap_ns, 0);
	assert_int_equal(of(&t, IN_GUEST).gap_ns, 2000);
	/* It ends after 3,500 ns, and another one has begun. */
	TAKE(&c, CPUID, .count = 2, .done = 2, .gap_ns = 3600);
	TAKE(&c, IN_GUEST, .gap_ns = 200);
	next(&c, &t);
	assert_int_equal(of(&t, CPUID).gap_ns, 500);
	assert_int_equal(of(&t, IN_GUEST).gap_ns, 200);
	agg_table__free(&t);
	counts__free(&c);
}

static void test_latencies(void **state)
{
	struct agg_table t = { .over_limit = 0 };
	const struct agg_key key = key_of(CPUID);
	struct counts c = { .full = false };
	u64 count[COUNTS_LATENCIES] = { [10] = 98, [14] = 2 };
	const struct agg *agg;
	struct report_row row = { .done = 100 };
	struct report rep = { .row = &row, .nr_rows = 1 };

	assert_int_equal(counts__take_latencies(&c, &key, count, 150000), 0);
	TAKE(&c, CPUID, .count = 100, .done = 100);
	next(&c, &t);
	agg = hash_table__find(&t.table, &key);
	row.span = agg->span;
	row.p50_ns = hist__percentile(&row.span, 500);
	row.p99_ns = hist__percentile(&row.span, 990);
	counts__finish(&rep);
	assert_int_equal(row.mean_ns, 1500);
	assert_int_equal(row.p50_ns, 2048);
	assert_int_equal(row.p99_ns, 32768);
	assert_true(row.max_ns == KVMW_NONE);
	/* How long these took is not known. */
	row.p99_ns = 20ULL * 1000000000;
	counts__finish(&rep);
	assert_true(row.p99_ns == KVMW_NONE);
	/* One more that was not yet among those that ended has no duration in this interval. */
	count[10]++;
	assert_int_equal(counts__take_latencies(&c, &key, count, 151000), 0);
	TAKE(&c, CPUID, .count = 101, .done = 100);
	next(&c, &t);
	agg = hash_table__find(&t.table, &key);
	assert_int_equal(agg->span.count, 0);
	agg_table__free(&t);
	counts__free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_intervals_add_up),
		cmocka_unit_test(test_a_guess_is_taken_back),
		cmocka_unit_test(test_sums_that_grow),
		cmocka_unit_test(test_parts_read_later),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_guest_time_once),
		cmocka_unit_test(test_latencies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
