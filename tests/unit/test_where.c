// SPDX-License-Identifier: GPL-2.0
/* --where: a parser that no text can hurt, and three values of truth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/analysis/where.h"
#include "util/data/data.h"
#include "util/recording/recording.h"

#define ROUNDS	20000
#define ROWS	600		/* more than a block */
#define ALL	(~0U)

static struct data_event *describe(u32 id)
{
	const struct event_desc *desc = event_desc__by_id(id);
	struct data_event *event = calloc(1, sizeof(*event));

	event->id = id;
	strcpy(event->name, desc->name);
	event->nr_fields = desc->nr_fields;
	event->fields = calloc(desc->nr_fields, sizeof(*event->fields));
	for (u32 i = 0; i < desc->nr_fields; i++) {
		event->fields[i].type = desc->fields[i].type;
		strcpy(event->fields[i].name, desc->fields[i].name);
		strcpy(event->fields[i].unit, desc->fields[i].unit);
	}
	return event;
}

static void forget(struct data_event *event)
{
	free(event->fields);
	free(event);
}

/* Applies it to rows whose columns all have the row's value; the number of those that it keeps. */
static u32 apply(const struct where *w, const struct data_event *event, const u64 *value, u32 rows)
{
	const struct row_filter *f = where__filter(w);
	const char *const *columns = f->columns(f, event->id);
	struct recording *rec = recording__new("-");
	u64 *col[ROW_FILTER_COLUMNS];
	u8 keep[ROWS];
	u32 nr = 0, kept = 0;

	for (; columns[nr]; nr++) {
		col[nr] = malloc(rows * sizeof(u64));
		memcpy(col[nr], value, rows * sizeof(u64));
	}
	f->rows(f, rec, 0, event, col, rows, keep);
	for (u32 i = 0; i < rows; i++) {
		assert_true(keep[i] <= 1);
		kept += keep[i];
	}
	while (nr)
		free(col[--nr]);
	recording__free(rec);
	return kept;
}

/* Messages of thousands of mistakes are nothing to read. */
static int silence(void)
{
	int old = dup(STDERR_FILENO);

	assert_true(old >= 0 && freopen("/dev/null", "w", stderr));
	return old;
}

static void speak(int old)
{
	fflush(stderr);
	assert_true(dup2(old, STDERR_FILENO) >= 0);
	close(old);
}

static const char *const names[] = {
	"total", "total_ns", "reason", "rip", "kind", "vcpu", "comm", "sym", "event", "detail", "port", "time", "isa",
	"nested", "user_reason", "tid", "vm", "nothing",
};
static const char *const operators[] = {
	"==", "!=", "<", "<=", ">", ">=", " in ", "~", "!~", "=", "&&", "", " ",
};
static const char *const some_values[] = {
	"1", "0x10", "100us", "2.5", "4K", "18446744073709551615", "-1", "npf", "unknown", "\"a b\"", "'", "true", "[",
	"*", "99999999999999999999", "0x", "\x80", "1-2", "1,2", "(1,npf", "-EFAULT", "exit", "1-", "", "svm", "1h",
};
static const char *const between[] = { "&&", "||", ") && ", " || (", "", ")", "!" };

#define ANY(list) list[random() % ARRAY_SIZE(list)]

/* One that is nearly right, and often right. */
static void make_text(char *text)
{
	static const char *const before[] = { "", "", "", "", "!", "(", "!(", " " };

	*text = '\0';
	for (u32 terms = random() % 4 + 1; terms; terms--) {
		strcat(text, ANY(before));
		strcat(text, ANY(names));
		strcat(text, ANY(operators));
		strcat(text, ANY(some_values));
		if (terms > 1)
			strcat(text, ANY(between));
	}
}

static void test_any_text(void **state)
{
	struct data_event *event = describe(KVMW_EVENT_EXIT);
	u64 values[] = { 0, 1, KVMW_NONE, 0x400, 1ULL << 63 };
	u32 parsed = 0, bound = 0;
	int old = silence();

	srandom(1);
	for (u32 round = 0; round < ROUNDS; round++) {
		struct where *w;
		char text[512];

		make_text(text);
		w = where__parse("--where", text);
		parsed += !!w;
		if (w && !where__bind(w, BIT(KVMW_EVENT_EXIT))) {
			bound++;
			apply(w, event, values, ARRAY_SIZE(values));
		}
		if (w)
			where__bind(w, ALL);
		where__free(w);
	}
	speak(old);
	/* Otherwise nothing was tried. */
	assert_true(parsed > ROUNDS / 20 && bound > ROUNDS / 50 && parsed < ROUNDS);
	forget(event);
}

static void test_any_bytes(void **state)
{
	int old = silence();

	srandom(2);
	for (u32 round = 0; round < ROUNDS; round++) {
		char text[64];
		u32 len = random() % (sizeof(text) - 1);

		for (u32 i = 0; i < len; i++)
			text[i] = random() % 255 + 1;
		text[len] = '\0';
		where__free(where__parse("--where", text));
	}
	speak(old);
}

static void test_bounds(void **state)
{
	char text[8192];
	int old = silence();

	memset(text, '(', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_null(where__parse("--where", text));
	text[4000] = '\0';
	assert_null(where__parse("--where", text));
	memset(text, '!', 4000);
	assert_null(where__parse("--where", text));
	speak(old);
}

/* How many of the rows with these values of all columns an expression keeps. */
static u32 kept(const char *text, const u64 *value, u32 rows)
{
	struct data_event *event = describe(KVMW_EVENT_EXIT);
	struct where *w = where__parse("--where", text);
	u32 nr;

	assert_non_null(w);
	assert_int_equal(where__bind(w, BIT(KVMW_EVENT_EXIT)), 0);
	nr = apply(w, event, value, rows);
	where__free(w);
	forget(event);
	return nr;
}

static void test_truth(void **state)
{
	static const struct { const char *text; u32 kept; } cases[] = {
		/* Of 5, 7 and unknown. */
		{ "rip==5", 1 }, { "rip!=5", 1 }, { "!(rip==5)", 1 }, { "!(rip!=5)", 1 }, { "rip==unknown", 1 },
		{ "rip!=unknown", 2 }, { "!(rip==unknown)", 2 }, { "rip==5 || rip!=5", 2 },
		{ "rip==5 || rip==unknown", 2 }, { "rip==5 && total_ns==5", 1 }, { "!(rip==5 && total_ns==7)", 2 },
		{ "rip==5 || rip==7 && total_ns==5", 1 }, { "(rip==5 || rip==7) && total_ns==5", 1 },
		{ "rip<5", 0 }, { "rip<0", 0 }, { "rip>=0", 2 }, { "rip>18446744073709551615", 0 },
		{ "rip<=18446744073709551614", 2 }, { "rip in 6-7", 1 }, { "rip in (5,7)", 2 }, { "rip in 0x5", 1 },
		{ "event==exit", 3 }, { "event!=exit", 0 }, { "vcpu==unknown", 3 }, { "vcpu!=0", 0 },
	};
	const u64 value[] = { 5, 7, KVMW_NONE };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (kept(cases[i].text, value, ARRAY_SIZE(value)) != cases[i].kept)
			fail_msg("%s: not %u", cases[i].text, cases[i].kept);
}

/* More rows than a block has; the last ones of each are not forgotten. */
static void test_blocks(void **state)
{
	u64 value[ROWS];

	for (u32 i = 0; i < ROWS; i++)
		value[i] = i;
	assert_int_equal(kept("rip>=100 && rip<599 && !(rip in 255-256)", value, ROWS), 497);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truth),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_any_text),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
