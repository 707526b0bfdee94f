// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/recording/filter.h"
#include "util/events.h"

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

static void test_reasons(void **state)
{
	static const char *const bad[] = { "", ",", "nothing", "io,nothing", "0x", "-1",
					   "4294967296" };
	struct reason_list list = { 0 };

	assert_int_equal(reason_list__parse(&list, "io,0x400,HLT"), 0);
	assert_int_equal(list.nr, 3);
	assert_true(reason_list__has(&list, KVMW_ISA_SVM, 0x7b));
	assert_true(reason_list__has(&list, KVMW_ISA_SVM, 0x400));
	assert_true(reason_list__has(&list, KVMW_ISA_VMX, 12));
	assert_false(reason_list__has(&list, KVMW_ISA_VMX, 0x7b));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(reason_list__parse(&list, bad[i]), -1);
	reason_list__free(&list);
	assert_false(reason_list__has(&list, KVMW_ISA_SVM, 0x7b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_bad_lists),
		cmocka_unit_test(test_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
