// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "util/recording/time_window.h"

#define S	NSEC_PER_SEC

/* 2026-11-23T23:30:00Z, which was 1000 s of CLOCK_MONOTONIC. */
#define REALTIME	(1795476600ULL * S)
#define MONOTONIC	(1000 * S)

static void resolved(const char *text, u64 start, u64 from, u64 to)
{
	const struct time_anchor anchor = { start, true, MONOTONIC, REALTIME };
	struct time_window w;

	assert_int_equal(time_window__parse(&w, text), 0);
	time_window__resolve(&w, &anchor);
	assert_null(w.wrong);
	assert_true(w.from == from);
	assert_true(w.to == to);
	/* Resolving twice changes nothing. */
	time_window__resolve(&w, &anchor);
	assert_true(w.from == from);
	if (from > to)
		return;
	assert_true(time_window__has(&w, from));
	assert_true(time_window__has(&w, to));
	assert_false(from && time_window__has(&w, from - 1));
	assert_false(to < UINT64_MAX && time_window__has(&w, to + 1));
}

static void test_since_the_start(void **state)
{
	resolved("1.5,3", 1000, 1500001000, 3000001000);
	resolved("1.5-3", 1000, 1500001000, 3000001000);
	resolved("1,", 5, 1000000005, UINT64_MAX);
	resolved("1-", 5, 1000000005, UINT64_MAX);
	resolved(",.25", 5, 5, 250000005);
	resolved(",", 5, 5, UINT64_MAX);
	resolved("0.000000001,0.123456789999", 0, 1, 123456789);
	resolved("1s,2s", 7, S + 7, 2 * S + 7);
	resolved("1500ms-2", 0, 1500000000, 2 * S);
	resolved("20us,20500ns", 0, 20000, 20500);
	resolved("0.5m,1h", 0, 30 * S, 3600 * S);
	resolved("2026-2030", 0, 2026 * S, 2030 * S);
}

/* One time stands for as long as its last digit. */
static void test_one_time(void **state)
{
	resolved("2", 5, 2 * S + 5, 3 * S + 4);
	resolved("2.1", 5, 2100000005, 2200000004);
	resolved("2.1s", 5, 2100000005, 2200000004);
	resolved("2.10", 5, 2100000005, 2110000004);
	resolved("2100ms", 0, 2100000000, 2100999999);
	resolved("2.123456789", 0, 2123456789, 2123456789);
	resolved("2.1234567891", 0, 2123456789, 2123456789);
	resolved("1.5us", 0, 1500, 1599);
	resolved("3ns", 0, 3, 3);
	resolved(".5", 0, 500000000, 599999999);
	resolved("@7.25", 5, 7250000000, 7259999999);
}

static void test_monotonic(void **state)
{
	resolved("@12345.5,@12346", 777, 12345500000000ULL, 12346000000000ULL);
	resolved("@41.0,41.001", 777, 41 * S, 41001000000ULL);
	resolved("@41-42", 777, 41 * S, 42 * S);
	resolved("1,@9", S, 2 * S, 9 * S);
}

static void use_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

static void test_dates(void **state)
{
	use_zone("UTC");
	resolved("2026-11-23T23:30:01,2026-11-23T23:30:02.5", MONOTONIC, MONOTONIC + S,
		 MONOTONIC + 2500000000);
	resolved("2026-11-23 23:30:01-2026-11-23 23:30:02", MONOTONIC, MONOTONIC + S,
		 MONOTONIC + 2 * S);
	resolved("2026-11-23T23:30:01.5", MONOTONIC, MONOTONIC + 1500000000,
		 MONOTONIC + 1599999999);
	resolved("2026-11-23T23:30", MONOTONIC, MONOTONIC, MONOTONIC + 60 * S - 1);
	resolved("2026-11-23T23:30:01Z,", MONOTONIC, MONOTONIC + S, UINT64_MAX);
	resolved("2026-11-24T01:30:01+02:00,", MONOTONIC, MONOTONIC + S, UINT64_MAX);
	resolved("2026-11-24T01:30:01+0200-23:40", MONOTONIC, MONOTONIC + S, MONOTONIC + 600 * S);
	resolved("2026-11-23T15:30:01-0800,", MONOTONIC, MONOTONIC + S, UINT64_MAX);
	/* Before the host was started. */
	resolved("2020-01-01T00:00:00,2026-11-23T23:30:05", MONOTONIC, 0, MONOTONIC + 5 * S);
}

static void test_times_of_day(void **state)
{
	use_zone("UTC");
	resolved("23:30:01,23:30:02.5", MONOTONIC, MONOTONIC + S, MONOTONIC + 2500000000);
	resolved("23:30:01-23:30:02", MONOTONIC, MONOTONIC + S, MONOTONIC + 2 * S);
	resolved("23:30:04.5", MONOTONIC, MONOTONIC + 4500000000, MONOTONIC + 4599999999);
	resolved("23:31", MONOTONIC, MONOTONIC + 60 * S, MONOTONIC + 120 * S - 1);
	/* After midnight: the next day, also of what began before it. */
	resolved("00:10:00,", MONOTONIC, MONOTONIC + 2400 * S, UINT64_MAX);
	resolved("23:59-00:10", MONOTONIC, MONOTONIC + 1740 * S, MONOTONIC + 2400 * S);
	resolved("2026-11-23T23:59:00,00:10", MONOTONIC, MONOTONIC + 1740 * S,
		 MONOTONIC + 2400 * S);
	resolved(",00:10", MONOTONIC, MONOTONIC, MONOTONIC + 2400 * S);
	/* Just before the start is before the start. */
	resolved("23:29,23:29:30", MONOTONIC, MONOTONIC - 60 * S, MONOTONIC - 30 * S);
	resolved("1,23:30:02", MONOTONIC, MONOTONIC + S, MONOTONIC + 2 * S);
}

/* By the reader's clock, wherever the recording was made; and on the day when it changes. */
static void test_zones(void **state)
{
	const struct time_anchor spring = { MONOTONIC, true, MONOTONIC, 1774738800ULL * S };
	struct time_window w;

	use_zone("UTC-5:30");
	resolved("05:00:01,", MONOTONIC, MONOTONIC + S, UINT64_MAX);
	resolved("2026-11-24T05:00:01,", MONOTONIC, MONOTONIC + S, UINT64_MAX);
	/* 2026-03-29 00:00 in Berlin; an hour is missing at two o'clock. */
	use_zone("CET-1CEST,M3.5.0,M10.5.0/3");
	assert_int_equal(time_window__parse(&w, "01:00,03:00"), 0);
	time_window__resolve(&w, &spring);
	assert_true(w.from == MONOTONIC + 3600 * S);
	assert_true(w.to == MONOTONIC + 7200 * S);
	use_zone("UTC");
}

static void test_no_clock(void **state)
{
	static const char *const by_clock[] = { "12:00,", ",12:00", "2026-11-23T23:30:00" };
	const struct time_anchor anchor = { .start_ns = MONOTONIC };
	struct time_window w;

	for (size_t i = 0; i < ARRAY_SIZE(by_clock); i++) {
		assert_int_equal(time_window__parse(&w, by_clock[i]), 0);
		assert_true(time_window__by_clock(&w));
		time_window__resolve(&w, &anchor);
		assert_non_null(w.wrong);
		assert_false(time_window__has(&w, MONOTONIC));
	}
	assert_int_equal(time_window__parse(&w, "1,@2"), 0);
	assert_false(time_window__by_clock(&w));
}

static void test_bad_windows(void **state)
{
	static const char *const bad[] = {
		"", "x", "x,", "1,2,3", "1-2-3", "1-2,3", "2,1", "2-1", "@2,@1", "-1,2", "-1", "-", "1..2,3",
		"99999999999,", "1000000001", "1000000001s", "20000000m", "@,", "@", "@@1", "1 ,2", "1, 2",
		"1d", "2min", "1,2x", "1sec", ".", ".s", "1.2.3", "ms", "100-200ms", "1e3", "0x10",
		"24:00", "12:60", "12:3", "1:02:03", "12:03:61", "12:03:", "12:03:04:05", "12:03:04x",
		"2026-11-23", "2026-11-23T", "2026-13-01T00:00", "2026-00-01T00:00", "2026-01-00T00:00",
		"2026-1-1T00:00", "2026-11-23T24:00:00", "1969-12-31T23:59:00", "9999-01-01T00:00:00",
		"2026-11-23T23:30:00,2026-11-23T23:29:00", "2026-11-23T23:30:00+9", "@12:03",
	};
	struct time_window w;

	use_zone("UTC");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(time_window__parse(&w, bad[i]), -1);
}

static void test_percent(void **state)
{
	static const struct { const char *text; u64 from, to; } some[] = {
		{ "10%,20%", 100, 200 }, { "50%-", 500, UINT64_MAX }, { ",2.5%", 7, 25 }, { "0%,100%", 0, 1000 },
		{ "50%", 500, 509 }, { "99.5%", 995, 995 },
	};
	static const char *const bad[] = { "%", "101%", "100.1%", "20%,10%", "1%2", "@5%", "10s%",
					   "1.%.", "5%%" };
	struct time_window w;

	for (size_t i = 0; i < ARRAY_SIZE(some); i++) {
		const struct time_anchor anchor = { .start_ns = i == 2 ? 7 : 0 };

		assert_int_equal(time_window__parse(&w, some[i].text), 0);
		assert_true(time_window__needs_duration(&w));
		time_window__set_duration(&w, 1000);
		assert_false(time_window__needs_duration(&w));
		time_window__resolve(&w, &anchor);
		assert_int_equal(w.from, some[i].from);
		assert_int_equal(w.to, some[i].to + (i == 2 ? 7 : 0));
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(time_window__parse(&w, bad[i]), -1);
	assert_int_equal(time_window__parse_around(&w, "10%+-1"), -1);
}

static void test_around(void **state)
{
	static const struct { const char *text; u64 from, to; } around[] = {
		{ "2.1+-50ms", 2050000000, 2150000000 }, { "2.1±.1", 2 * S, 2200000000 }, { "1+/-2s", 0, 3 * S },
		{ "@8.5+-0", 8500000000, 8500000000 }, { "2026-11-23T23:30:02+-1", MONOTONIC + S, MONOTONIC + 3 * S },
		{ "23:30:02.5±500ms", MONOTONIC + 2 * S, MONOTONIC + 3 * S },
		/* More than an hour before the recording began, and on the day before. */
		{ "23:30:02.5+-4000s", MONOTONIC + S * 5 / 2 > 4000 * S ? MONOTONIC + S * 5 / 2 - 4000 * S : 0,
		  MONOTONIC + S * 5 / 2 + 4000 * S },
		{ "23:30:02.5+-90000s", MONOTONIC + S * 5 / 2 > 90000 * S ? MONOTONIC + S * 5 / 2 - 90000 * S : 0,
		  MONOTONIC + S * 5 / 2 + 90000 * S },
	};
	static const char *const bad[] = { "", "+-1", "1", "1+-", "1-2", "1+-x", "1+-2,3", "x+-1",
					   ",+-1", "1+-12:00", "1±±2" };
	const struct time_anchor anchor = { 0, true, MONOTONIC, REALTIME };
	struct time_window w;

	use_zone("UTC");
	for (size_t i = 0; i < ARRAY_SIZE(around); i++) {
		assert_int_equal(time_window__parse_around(&w, around[i].text), 0);
		time_window__resolve(&w, &anchor);
		assert_int_equal(w.from, around[i].from);
		assert_int_equal(w.to, around[i].to);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(time_window__parse_around(&w, bad[i]), -1);
}

static void test_no_window(void **state)
{
	const struct time_anchor anchor = { .start_ns = 1000 };
	struct time_window w = { 0 };

	time_window__resolve(&w, &anchor);
	assert_true(time_window__has(&w, 0));
	assert_true(time_window__has(&w, UINT64_MAX));
}

/* What a hostile recording says of its clocks is no reason to crash. */
static void test_hostile_anchors(void **state)
{
	static const u64 values[] = { 0, 1, S, INT64_MAX, UINT64_MAX - 1, UINT64_MAX };
	static const char *const texts[] = { "1,2", "12:00-13:00", "2026-11-23T23:30:00", "@5" };

	for (size_t i = 0; i < ARRAY_SIZE(values) * ARRAY_SIZE(values) * ARRAY_SIZE(texts); i++) {
		const struct time_anchor anchor = {
			values[i % 6], true, values[i / 6 % 6], values[(i / 6 + i) % 6],
		};
		struct time_window w;

		assert_int_equal(time_window__parse(&w, texts[i / 36]), 0);
		time_window__resolve(&w, &anchor);
		assert_true(w.resolved);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_since_the_start),
		cmocka_unit_test(test_one_time),
		cmocka_unit_test(test_monotonic),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_times_of_day),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_no_clock),
		cmocka_unit_test(test_bad_windows),
		cmocka_unit_test(test_percent), cmocka_unit_test(test_around),
		cmocka_unit_test(test_no_window),
		cmocka_unit_test(test_hostile_anchors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
