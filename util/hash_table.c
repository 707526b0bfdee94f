// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "util/hash_table.h"

#define FIRST_ROOM	64	/* entries */
#define LARGE		4096	/* entries; a larger table grows by a quarter, not twofold */

/* The kernel hands 16 random bytes to each process. */
void hash_seed(u64 seed[2])
{
	const void *random = (const void *)getauxval(AT_RANDOM);

	memset(seed, 0, 2 * sizeof(*seed));
	if (random)
		memcpy(seed, random, 2 * sizeof(*seed));
	seed[0] = hash_fold(seed[0] ^ 0x9e3779b97f4a7c15ULL, seed[1] ^ 0xff51afd7ed558ccdULL);
	seed[1] ^= seed[0];
}

/* A factor is zero, and the rest of the data without effect, only where the seed is known. */
u64 hash_bytes(const u64 seed[2], const void *data, size_t size)
{
	const char *p = data;
	u64 h = seed[0] ^ size, word[2];

	for (; size >= sizeof(word); size -= sizeof(word), p += sizeof(word)) {
		memcpy(word, p, sizeof(word));
		h = hash_fold(word[0] ^ seed[1], word[1] ^ h);
	}
	if (size) {
		word[0] = word[1] = 0;
		memcpy(word, p, size);
		h = hash_fold(word[0] ^ seed[1], word[1] ^ h);
	}
	return hash_fold(h ^ seed[0], seed[1]);
}

/* Keys are a few words long: not worth the call of memcmp(). */
static bool same_key(const char *a, const char *b, size_t size)
{
	u64 x, y;

	for (; size >= sizeof(x); size -= sizeof(x), a += sizeof(x), b += sizeof(x)) {
		memcpy(&x, a, sizeof(x));
		memcpy(&y, b, sizeof(y));
		if (x != y)
			return false;
	}
	return !memcmp(a, b, size);
}

static u32 *hash_table__bucket(const struct hash_table *t, const void *key)
{
	u32 mask = t->nr_buckets - 1, i = hash_bytes(t->seed, key, t->key_size) & mask;

	while (t->bucket[i] && !same_key(hash_table__at(t, t->bucket[i] - 1), key, t->key_size))
		i = (i + 1) & mask;
	return &t->bucket[i];
}

/* 0; 1: the budget is used up, without a word; -1 */
static int hash_table__grow_buckets(struct hash_table *t)
{
	u64 nr = 2ULL * (t->nr_buckets ?: FIRST_ROOM);
	u32 *bucket;

	if (nr > 1U << 31)
		return out_of_memory();
	if (budget__take(t->budget, nr * sizeof(*bucket)))
		return 1;
	if (!t->nr_buckets)
		hash_seed(t->seed);
	bucket = calloc(nr, sizeof(*bucket));
	if (!bucket) {
		budget__give(t->budget, nr * sizeof(*bucket));
		return out_of_memory();
	}
	budget__free(t->budget, t->bucket, t->nr_buckets * sizeof(*bucket));
	t->bucket = bucket;
	t->nr_buckets = nr;
	for (u32 i = 0; i < t->nr; i++)
		*hash_table__bucket(t, hash_table__at(t, i)) = i + 1;
	return 0;
}

/* The same. */
static int hash_table__grow(struct hash_table *t)
{
	u64 room = t->room < LARGE ? t->room * 2ULL ?: FIRST_ROOM : t->room * 5ULL / 4;
	int ret = t->nr_buckets < room * 2 ? hash_table__grow_buckets(t) : 0;
	size_t bytes = (room - t->room) * t->entry_size;
	void *entry;

	if (ret)
		return ret;
	if (budget__take(t->budget, bytes))
		return 1;
	entry = realloc(t->entry, room * t->entry_size);
	if (!entry) {
		budget__give(t->budget, bytes);
		return out_of_memory();
	}
	t->entry = entry;
	t->room = room;
	return 0;
}

void *hash_table__find(const struct hash_table *t, const void *key)
{
	u32 number = t->nr ? *hash_table__bucket(t, key) : 0;

	return number ? hash_table__at(t, number - 1) : NULL;
}

void *hash_table__get_limited(struct hash_table *t, const void *key, u32 max, bool *full)
{
	void *entry = hash_table__find(t, key);
	int ret = 0;

	*full = false;
	if (entry)
		return entry;
	if (t->nr >= max)
		ret = 1;
	else if (t->nr == t->room)
		ret = hash_table__grow(t);
	*full = ret > 0;
	if (ret)
		return NULL;
	*hash_table__bucket(t, key) = t->nr + 1;
	entry = hash_table__at(t, t->nr++);
	memset(entry, 0, t->entry_size);
	return memcpy(entry, key, t->key_size);
}

void *hash_table__get(struct hash_table *t, const void *key)
{
	bool full;
	void *entry = hash_table__get_limited(t, key, UINT32_MAX, &full);

	if (full)
		out_of_memory();
	return entry;
}

void hash_table__keep(struct hash_table *t, bool (*wanted)(const void *arg, const void *entry),
		      const void *arg)
{
	u32 nr = 0;

	for (u32 i = 0; i < t->nr; i++) {
		if (!wanted(arg, hash_table__at(t, i)))
			continue;
		if (nr != i)
			memcpy(hash_table__at(t, nr), hash_table__at(t, i), t->entry_size);
		nr++;
	}
	if (nr == t->nr)
		return;
	t->nr = nr;
	memset(t->bucket, 0, t->nr_buckets * sizeof(*t->bucket));
	for (u32 i = 0; i < nr; i++)
		*hash_table__bucket(t, hash_table__at(t, i)) = i + 1;
}

void hash_table__free(struct hash_table *t)
{
	budget__free(t->budget, t->entry, (size_t)t->room * t->entry_size);
	budget__free(t->budget, t->bucket, t->nr_buckets * sizeof(*t->bucket));
	t->entry = NULL;
	t->bucket = NULL;
	t->nr = t->room = t->nr_buckets = 0;
}
