/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A table of entries found by their keys. An entry is any struct that begins with a
 * member called key; keys are compared as bytes, so padding in them must be zero.
 *
 *	struct visit { struct { u32 cpu, pid; } key; u64 count; };
 *	struct hash_table t = HASH_TABLE(struct visit, NULL);
 *	struct visit *v = hash_table__get(&t, &key);
 *
 * Entries stay in the order in which they were made, numbered from 0, whatever their
 * hashes are. The hash is seeded at random for each process: a recording made to let
 * keys collide cannot know it.
 */
#ifndef KVMW_HASH_TABLE_H
#define KVMW_HASH_TABLE_H

#include "util/memory.h"

struct hash_table {
	u32 nr;			/* entries */
	u32 room;
	void *entry;
	u32 *bucket;		/* number of an entry plus 1; 0: free */
	u32 nr_buckets;		/* a power of two, at least twice room */
	u16 key_size, entry_size;
	u64 seed[2];
	struct budget *budget;	/* or NULL */
};

/* An empty table; it takes no memory until the first entry is made. */
#define HASH_TABLE(type, from_budget) (struct hash_table) {				\
	.key_size = sizeof(((type *)0)->key) +						\
		    0 * sizeof(char[1 - 2 * !!offsetof(type, key)]),			\
	.entry_size = sizeof(type), .budget = (from_budget),				\
}

/* NULL: there is none. */
void *hash_table__find(const struct hash_table *t, const void *key);

/*
 * The entry of key, made if there is none: then all zero but for the key. Valid until
 * the next entry is made. NULL: out of memory, which has been reported.
 */
void *hash_table__get(struct hash_table *t, const void *key);

/*
 * The same of a table of at most max entries, and of no more than its budget has room for. NULL
 * and *full: it is not one of them.
 */
void *hash_table__get_limited(struct hash_table *t, const void *key, u32 max, bool *full);

/*
 * Drops the entries that are not wanted; the others stay in order, with new numbers. The memory of
 * the table stays as it is: tables whose entries come and go take as much as they ever needed
 * at a time.
 */
void hash_table__keep(struct hash_table *t, bool (*wanted)(const void *arg, const void *entry),
		      const void *arg);

/* Frees all entries; the table is empty then and can be used again. */
void hash_table__free(struct hash_table *t);

static inline void *hash_table__at(const struct hash_table *t, u32 i)
{
	return (char *)t->entry + (size_t)i * t->entry_size;
}

static inline u32 hash_table__index(const struct hash_table *t, const void *entry)
{
	return ((const char *)entry - (const char *)t->entry) / t->entry_size;
}

/* The hash itself, for tables of another shape. */
u64 hash_bytes(const u64 seed[2], const void *data, size_t size);
void hash_seed(u64 seed[2]);

/* Both halves of the product, folded: each bit of the result depends on all of a and b. */
static inline u64 hash_fold(u64 a, u64 b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (u64)product ^ (u64)(product >> 64);
}

#endif
