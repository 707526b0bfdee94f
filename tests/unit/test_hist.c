// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/analysis/hist.h"
#include "util/event_desc.h"

#define N 20000

static u64 next(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static int by_value(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void test_buckets_are_contiguous(void **state)
{
	for (u32 i = 0; i < HIST_BUCKETS; i++) {
		u64 from = hist__from(i);

		assert_int_equal(hist__index(from), i);
		if (i)
			assert_int_equal(hist__index(from - 1), i - 1);
	}
	assert_int_equal(hist__index(UINT64_MAX), HIST_BUCKETS - 1);
}

static void check_stddev(const struct hist *h, const u64 *values, u32 nr)
{
	double sum = 0, off = 0, squares = 0, got = hist__stddev(h);

	for (u32 i = 0; i < nr; i++)
		sum += values[i];
	for (u32 i = 0; i < nr; i++) {
		double d = values[i] - sum / nr;

		off += d * d;
		squares += (double)values[i] * values[i];
	}
	assert_true(fabs(got - sqrt(off / nr)) <= sqrt(squares / nr) / HIST_SUB + 1);
}

static void check_percentiles(const u64 *values, u32 nr)
{
	static const u32 permille[] = { 0, 1, 10, 500, 900, 990, 999, 1000 };
	u64 *sorted = malloc(nr * sizeof(*sorted));
	struct hist h = { 0 };

	assert_non_null(sorted);
	memcpy(sorted, values, nr * sizeof(*sorted));
	qsort(sorted, nr, sizeof(*sorted), by_value);
	for (u32 i = 0; i < nr; i++)
		assert_int_equal(hist__add(&h, values[i]), 0);
	assert_int_equal(h.count, nr);
	assert_int_equal(h.min, sorted[0]);
	assert_int_equal(h.max, sorted[nr - 1]);
	for (size_t i = 0; i < ARRAY_SIZE(permille); i++) {
		u64 rank = ((u64)nr * permille[i] + 999) / 1000;
		u64 exact = sorted[rank ? rank - 1 : 0], got = hist__percentile(&h, permille[i]);
		u64 off = got > exact ? got - exact : exact - got;

		assert_true(off <= exact / HIST_SUB);
		assert_true(got >= h.min && got <= h.max);
	}
	check_stddev(&h, sorted, nr);
	hist__free(&h);
	free(sorted);
}

static void test_percentiles(void **state)
{
	u64 seed = 88172645463325252ULL;
	u64 *v = malloc(N * sizeof(*v));

	assert_non_null(v);
	for (u32 i = 0; i < N; i++)
		v[i] = next(&seed) >> (next(&seed) % 64);	/* every power of two */
	check_percentiles(v, N);
	for (u32 i = 0; i < N; i++)
		v[i] = 700 + next(&seed) % 900;
	check_percentiles(v, N);
	for (u32 i = 0; i < N; i++)
		v[i] = i % 100 ? 1000 : 50000000;	/* two peaks */
	check_percentiles(v, N);
	check_percentiles((u64[]) { 0 }, 1);
	check_percentiles((u64[]) { UINT64_MAX - 1 }, 1);
	check_percentiles((u64[]) { 5, 5, 5, 1ULL << 63 }, 4);
	free(v);
}

static void test_merge_is_adding_all(void **state)
{
	struct hist whole = { 0 }, part[3] = { { 0 } }, merged = { 0 };
	u64 seed = 4242, log2[2][HIST_LOG2], sum = 0;

	for (u32 i = 0; i < N; i++) {
		u64 value = next(&seed) >> (20 + next(&seed) % 44);

		sum += value;
		assert_int_equal(hist__add(&whole, value), 0);
		assert_int_equal(hist__add(&part[i % 3], value), 0);
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(hist__merge(&merged, &part[i]), 0);
	assert_int_equal(merged.count, whole.count);
	assert_int_equal(merged.sum, sum);
	assert_int_equal(merged.min, whole.min);
	assert_int_equal(merged.max, whole.max);
	for (u32 p = 0; p <= 1000; p++)
		assert_int_equal(hist__percentile(&merged, p), hist__percentile(&whole, p));
	hist__log2(&whole, log2[0]);
	hist__log2(&merged, log2[1]);
	assert_memory_equal(log2[0], log2[1], sizeof(log2[0]));
	for (int i = 0; i < 3; i++)
		hist__free(&part[i]);
	hist__free(&whole);
	hist__free(&merged);
}

static void test_merge_of_nothing(void **state)
{
	struct hist empty = { 0 }, one = { 0 };

	assert_int_equal(hist__add(&one, 12), 0);
	assert_int_equal(hist__merge(&one, &empty), 0);
	assert_int_equal(one.count, 1);
	assert_int_equal(hist__merge(&empty, &one), 0);
	assert_int_equal(empty.min, 12);
	assert_int_equal(empty.max, 12);
	hist__free(&empty);
	assert_int_equal(hist__percentile(&empty, 500), 0);
	assert_true(hist__stddev(&empty) == KVMW_NONE);
	hist__free(&one);
}

static void test_sum_does_not_wrap(void **state)
{
	struct hist h = { 0 };

	assert_int_equal(hist__add(&h, UINT64_MAX - 1), 0);
	assert_int_equal(hist__add(&h, 5), 0);
	assert_true(h.sum == UINT64_MAX);
	hist__free(&h);
}

static void test_log2(void **state)
{
	struct hist h = { 0 };
	u64 log2[HIST_LOG2], sum = 0;

	for (u64 value = 0; value < 100; value++)
		assert_int_equal(hist__add(&h, value), 0);
	hist__log2(&h, log2);
	assert_int_equal(log2[0], 2);	/* 0, 1 */
	assert_int_equal(log2[1], 2);	/* 2, 3 */
	assert_int_equal(log2[5], 32);	/* 32 to 63 */
	assert_int_equal(log2[6], 36);	/* 64 to 99 */
	for (u32 i = 0; i < HIST_LOG2; i++)
		sum += log2[i];
	assert_int_equal(sum, 100);
	hist__free(&h);
}

/* Without room, all but the percentiles is known; and nothing is left behind. */
static void test_budget(void **state)
{
	struct budget budget = { .limit = 400 };
	struct hist h = { .budget = &budget }, more = { .budget = &budget };

	for (u32 exp = 10; exp < 20; exp++)
		assert_int_equal(hist__add(&h, 1ULL << exp), 0);
	assert_true(budget.refused && budget.used <= budget.limit);
	assert_int_equal(h.count, 10);
	assert_int_equal(h.sum, (1 << 20) - (1 << 10));
	assert_int_equal(h.min, 1 << 10);
	assert_int_equal(h.max, 1 << 19);
	assert_true(h.unplaced > 0 && h.unplaced < 10);
	assert_true(hist__percentile(&h, 500) == KVMW_NONE);
	assert_true(hist__stddev(&h) == KVMW_NONE);
	assert_int_equal(hist__merge(&more, &h), 0);
	assert_int_equal(more.count, 10);
	assert_int_equal(more.unplaced, 10);
	hist__free(&more);
	hist__free(&h);
	assert_int_equal(budget.used, 0);
}

/* Powers of two far apart take no room in between. */
static void test_sparse(void **state)
{
	struct budget budget = { .limit = 0 };
	struct hist h = { .budget = &budget };

	assert_int_equal(hist__add(&h, 0), 0);
	assert_int_equal(hist__add(&h, UINT64_MAX), 0);
	assert_true(budget.used < 500);
	assert_int_equal(hist__percentile(&h, 500), 0);
	assert_true(hist__percentile(&h, 1000) >= UINT64_MAX / 16 * 15);
	hist__free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_buckets_are_contiguous),
		cmocka_unit_test(test_percentiles),
		cmocka_unit_test(test_merge_is_adding_all),
		cmocka_unit_test(test_merge_of_nothing),
		cmocka_unit_test(test_sum_does_not_wrap),
		cmocka_unit_test(test_log2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
