// SPDX-License-Identifier: GPL-2.0
/* Tables fit the screen, whatever is in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <locale.h>

#include <cmocka.h>

#include "tests/unit/rec.h"
#include "util/render/render.h"
#include "util/text.h"

#define LONG_NAME "a-very-long-name-of-a-virtual-machine-\xe8\x99\x9a\xe6\x93\xac\xe6\x9c\xba"

static void write_rec(struct rec *r)
{
	/* Long names, long numbers, durations from ns to hours, an unknown reason. */
	static const u32 reasons[] = { 1, 10, 12, 48, 0x80000021, 0x63, 0xffffffff };
	struct kvmw_exit rows[700];
	struct kvmw_total totals[ARRAY_SIZE(reasons)];

	memset(rows, 0, sizeof(rows));
	memset(totals, 0, sizeof(totals));
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		rows[i] = (struct kvmw_exit) {
			.time_ns = REC_START + i * REC_MS, .guest_ns = 100,
			.total_ns = 1ULL << (i % 46), .user_ns = 1, .isa = 1,
			.reason = reasons[i % ARRAY_SIZE(reasons)], .vcpu = i % 2,
		};
	for (u32 i = 0; i < ARRAY_SIZE(totals); i++)
		totals[i] = (struct kvmw_total) {
			.event = KVMW_EVENT_EXIT, .isa = 1, .reason = reasons[i],
			.count = 123456789012 + i, .done = 123456789012, .lost = 123456780000,
			.span_ns = 987654321987654321, .user_ns = 87654321987654321, .gap_ns = 1,
		};
	rec__open(r);
	rec__json(r, DATA_META, "{\"host\":{\"name\":\"" LONG_NAME LONG_NAME "\",\"kernel\":\"6.1\"},"
		  "\"start_ns\":5000000000,\"notes\":[\"" LONG_NAME " " LONG_NAME " " LONG_NAME "\"]}");
	rec__json(r, DATA_IDENT, "{\"vms\":[{\"id\":0,\"pid\":4194304,\"name\":\"" LONG_NAME LONG_NAME
		  "\",\"vmm\":\"q\"}],\"vcpus\":[{\"id\":0,\"vm\":0,\"vcpu\":0,\"tid\":1,\"comm\":\"c\"},"
		  "{\"id\":1,\"vm\":0,\"vcpu\":4095,\"tid\":4194304,\"comm\":\"CPU 4095/KVM....\"}]}");
	rec__rows(r, DATA_EVENTS, KVMW_EVENT_EXIT, rows, ARRAY_SIZE(rows));
	rec__rows(r, DATA_STATS, KVMW_EVENT_TOTAL, totals, ARRAY_SIZE(totals));
	rec__finish(r);
}

/* Every line fits; returns how long the longest one is. */
static u32 longest(const struct screen *s, char *text)
{
	u32 most = 0;

	for (char *save, *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		u32 width = screen__width(s, line);

		if (!s->utf8)
			for (const char *p = line; *p; p++)
				assert_in_range((u8)*p, 0x20, 0x7e);
		if (width > s->width)
			fail_msg("%u columns of %u: %s", width, s->width, line);
		most = width > most ? width : most;
	}
	return most;
}

static u32 render(const struct report *rep, u32 width, bool utf8)
{
	struct screen s = { .width = width, .utf8 = utf8 };
	char *text = NULL;
	size_t size;
	u32 most;

	s.out = open_memstream(&text, &size);
	assert_non_null(s.out);
	render__heading(&s, rep, NULL, true);
	render__whole(&s, rep);
	assert_int_equal(render__reasons(&s, rep), 0);
	render__table(&s, rep);
	render__histograms(&s, rep);
	assert_int_equal(render__vcpus(&s, rep), 0);
	fclose(s.out);
	most = longest(&s, text);
	free(text);
	return most;
}

static const struct report_options by[] = {
	{ .sort = { KEY_REASON }, .nr_sort = 1 },
	{ .sort = { KEY_VM }, .nr_sort = 1 },
	{ .sort = { KEY_VCPU }, .nr_sort = 1 },
	{ .sort = { KEY_REASON, KEY_VCPU }, .nr_sort = 2 },
};

static void test_fits_from_60_columns_on(void **state)
{
	struct rec_report out;
	struct rec r;

	write_rec(&r);
	for (size_t i = 0; i < ARRAY_SIZE(by); i++) {
		u32 at_80, at_200;

		rec__report(&r, &by[i], NULL, &out);
		for (u32 width = 60; width <= 200; width += 7) {
			render(&out.rep, width, false);
			render(&out.rep, width, true);
		}
		at_80 = render(&out.rep, 80, true);
		at_200 = render(&out.rep, 200, true);
		assert_true(at_200 > at_80 + 20);	/* more room, more shown */
		rec__report_free(&out);
	}
	unlink(r.path);
}

static void test_csv_quotes(void **state)
{
	struct report_options opt = { .sort = { KEY_VM }, .nr_sort = 1 };
	struct kvmw_exit row = { .time_ns = REC_START, .total_ns = 5, .isa = 1, .reason = 10 };
	struct screen s = { .width = 80 };
	struct rec_report out;
	char text[1024];
	struct rec r;

	rec__open(&r);
	rec__json(&r, DATA_IDENT, "{\"vms\":[{\"id\":0,\"pid\":1,\"name\":\"a,\\\"b\\\"\\n\"}],"
		  "\"vcpus\":[{\"id\":0,\"vm\":0,\"vcpu\":0}]}");
	rec__rows(&r, DATA_EVENTS, KVMW_EVENT_EXIT, &row, 1);
	rec__end(&r, true);
	rec__report(&r, &opt, NULL, &out);
	s.out = tmpfile();
	assert_non_null(s.out);
	assert_int_equal(render__report_csv(&s, &out.rep), 0);
	rewind(s.out);
	text[fread(text, 1, sizeof(text) - 1, s.out)] = '\0';
	fclose(s.out);
	assert_non_null(strstr(text, "pid,vm,vmm,count,"));
	assert_non_null(strstr(text, "\n1,\"a,\"\"b\"\"?\",,1,"));
	rec__report_free(&out);
	unlink(r.path);
}

/* A time that is more than the whole, as a wrong recording may have it, is a full bar. */
static void test_more_than_the_whole(void **state)
{
	struct report rep = { .event = KVMW_EVENT_EXIT };
	struct screen s = { .width = 80 };
	size_t size;
	char *text;

	rep.whole.wall_ns = 1000;
	rep.whole.guest_ns = 1000000;
	s.out = open_memstream(&text, &size);
	assert_non_null(s.out);
	render__whole(&s, &rep);
	fclose(s.out);
	assert_in_range(size, 10, 100);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fits_from_60_columns_on),
		cmocka_unit_test(test_csv_quotes), cmocka_unit_test(test_more_than_the_whole),
	};

	/* The width of characters is the locale's business. */
	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
