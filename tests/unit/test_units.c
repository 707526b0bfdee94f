// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/render/outbuf.h"
#include "util/render/units.h"
#include "util/events.h"
#include "util/text.h"

static void is(u64 ns, enum units style, const char *text)
{
	char buf[UNITS_MAX];

	assert_string_equal(units__ns(ns, style, buf), text);
}

static void test_durations(void **state)
{
	is(0, UNITS_2, "0ns");
	is(999, UNITS_2, "999ns");
	is(1000, UNITS_2, "1.0us");
	is(9949, UNITS_2, "9.9us");
	is(9960, UNITS_2, "10us");
	is(999499, UNITS_2, "999us");
	is(999500, UNITS_2, "1.0ms");
	is(1234567, UNITS_2, "1.2ms");
	is(1234567, UNITS_3, "1.23ms");
	is(99960000, UNITS_3, "100ms");
	is(999960000, UNITS_3, "1.00s");
	is(456, UNITS_3, "456ns");
	is(1234567, UNITS_FULL, "1.235ms");
	is(12345678, UNITS_FULL, "12.35ms");
	is(999999999, UNITS_FULL, "1.000s");
	is(999ULL * NSEC_PER_SEC, UNITS_2, "999s");
	is(7200ULL * NSEC_PER_SEC, UNITS_3, "2.00h");
	is(864000ULL * NSEC_PER_SEC, UNITS_2, "10d");
	is(KVMW_NONE, UNITS_2, "-");
}

/* Whatever the duration: no wider than promised, and off by no more than its digits. */
static void test_widths(void **state)
{
	static const struct { u32 width; double off; } styles[] = {
		[UNITS_2] = { 5, 0.06 }, [UNITS_3] = { 6, 0.006 }, [UNITS_FULL] = { 7, 0.0006 },
	};
	static const struct { const char *unit; double ns; } units[] = {
		{ "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "n", 1 }, { "u", 1e3 }, { "m", 1e6 },
		{ "s", 1e9 }, { "h", 3600e9 }, { "d", 86400e9 },
	};
	char buf[UNITS_MAX];

	for (u64 ns = 1; ns < 900ULL * 86400 * NSEC_PER_SEC; ns += ns / 97 + 1) {
		for (u32 style = 0; style < ARRAY_SIZE(styles); style++) {
			double value, off, scale = 0;
			char *unit;

			units__ns(ns, style, buf);
			assert_in_range(strlen(buf), 2, styles[style].width);
			value = strtod(buf, &unit);
			for (size_t i = 0; i < ARRAY_SIZE(units); i++)
				if (!strcmp(unit, units[i].unit))
					scale = units[i].ns;
			assert_true(scale > 0);
			value = value * scale - ns;
			/* Less than an hour is shown in hours from 1000 s on: "0.3h". */
			off = styles[style].off * (ns > scale ? ns : scale);
			assert_true((value < 0 ? -value : value) <= off);
		}
	}
}

static void scaled(struct unit_scale scale, const char *unit, u64 ns, const char *text)
{
	char buf[UNITS_MAX];

	assert_string_equal(scale.name, unit);
	assert_string_equal(units__scaled(ns, &scale, buf), text);
}

/* All durations of a column in one unit. */
static void test_scales(void **state)
{
	const u64 us = 1000, ms = 1000 * us, s = 1000 * ms;

	scaled(units__common(320, 6 * us), "us", 320, "0.32");
	scaled(units__common(9 * us, 120 * us), "us", 120 * us, "120.0");
	scaled(units__common(10 * us, 9999 * ms), "us", 9999 * ms, "9999000");
	scaled(units__common(10 * us, 9999 * ms), "us", 400, "<1");
	scaled(units__common(10 * us, 10 * s), "ms", 41 * us, "0.04");
	scaled(units__common(10 * us, 10 * s), "ms", 4 * us, "<0.01");
	scaled(units__common(10 * us, 2000 * s), "s", 2000 * s, "2000.000");
	scaled(units__common(KVMW_NONE, 0), "us", KVMW_NONE, "-");
	scaled(units__common(0, 0), "us", 0, "0.00");
	scaled(units__of_sums(999 * us), "us", 320, "0.3");
	scaled(units__of_sums(57 * ms), "ms", 320 * us, "0.32");
	scaled(units__of_sums(999 * ms), "ms", 320 * us, "0.3");
	scaled(units__of_sums(1218 * ms), "s", 1218 * ms, "1.218");
	scaled(units__of_sums(1218 * ms), "s", 270 * us, "<0.001");
	scaled(units__of_sums(86400 * s), "s", 86400 * s, "86400");
}

static void test_other_numbers(void **state)
{
	char buf[UNITS_MAX];

	assert_string_equal(units__count(0, buf), "0");
	assert_string_equal(units__count(999, buf), "999");
	assert_string_equal(units__count(1000, buf), "1,000");
	assert_string_equal(units__count(UINT64_MAX, buf), "18,446,744,073,709,551,615");
	assert_string_equal(units__percent(100, UNITS_2, buf), "100");
	assert_string_equal(units__percent(99.94, UNITS_2, buf), "99.9");
	assert_string_equal(units__percent(99.96, UNITS_2, buf), "100");
	assert_string_equal(units__percent(0.04, UNITS_3, buf), "0.0");
	assert_string_equal(units__percent(12.345, UNITS_FULL, buf), "12.35");
	assert_string_equal(units__share(1, 8, buf), "12.5%");
	assert_string_equal(units__share(1, 0, buf), "-");
	assert_string_equal(units__share(KVMW_NONE, 8, buf), "-");
}

static void clean(const char *dirty, size_t max, const char *expected)
{
	char *text = text__clean(dirty, max);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static void test_hostile_text(void **state)
{
	clean("plain", 10, "plain");
	clean("plain", 3, "pla");
	clean("", 3, "");
	clean("esc\x1b[31m\n\t\x7f", 32, "esc?[31m???");
	clean("gr\xc3\xbc\xc3\x9f", 32, "gr\xc3\xbc\xc3\x9f");
	clean("\xc3\xbc\xc3\xbc\xc3\xbc", 2, "\xc3\xbc\xc3\xbc");
	clean("c1\xc2\x9b", 32, "c1?");
	clean("\xff\xfe\xc3", 32, "???");		/* not UTF-8, cut short */
	clean("\xc0\xaf", 32, "??");			/* overlong */
	clean("\xed\xa0\x80", 32, "???");		/* surrogate */
	clean("\xf4\x90\x80\x80", 32, "????");		/* beyond Unicode */
	/* NOLINTNEXTLINE(misc-misleading-bidirectional): that is the test */
	clean("a\xe2\x80\xae" "b", 32, "a?b");		/* right-to-left override */
	clean("\xf0\x9f\x90\xa7", 1, "\xf0\x9f\x90\xa7");
}

/* Script's own way to print numbers. */
static struct out *open_out(void)
{
	struct screen screen = { .out = stdout };
	struct out *out = out__new(&screen);

	assert_non_null(out);
	return out;
}

static void is_printed(struct out *out, const char *text)
{
	assert_int_equal(out->len, strlen(text));
	assert_memory_equal(out->buf, text, out->len);
	out->len = 0;
}

static void is_number(struct out *out, u64 value, u32 width, char pad)
{
	unsigned long long number = value;
	char text[32];

	snprintf(text, sizeof(text), pad == '0' ? "%0*llu" : "%*llu", (int)width, number);
	out__padded(out, value, width, pad);
	is_printed(out, text);
}

/* All that are about as long as another one. */
static void test_printed_numbers(void **state)
{
	struct out *out = open_out();
	u64 power = 1;

	for (u32 i = 0; i < 20; i++, power *= 10)
		for (u64 near = power - 2; near != power + 3; near++)
			for (u32 width = 0; width < 24; width += 3) {
				is_number(out, near, width, ' ');
				is_number(out, near, width, '0');
			}
	assert_int_equal(out__free(out), 0);
}

static void test_printed_fractions(void **state)
{
	struct out *out = open_out();
	char text[32];

	for (u32 value = 0; value < 1000000000; value += value / 999 + 1) {
		snprintf(text, sizeof(text), "%09u", value);
		out__nine(out, value);
		is_printed(out, text);
	}
	assert_int_equal(out__free(out), 0);
}

static void is_address(struct out *out, u64 value)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)value);
	out__hex(out, value);
	is_printed(out, text);
}

static void test_printed_addresses(void **state)
{
	struct out *out = open_out();

	for (u32 bits = 0; bits < 64; bits++) {
		is_address(out, BIT(bits));
		is_address(out, BIT(bits) - 1);
		is_address(out, 0x0123456789abcdefULL >> bits);
		is_address(out, 0xfedcba9876543210ULL >> bits);
	}
	assert_int_equal(out__free(out), 0);
}

/* Four digits, the others cut off, and all that precede the point. */
static void is_duration(struct out *out, u64 ns)
{
	static const struct { u64 ns; const char *name; } units[] = {
		{ NSEC_PER_SEC, "s" }, { 1000000, "ms" }, { 1000, "us" }, { 1, "ns" },
	};
	char text[64], fraction[16];
	u32 i = 0, digits;
	u64 whole;

	while (i < 3 && ns < units[i].ns)
		i++;
	whole = ns / units[i].ns;
	digits = i == 3 || whole >= 1000 ? 0 : whole >= 100 ? 1 : whole >= 10 ? 2 : 3;
	snprintf(fraction, sizeof(fraction), ".%03u",
		 i == 3 ? 0 : (u32)(ns % units[i].ns / (units[i].ns / 1000)));
	snprintf(text, sizeof(text), "%llu%.*s%s", (unsigned long long)whole,
		 (int)(digits ? digits + 1 : 0), fraction, units[i].name);
	out__ns(out, ns);
	is_printed(out, text);
}

static void test_printed_durations(void **state)
{
	struct out *out = open_out();
	u64 power = 1;

	for (u32 i = 0; i < 20; i++, power *= 10)
		for (u64 near = power - 2; near != power + 3; near++)
			is_duration(out, near);
	/* All that four digits can say, and what is nearly the next. */
	power = 1;
	for (u32 i = 0; i < 11; i++, power *= 10)
		for (u64 digits = 1000; digits < 10000; digits++) {
			is_duration(out, digits * power);
			is_duration(out, digits * power - 1);
		}
	assert_int_equal(out__free(out), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_printed_numbers),
		cmocka_unit_test(test_printed_fractions),
		cmocka_unit_test(test_printed_addresses),
		cmocka_unit_test(test_printed_durations),
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_scales),
		cmocka_unit_test(test_other_numbers),
		cmocka_unit_test(test_hostile_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
