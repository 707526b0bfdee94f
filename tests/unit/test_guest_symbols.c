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

#include "util/memory.h"
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
	if (!best || best->rank == RANK_NONE ||
	    (best->to && at >= best->to && best->to > best->from))
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
			one->to = rand_r(&seed) % 2 ? 0 :
				  one->from + 1 + rand_r(&seed) % (SPACE - from);
			one->rank = rand_r(&seed) % 4;
			snprintf(one->name, sizeof(one->name), "%s%u",
				 rand_r(&seed) % 2 ? "_" : "f", i);
			assert_int_equal(guest_symbols__add(s, one->from, one->to, one->rank,
							    one->name, NULL),
					 0);
		}
		assert_int_equal(guest_symbols__prepare(s), 0);
		for (u32 i = 0; i < SPACE; i++) {
			const struct symbol *want = expected(list, nr, place(i, end));
			struct guest_symbol found;

			assert_int_equal(guest_symbols__find(s, place(i, end), &found),
					 want != NULL);
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

/* One after the other, in any order: of those that overlap the first one stays. */
static void test_insert(void **state)
{
	u32 seed = 2;

	for (u32 round = 0; round < 300; round++) {
		struct guest_symbols *s = guest_symbols__new();
		struct guest_symbol found;
		u32 owner[SPACE] = {};

		for (u32 i = 1; i <= NR; i++) {
			u32 from = rand_r(&seed) % SPACE, to = from + rand_r(&seed) % 20;
			bool is_free = to > from && to <= SPACE;
			char name[16];
			struct guest_symbol symbol = {
				.from = place(from, round % 2),
				.to = place(to, round % 2),
				.name = name,
				.module = i % 3 ? "m" : NULL,
			};

			if (to > SPACE)
				continue;
			snprintf(name, sizeof(name), "f%u\033", i);
			for (u32 k = from; k < to; k++)
				is_free = is_free && !owner[k];
			for (u32 k = from; k < to && is_free; k++)
				owner[k] = i;
			assert_int_equal(guest_symbols__insert(s, &symbol, NULL), 0);
		}
		for (u32 k = 0; k < SPACE; k++) {
			bool known = guest_symbols__find(s, place(k, round % 2), &found);
			char name[16];

			assert_int_equal(known, !!owner[k]);
			snprintf(name, sizeof(name), "f%u?", owner[k]);
			if (known)
				assert_string_equal(found.name, name);
			if (known)
				assert_int_equal(!found.module, !(owner[k] % 3));
		}
		assert_false(guest_symbols__of_kernel(s));
		guest_symbols__free(s);
	}
}

static void test_insert_limit(void **state)
{
	struct budget little = { .limit = 1 << 19, .max = 1 << 19, .fixed = true };
	struct guest_symbols *s = guest_symbols__new(), *of_little = guest_symbols__new();

	for (u64 i = 2 * GUEST_SYMBOLS_STORED; i--;) {
		const struct guest_symbol symbol = { .from = 16 * i, .to = 16 * i + 16,
						     .name = "a function with a long name" };

		assert_int_equal(guest_symbols__insert(s, &symbol, NULL), 0);
		assert_int_equal(guest_symbols__insert(of_little, &symbol, &little), 0);
	}
	assert_int_equal(guest_symbols__number(s), GUEST_SYMBOLS_STORED);
	assert_true(guest_symbols__number(of_little) < GUEST_SYMBOLS_STORED && little.refused);
	assert_true(little.used < 1 << 20);
	guest_symbols__free(s);
	guest_symbols__free(of_little);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_insert),
		cmocka_unit_test(test_insert_limit),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_modules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
