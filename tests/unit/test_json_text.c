// SPDX-License-Identifier: GPL-2.0
/* JSON that is looked at before it is parsed: what it costs, and its elements one at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/json_text.h"
#include "util/memory.h"

static const char *const names[] = { "a", "list" };

/* Writes down what it gets. */
static int write_down(void *ctx, u32 name, struct json_object *obj)
{
	char *to = ctx;

	sprintf(to + strlen(to), "%s:%s ", names[name],
		obj ? json_object_to_json_string_ext(obj, JSON_C_TO_STRING_PLAIN) : "-");
	return strstr(to, "stop") ? -1 : 0;
}

static void test_each(void **state)
{
	static const struct { const char *text, *taken; int ret; bool any; } cases[] = {
		{ "{}", "", 0, false },
		{ " { \"x\" : [ {\"y\":1} ] } ", "", 0, false },
		{ "{\"a\":7,\"list\":{}}", "", 0, false },
		{ "{\"a\":[]}", "", 0, true },
		{ "{\"a\" : [ {\"x\":\"]}\\\"\"} , 7,null , [1,{}],\"{\" ]}", "a:{\"x\":\"]}\\\"\"} a:- a:- a:- a:- ",
		  0, true },
		{ "{\"a\":[{\"x\":1}],\"b\":\"a\",\"list\":[{}]}", "a:{\"x\":1} list:{} ", 0, true },
		{ "{\"a\":[{\"x\":1},{]}", "a:{\"x\":1} ", JSON_BAD, true },
		{ "{\"a\":[{\"x\":1}", "a:{\"x\":1} ", JSON_BAD, true },
		{ "{\"a\":[{\"x\":1},", "a:{\"x\":1} ", JSON_BAD, true },
		{ "{\"a\":[,]}", "", JSON_BAD, true },
		{ "{\"a\":[{\"x\":\"", "", JSON_BAD, true },
		{ "{\"a\"", "", JSON_BAD, false }, { "{\"a", "", JSON_BAD, false },
		{ "", "", JSON_BAD, false }, { "[]", "", JSON_BAD, false }, { "{", "", JSON_BAD, false },
		{ "{\"a\":[{\"stop\":1},{}]}", "a:{\"stop\":1} ", -1, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json_purse purse = { 0 };
		char taken[256] = "";
		bool any;
		int ret;

		json_purse__earn(&purse, 0);
		ret = json_text__each(&purse, cases[i].text, names, ARRAY_SIZE(names), write_down,
				      taken, &any);
		if (ret != cases[i].ret || strcmp(taken, cases[i].taken) || any != cases[i].any)
			fail_msg("%s: %d, %s", cases[i].text, ret, taken);
	}
}

static int parse(struct json_purse *purse, const char *text)
{
	struct json_object *obj;
	int ret = json_text__parse(purse, text, &obj);

	assert_true(!ret == !!obj);
	json_object_put(obj);
	return ret;
}

static void test_limits(void **state)
{
	struct json_purse purse = { 0 };
	char *text = malloc(100000);
	u32 nr = 0;

	json_purse__earn(&purse, 0);
	assert_int_equal(parse(&purse, "{\"a\":[1,{\"b\":\"[[[[[[[[[[[[[[[[[[[[\"}]}"), 0);
	assert_int_equal(parse(&purse, "[]"), JSON_BAD);
	assert_int_equal(parse(&purse, "{\"a\":[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]}"), JSON_BAD);
	/* 30,000 objects would take 30 MB. */
	strcpy(text, "{\"a\":[{}");
	for (u32 i = 0; i < 30000; i++)
		memcpy(text + 8 + 3 * i, ",{}", 4);
	strcat(text, "]}");
	assert_int_equal(parse(&purse, text), JSON_TOO_MUCH);
	/* What is small enough cannot be sent without end, but for longer by a longer file. */
	strcpy(text + 8 + 3 * 5000, "]}");
	while (!parse(&purse, text))
		nr++;
	assert_in_range(nr, 50, 500);
	json_purse__earn(&purse, 10 << 20);
	assert_int_equal(parse(&purse, text), 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
