// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/array.h"
#include "util/search.h"

#define N 1000

struct numbers {
	u64 *list;
	u32 nr, room;
};

static int add(struct numbers *n, u64 number, struct budget *budget)
{
	if (array__reserve(n->list, n->nr, n->room, budget))
		return -1;
	n->list[n->nr++] = number;
	return 0;
}

static void test_array_grows(void **state)
{
	struct numbers n = { 0 };

	for (u32 i = 0; i < N; i++)
		assert_int_equal(add(&n, i, NULL), 0);
	for (u32 i = 0; i < N; i++)
		assert_int_equal(n.list[i], i);
	assert_int_equal(array__reserve_many(n.list, n.nr, 3 * N, n.room, NULL), 0);
	assert_in_range(n.room, 4 * N, 8 * N);
	array__free(n.list, n.room, NULL);
	assert_null(n.list);
	assert_int_equal(n.room, 0);
}

static void test_array_within_budget(void **state)
{
	struct budget budget = { .limit = 1024 };
	struct numbers n = { 0 };

	while (!add(&n, n.nr, &budget))
		;
	assert_int_equal(n.nr, 1024 / sizeof(*n.list));
	assert_int_equal(budget.used, 1024);
	for (u32 i = 0; i < n.nr; i++)
		assert_int_equal(n.list[i], i);
	assert_int_equal(array__reserve_many(n.list, n.nr, UINT32_MAX, n.room, &budget), -1);
	array__free(n.list, n.room, &budget);
	assert_int_equal(budget.used, 0);
}

static void test_budget_counts(void **state)
{
	struct budget budget = { .limit = 100 }, endless = { 0 };
	void *p = budget__realloc(&budget, NULL, 0, 60), *q;

	assert_non_null(p);
	assert_null(budget__realloc(&budget, p, 60, 101));
	assert_int_equal(budget.used, 60);
	q = budget__realloc(&budget, p, 60, 10);
	assert_non_null(q);
	assert_int_equal(budget.used, 10);
	assert_int_equal(budget__take(&budget, 91), -1);
	assert_int_equal(budget__take(&budget, SIZE_MAX), -1);
	assert_int_equal(budget__take(&endless, 1 << 30), 0);
	assert_int_equal(budget__take(NULL, SIZE_MAX), 0);
	budget__free(&budget, q, 10);
	assert_int_equal(budget.used, 0);
}

static int compare_u32(const void *key, const void *element)
{
	const u32 *a = key, *b = element;

	return *a < *b ? -1 : *a > *b;
}

static void test_lower_bound(void **state)
{
	const u32 list[] = { 2, 4, 4, 4, 9 };
	const u64 wide[] = { 2, 4, 4, 4, 9 };
	const u32 first[] = { 0, 0, 0, 1, 1, 4, 4, 4, 4, 4, 5 };

	for (u32 key = 0; key < ARRAY_SIZE(first); key++) {
		assert_int_equal(lower_bound(&key, list, ARRAY_SIZE(list), sizeof(*list),
					     compare_u32), first[key]);
		assert_int_equal(lower_bound_u64(key, wide, ARRAY_SIZE(wide)), first[key]);
	}
	assert_int_equal(lower_bound_u64(1, NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_array_grows),
		cmocka_unit_test(test_array_within_budget),
		cmocka_unit_test(test_budget_counts),
		cmocka_unit_test(test_lower_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
