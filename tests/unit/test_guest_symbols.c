// SPDX-License-Identifier: GPL-2.0
/* Functions of a guest: which one an address is in, against a search through all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/symbols/guest_symbols.h"

#define NR	40
#define SPACE	300		/* addresses, and as many at the end of all addresses */

struct symbol {
	u64 from, to;
	enum guest_symbol_rank rank;
	char name[16];
};

static u64 place(u32 at, bool end)
{
	return end ? UINT64_MAX - SPACE + at : at;
}

static u32 weight(const struct symbol *s)
{
	return s->rank == RANK_NONE ? 0 : 2 * s->rank + (*s->name != '_');
}

/* The last that begins at or before at; of those, the one that counts most, of equals the first. */
static const struct symbol *expected(const struct symbol *list, u32 nr, u64 at)
{
	const struct symbol *best = NULL;
	u64 next = UINT64_MAX;

	for (u32 i = 0; i < nr; i++) {
		const struct symbol *s = &list[i];

		if (s->from > at && s->from < next)
			next = s->from;
		if (s->from <= at && (!best || s->from > best->from ||
				      (s->from == best->from && weight(s) > weight(best))))
			best = s;
	}
	if (!best || best->rank == RANK_NONE || (best->to && at >= best->to && best->to > best->from))
		return NULL;
	return best;
}

static void test_random(void **state)
{
	struct symbol list[NR];
	u32 seed = 1;

	for (u32 round = 0; round < 300; round++) {
		struct guest_symbols *s = guest_symbols__new();
		u32 nr = 1 + rand_r(&seed) % NR;
		bool end = round % 2;

		for (u32 i = 0; i < nr; i++) {
			struct symbol *one = &list[i];
			u32 from = rand_r(&seed) % SPACE;

			one->from = place(from, end);
			one->to = rand_r(&seed) % 2 ? 0 : one->from + 1 + rand_r(&seed) % (SPACE - from);
			one->rank = rand_r(&seed) % 4;
			snprintf(one->name, sizeof(one->name), "%s%u", rand_r(&seed) % 2 ? "_" : "f", i);
			assert_int_equal(guest_symbols__add(s, one->from, one->to, one->rank, one->name, NULL), 0);
		}
		assert_int_equal(guest_symbols__prepare(s), 0);
		for (u32 i = 0; i < SPACE; i++) {
			const struct symbol *want = expected(list, nr, place(i, end));
			struct guest_symbol found;

			assert_int_equal(guest_symbols__find(s, place(i, end), &found), want != NULL);
			if (!want)
				continue;
			assert_string_equal(found.name, want->name);
			assert_int_equal(found.from, want->from);
			assert_null(found.module);
		}
		guest_symbols__free(s);
	}
}

static void test_modules(void **state)
{
	struct guest_symbols *s = guest_symbols__new();
	struct guest_symbol found;

	assert_int_equal(guest_symbols__add(s, 0x2000, 0, RANK_NONE, NULL, "mod"), 0);
	assert_int_equal(guest_symbols__add(s, 0x4000, 0, RANK_NONE, NULL, NULL), 0);
	assert_int_equal(guest_symbols__add(s, 0x3000, 0, RANK_LOCAL, "f\033", "mod"), 0);
	assert_int_equal(guest_symbols__add(s, 0x5000, 0, RANK_GLOBAL, "last", NULL), 0);
	assert_int_equal(guest_symbols__prepare(s), 0);
	assert_int_equal(guest_symbols__number(s), 2);
	assert_true(guest_symbols__find(s, 0x2fff, &found));
	assert_null(found.name);
	assert_string_equal(found.module, "mod");
	assert_true(guest_symbols__find(s, 0x3fff, &found));
	assert_string_equal(found.name, "f?");
	assert_string_equal(found.module, "mod");
	assert_false(guest_symbols__find(s, 0x4000, &found));
	assert_false(guest_symbols__find(s, 0x1fff, &found));
	assert_true(guest_symbols__find(s, 0x5000 + (1 << 20) - 1, &found));
	assert_false(guest_symbols__find(s, 0x5000 + (1 << 20), &found));
	assert_false(guest_symbols__of_kernel(s));
	guest_symbols__free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_modules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
