// SPDX-License-Identifier: GPL-2.0
/* Regions of memory and ports: which one an address is in, against a search through all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/symbols/regions.h"

#define NR	60
#define SPACE	200		/* addresses, and as many at the end of all addresses */

struct range {
	u64 from, to;
};

static u64 place(u32 at, bool end)
{
	return end ? UINT64_MAX - SPACE + 1 + at : at;
}

/* The narrowest, of equals the last; -1: none. */
static int expected(const struct range *list, u32 nr, u64 at)
{
	int best = -1;

	for (u32 i = 0; i < nr; i++)
		if (at >= list[i].from && at <= list[i].to &&
		    (best < 0 || list[i].to - list[i].from <= list[best].to - list[best].from))
			best = i;
	return best;
}

static void test_random(void **state)
{
	struct range list[NR];
	u32 seed = 1;

	for (u32 round = 0; round < 300; round++) {
		struct regions *r = regions__new();
		u32 nr = 1 + rand_r(&seed) % NR;
		bool end = round % 2;

		for (u32 i = 0; i < nr; i++) {
			u32 from = rand_r(&seed) % SPACE;
			char name[16];

			list[i].from = place(from, end);
			list[i].to = place(from + rand_r(&seed) % (SPACE - from), end);
			snprintf(name, sizeof(name), "%u", i);
			assert_int_equal(regions__add(r, REGION_MEMORY, list[i].from, list[i].to,
						      name, false), 0);
		}
		assert_int_equal(regions__prepare(r), 0);
		assert_int_equal(regions__number(r), nr);
		for (u32 at = 0; at < SPACE; at++) {
			const struct region *found =
				regions__find(r, REGION_MEMORY, place(at, end));
			int want = expected(list, nr, place(at, end));

			assert_int_equal(found ? atoi(found->name) : -1, want);
			assert_null(regions__find(r, REGION_PORTS, place(at, end)));
		}
		assert_null(regions__find(r, REGION_MEMORY, end ? 0 : SPACE));
		regions__free(r);
	}
}

static void test_spaces(void **state)
{
	struct regions *r = regions__new();

	regions__add(r, REGION_MEMORY, 0, UINT64_MAX, "all", true);
	regions__add(r, REGION_PORTS, 0x3f8, 0x3ff, "serial\033[31m", false);
	assert_int_equal(regions__prepare(r), 0);
	assert_string_equal(regions__find(r, REGION_MEMORY, UINT64_MAX)->name, "all");
	assert_true(regions__find(r, REGION_MEMORY, 0)->of_qemu);
	assert_string_equal(regions__find(r, REGION_PORTS, 0x3ff)->name, "serial?[31m");
	assert_null(regions__find(r, REGION_PORTS, 0x3f7));
	assert_null(regions__find(r, REGION_PORTS, 0x400));
	regions__free(r);
	regions__free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_spaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
