// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/parse.h"

static void test_bits(void **state)
{
	static const char *const bad[] = { "", "10", "1T", "G", "-1G", "10 G", "1e30G", "10Gbits" };
	u64 bits;

	assert_int_equal(parse_bits("2.5G", &bits), 0);
	assert_int_equal(bits, 2500000000);
	assert_int_equal(parse_bits("10g", &bits), 0);
	assert_int_equal(bits, 10000000000);
	assert_int_equal(parse_bits("100Mbit/s", &bits), 0);
	assert_int_equal(bits, 100000000);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(parse_bits(bad[i], &bits), -1);
}

static void test_numbers(void **state)
{
	static const char *const bad[] = { "", "x", "-1", "+1", " 1", "1 ", "1x", "0x1", "1.5",
					   "18446744073709551616" };
	u64 value;
	u32 small;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(parse_u64(bad[i], &value), -1);
		assert_int_equal(parse_u32(bad[i], &small), -1);
	}
	assert_int_equal(parse_u64("18446744073709551615", &value), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(parse_u64("010", &value), 0);
	assert_true(value == 10);
	assert_int_equal(parse_u32("4294967295", &small), 0);
	assert_true(small == UINT32_MAX);
	assert_int_equal(parse_u32("4294967296", &small), -1);
}

static void size(const char *text, u64 expected)
{
	u64 bytes;

	assert_int_equal(parse_size(text, &bytes), 0);
	assert_true(bytes == expected);
}

static void test_sizes(void **state)
{
	static const char *const bad[] = { "", "K", "-1K", "1Q", "1KK", "1B", "1K ", "16777216T",
					   "0x10", "1.5M" };
	u64 bytes;

	size("0", 0);
	size("4096", 4096);
	size("64K", 65536);
	size("8m", 8 << 20);
	size("1GB", 1 << 30);
	size("16777215T", 16777215ULL << 40);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(parse_size(bad[i], &bytes), -1);
}

static void span(const char *text, u64 expected)
{
	u64 ns;

	assert_int_equal(parse_time(text, &ns), 0);
	assert_true(ns == expected);
}

static void test_times(void **state)
{
	static const char *const bad[] = { "", ".", "s", "-1", "inf", "nan", "1 s", "1d", "1sec",
					   "9000000000000" };
	u64 ns;

	span("10", 10 * NSEC_PER_SEC);
	span("1.5", 1500000000);
	span(".5s", 500000000);
	span("500ms", 500000000);
	span("20us", 20000);
	span("7ns", 7);
	span("2m", 120 * NSEC_PER_SEC);
	span("1h", 3600 * NSEC_PER_SEC);
	span("0", 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(parse_time(bad[i], &ns), -1);
}

static void test_percents(void **state)
{
	static const char *const bad[] = { "", "%", "x", "-1", "100.1", "nan", "5 %", "5%%" };
	double percent;

	assert_int_equal(parse_percent("2.5", &percent), 0);
	assert_true(percent == 2.5);
	assert_int_equal(parse_percent("100%", &percent), 0);
	assert_true(percent == 100);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(parse_percent(bad[i], &percent), -1);
}

static void test_lists(void **state)
{
	static const char *const bad[] = { "", ",", "1,", ",1", "1-", "-1", "3-1", "1 2", "1x",
					   "0x1", "1--2", "70", "0-70", "18446744073709551616" };
	u64 bits[2];

	assert_int_equal(parse_list("0-3,7,64-69,2", bits, 70), 0);
	assert_true(bits[0] == 0x8f);
	assert_true(bits[1] == 0x3f);
	assert_int_equal(parse_list("63", bits, 70), 0);
	assert_true(bits[0] == 1ULL << 63);
	assert_true(!bits[1]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(parse_list(bad[i], bits, 70), -1);
}

static void range(const char *text, int base, u64 from, u64 to, const char *rest)
{
	u64 first, last;

	assert_int_equal(parse_range(&text, base, UINT64_MAX, &first, &last), 0);
	assert_true(first == from);
	assert_true(last == to);
	assert_string_equal(text, rest);
}

static void test_ranges(void **state)
{
	static const char *const bad[] = { "", "x", "-1", "1-", "1-x", "2-1", "11", "1-11",
					   "1--2" };
	u64 from, to;

	range("7", 10, 7, 7, "");
	range("0-3,7", 10, 0, 3, ",7");
	range("0x60-0x64", 10, 0, 0, "x60-0x64");
	range("0x60-0x64", 0, 0x60, 0x64, "");
	range("017-16", 0, 017, 16, "");
	range("0-0xffffffffffffffff", 0, 0, UINT64_MAX, "");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const char *text = bad[i];

		assert_int_equal(parse_range(&text, 10, 10, &from, &to), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_percents),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
