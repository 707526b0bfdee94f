// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/nearest.h"

static const char *const words[] = { "record", "report", "script", "list", "info", "bench", "irq",
				     "exit", "vcpu", "vm", "IO_INSTRUCTION", "EPT_VIOLATION" };

static void nearest(const char *typed, const char *expected)
{
	struct nearest n;

	nearest__begin(&n, typed, strlen(typed));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		nearest__offer(&n, words[i]);
	assert_string_equal(n.word, expected);
	if (!*expected) {
		assert_string_equal(nearest__hint(&n), "");
		return;
	}
	assert_memory_equal(nearest__hint(&n), " (did you mean ", 15);
	assert_non_null(strstr(n.hint, expected));
}

static void test_one_edit(void **state)
{
	nearest("recod", "record");	/* a missing letter, */
	nearest("records", "record");	/* one too many, */
	nearest("recorf", "record");	/* another one, */
	nearest("reprot", "report");	/* two that changed places */
	nearest("LIST", "list");
	nearest("iqr", "irq");
	nearest("ext", "exit");
}

static void test_several_edits(void **state)
{
	nearest("rprt", "report");
	nearest("ept_voilatoin", "EPT_VIOLATION");
	nearest("vpcus", "vcpu");
}

/* However much of the word is missing. */
static void test_beginnings(void **state)
{
	nearest("scr", "script");
	nearest("i", "info");
	nearest("io", "IO_INSTRUCTION");
	nearest("rec", "record");
	nearest("ept", "EPT_VIOLATION");
}

static void test_like_nothing(void **state)
{
	nearest("", "");
	nearest("x", "");
	nearest("zz", "");
	nearest("help", "");
	nearest("trace", "");
	nearest("a word of more than forty characters is like none", "");
}

/* Only the first len bytes were typed; a long word is never copied. */
static void test_lengths(void **state)
{
	char longer[NEAREST_MAX + 2];
	struct nearest n;

	nearest__begin(&n, "\033irq", 4);
	nearest__offer(&n, "\033irq");
	nearest__offer(&n, "irq exit");
	nearest__offer(&n, "");
	assert_string_equal(n.word, "");
	nearest__begin(&n, "irq,exit", 3);
	nearest__offer(&n, "irq");
	assert_string_equal(n.word, "irq");
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	nearest__begin(&n, longer, NEAREST_MAX);
	nearest__offer(&n, longer);
	assert_string_equal(n.word, "");
	nearest__offer(&n, longer + 1);
	assert_string_equal(n.word, longer + 1);
	assert_int_equal(strlen(nearest__hint(&n)), NEAREST_MAX + strlen(" (did you mean ?)"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_edit),
		cmocka_unit_test(test_several_edits),
		cmocka_unit_test(test_beginnings),
		cmocka_unit_test(test_like_nothing),
		cmocka_unit_test(test_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
