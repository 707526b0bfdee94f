// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/hash_table.h"

#define N 5000

struct visit {
	struct { u64 page; u32 cpu, kind; } key;
	u64 count;
};

struct word {
	struct { char text[13]; } key;
	u32 count;
};

static struct visit *visit(struct hash_table *t, u64 page, u32 cpu)
{
	struct visit v = { .key = { .page = page, .cpu = cpu } };

	return hash_table__get(t, &v.key);
}

static void test_counts_by_key_in_order_of_making(void **state)
{
	struct hash_table t = HASH_TABLE(struct visit, NULL);

	for (u32 round = 0; round < 3; round++)
		for (u32 i = 0; i < N; i++)
			visit(&t, (u64)i * 7 << 12, i % 3)->count++;
	assert_int_equal(t.nr, N);
	for (u32 i = 0; i < N; i++) {
		const struct visit *v = hash_table__at(&t, i);

		assert_int_equal(v->key.page, (u64)i * 7 << 12);
		assert_int_equal(v->key.cpu, i % 3);
		assert_int_equal(v->count, 3);
		assert_int_equal(hash_table__index(&t, v), i);
		assert_ptr_equal(hash_table__find(&t, &v->key), v);
	}
	hash_table__free(&t);
}

static void test_finds_only_what_is_there(void **state)
{
	struct hash_table t = HASH_TABLE(struct visit, NULL);
	struct visit absent = { .key = { .page = 1 } };

	assert_null(hash_table__find(&t, &absent.key));
	visit(&t, 1, 1);
	assert_null(hash_table__find(&t, &absent.key));
	hash_table__free(&t);
	assert_null(hash_table__find(&t, &absent.key));
	assert_int_equal(visit(&t, 1, 0)->count, 0);
	assert_non_null(hash_table__find(&t, &absent.key));
	hash_table__free(&t);
}

static void test_keys_of_odd_size(void **state)
{
	struct hash_table t = HASH_TABLE(struct word, NULL);
	struct word w = { .key = { .text = "abcdefghijkl" } };

	for (u32 i = 0; i < 12; i++) {
		w.key.text[i]++;
		((struct word *)hash_table__get(&t, &w.key))->count++;
	}
	assert_int_equal(t.nr, 12);
	hash_table__free(&t);
}

/* Keys that differ in any one bit differ in their hashes. */
static void test_hash_uses_all_bits(void **state)
{
	u8 data[24] = { 0 };
	u64 seed[2], plain;

	hash_seed(seed);
	plain = hash_bytes(seed, data, sizeof(data));
	for (u32 bit = 0; bit < 8 * sizeof(data); bit++) {
		data[bit / 8] ^= 1 << bit % 8;
		assert_int_not_equal(hash_bytes(seed, data, sizeof(data)), plain);
		data[bit / 8] ^= 1 << bit % 8;
	}
	assert_int_not_equal(hash_bytes(seed, data, 8), hash_bytes(seed, data, 9));
	seed[0] ^= 1;
	assert_int_not_equal(hash_bytes(seed, data, sizeof(data)), plain);
}

static void test_budget_ends_it(void **state)
{
	struct budget budget = { .limit = 64 * 1024 };
	struct hash_table t = HASH_TABLE(struct visit, &budget);
	u32 i = 0;

	while (visit(&t, i, 0))
		i++;
	assert_in_range(i, 64, 64 * 1024 / sizeof(struct visit));
	assert_int_equal(t.nr, i);
	assert_in_range(budget.used, 1, budget.limit);
	/* All that was there still is. */
	for (u32 k = 0; k < i; k++)
		assert_int_equal(((struct visit *)hash_table__at(&t, k))->key.page, k);
	assert_non_null(visit(&t, 0, 0));
	hash_table__free(&t);
	assert_int_equal(budget.used, 0);
}

static bool is_even(const void *arg, const void *entry)
{
	return ((const struct visit *)entry)->key.page % 2 == 0;
}

/* Entries that come and go take no more memory than there are at a time. */
static void test_keeps_what_is_wanted(void **state)
{
	struct budget budget = { .limit = 0 };
	struct hash_table t = HASH_TABLE(struct visit, &budget);
	size_t used = 0;

	for (u32 round = 0; round < 20; round++) {
		for (u32 i = 0; i < N; i++)
			visit(&t, i < 10 ? 2 * i : 2 * (round * N + i) + 1, 0)->count++;
		assert_int_equal(t.nr, N);
		hash_table__keep(&t, is_even, NULL);
		assert_int_equal(t.nr, 10);
		assert_true(!round || budget.used == used);
		used = budget.used;
		for (u32 i = 0; i < 10; i++) {
			assert_int_equal(((struct visit *)hash_table__at(&t, i))->key.page, 2 * i);
			assert_int_equal(visit(&t, 2 * i, 0)->count, round + 1);
		}
		assert_null(hash_table__find(&t, &(const struct visit){
					     .key.page = 2 * round * N + 21 }.key));
	}
	hash_table__free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_by_key_in_order_of_making),
		cmocka_unit_test(test_finds_only_what_is_there),
		cmocka_unit_test(test_keys_of_odd_size),
		cmocka_unit_test(test_hash_uses_all_bits),
		cmocka_unit_test(test_budget_ends_it),
		cmocka_unit_test(test_keeps_what_is_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
