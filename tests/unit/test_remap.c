// SPDX-License-Identifier: GPL-2.0
/* Made-up addresses: one to one, and alike where the real ones are. */
#include "frames.h"
#include "util/privacy/remap.h"

#define PAGES	4096

static int by_value(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static void check_pages(enum remap_space space, u64 from)
{
	struct remap *r = remap__new();
	static u64 to[PAGES];
	u32 same = 0, in_order = 0;

	for (u32 i = 0; i < PAGES; i++) {
		to[i] = remap__frame(r, space, from + i);
		assert_int_equal(to[i], remap__frame(r, space, from + i));
		assert_int_equal(to[i] >> 9, to[i - i % 512] >> 9);
		same += to[i] == from + i;
		in_order += i % 512 && to[i] == to[i - 1] + 1;
	}
	assert_true(same < 8);
	/* Of 8 blocks of 512 pages. */
	if (space == REMAP_GUEST_PHYSICAL)
		assert_int_equal(in_order, 8 * 511);
	else
		assert_true(in_order < 64);
	qsort(to, PAGES, sizeof(*to), by_value);
	for (u32 i = 1; i < PAGES; i++)
		assert_true(to[i] != to[i - 1]);
	remap__free(r);
}

static void test_one_to_one(void **state)
{
	check_pages(REMAP_GUEST_PHYSICAL, 0x40000);
	check_pages(REMAP_GUEST_VIRTUAL, 0x40000);
	check_pages(REMAP_GUEST_VIRTUAL, 0xfffffffff0000ULL);	/* the upper half */
}

static void test_what_stays(void **state)
{
	struct remap *r = remap__new();
	static const u64 fixed[] = { 0, 0xfff0, 0x1fffff, 0xfee000b0, 0xfec00000, KVMW_NONE };
	u64 a = remap__address(r, REMAP_GUEST_VIRTUAL, 0xffffffff81000123ULL);

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		assert_int_equal(remap__address(r, REMAP_GUEST_PHYSICAL, fixed[i]), fixed[i]);
	assert_int_equal(a & 0xfff, 0x123);
	assert_int_equal(a >> 47, 0x1ffff);
	assert_int_equal(remap__address(r, REMAP_GUEST_PHYSICAL, 0x40000fff),
			 remap__frame(r, REMAP_GUEST_PHYSICAL, 0x40000) << 12 | 0xfff);
	/* No address has it: unknown. */
	assert_int_equal(remap__frame(r, REMAP_GUEST_PHYSICAL, 1ULL << 52), KVMW_NONE);
	/* Not canonical, and so it stays. */
	for (u64 i = 0; i < 1 << 19; i++) {
		a = remap__address(r, REMAP_GUEST_VIRTUAL, 0x0123456789a00000ULL + (i << 21)) >> 47;
		assert_true(a && a != 0x1ffff);
	}
	remap__free(r);
}

static void test_names(void **state)
{
	struct remap *r = remap__new(), *other = remap__new();
	char a[REMAP_NAME], b[REMAP_NAME];

	assert_string_equal(remap__name(r, "debian12", 8, a), remap__name(r, "debian12", 8, b));
	assert_true(strlen(a) < 16 && strcmp(a, remap__name(r, "debian13", 8, b)));
	assert_true(strcmp(a, remap__name(other, "debian12", 8, b)));
	assert_string_equal(remap__name(r, "", 0, a), "");
	remap__free(r);
	remap__free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_to_one),
		cmocka_unit_test(test_what_stays),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
