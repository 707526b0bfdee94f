// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/recording/filter.h"

static void test_lists(void **state)
{
	struct number_list list = { 0 };

	assert_int_equal(number_list__parse(&list, "--vcpu", "0-3,7,100-100"), 0);
	assert_true(number_list__has(&list, 0));
	assert_true(number_list__has(&list, 3));
	assert_false(number_list__has(&list, 4));
	assert_true(number_list__has(&list, 7));
	assert_true(number_list__has(&list, 100));
	assert_false(number_list__has(&list, 1ULL << 32));
	assert_int_equal(number_list__parse(&list, "--vcpu", "5"), 0);
	assert_false(number_list__has(&list, 7));
	number_list__free(&list);
}

static void test_bad_lists(void **state)
{
	static const char *const bad[] = { "", ",", "1,", ",1", "x", "1-", "-1", "3-1", "1 2", "1x",
					   "4294967295", "99999999999999999999", "0x1", "1--2" };
	struct number_list list = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(number_list__parse(&list, "--vcpu", bad[i]), -1);
	number_list__free(&list);
}

static void window(const char *text, u64 start, u64 from, u64 to)
{
	struct time_window w;

	assert_int_equal(time_window__parse(&w, text), 0);
	time_window__resolve(&w, start);
	assert_true(w.from == from);
	assert_true(w.to == to);
	/* Resolving twice changes nothing. */
	time_window__resolve(&w, start);
	assert_true(w.from == from);
	assert_true(time_window__has(&w, from));
	assert_true(time_window__has(&w, to));
	assert_false(from && time_window__has(&w, from - 1));
}

static void test_windows(void **state)
{
	window("1.5,3", 1000, 1500001000, 3000001000);
	window("1,", 5, 1000000005, UINT64_MAX);
	window(",.25", 5, 5, 250000005);
	window(",", 5, 5, UINT64_MAX);
	window("0.000000001,0.123456789999", 0, 1, 123456789);
	window("@12345.5,@12346", 777, 12345500000000ULL, 12346000000000ULL);
	window("1,@9", 1000000000, 2000000000, 9000000000);
}

static void test_bad_windows(void **state)
{
	static const char *const bad[] = { "", "1", "x,", "1,2,3", "2,1", "@2,@1", "-1,2", "1,2s",
					   "1..2,3", "99999999999,", "@,", "1 ,2" };
	struct time_window w;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(time_window__parse(&w, bad[i]), -1);
}

static void test_no_window(void **state)
{
	struct time_window w = { 0 };

	time_window__resolve(&w, 1000);
	assert_true(time_window__has(&w, 0));
	assert_true(time_window__has(&w, UINT64_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_bad_lists),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_bad_windows),
		cmocka_unit_test(test_no_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
