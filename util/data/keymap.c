// SPDX-License-Identifier: GPL-2.0
/*
 * A hash table for the keys of one frame.  Incrementing its round clears it.
 *
 * A struct hash_table was tried instead: clearing it for each column and comparing keys
 * of any size made encoding take 1.3 to 1.8 times as long, and decoding 1.2 to 1.3 times
 * (make bench-codec).  The hash and its seed are the same.
 */
#include <stdlib.h>

#include "util/data/format.h"
#include "util/hash_table.h"

int keymap__init(struct keymap *m)
{
	m->key = malloc(KEYMAP_SLOTS * sizeof(*m->key));
	m->value = malloc(KEYMAP_SLOTS * sizeof(*m->value));
	m->used = calloc(KEYMAP_SLOTS, sizeof(*m->used));
	m->round = 1;
	hash_seed(m->seed);
	if (m->key && m->value && m->used)
		return 0;
	keymap__free(m);
	return -1;
}

void keymap__free(struct keymap *m)
{
	free(m->key);
	free(m->value);
	free(m->used);
	memset(m, 0, sizeof(*m));
}

void keymap__clear(struct keymap *m)
{
	m->nr = 0;
	if (++m->round)
		return;
	memset(m->used, 0, KEYMAP_SLOTS * sizeof(*m->used));
	m->round = 1;
}

u64 *keymap__get(struct keymap *m, u64 key, bool *fresh)
{
	u32 slot = hash_fold(key ^ m->seed[0], m->seed[1]);

	for (slot &= KEYMAP_SLOTS - 1; m->used[slot] == m->round;
	     slot = (slot + 1) & (KEYMAP_SLOTS - 1)) {
		if (m->key[slot] == key) {
			*fresh = false;
			return &m->value[slot];
		}
	}
	if (m->nr++ == KEYMAP_MAX)
		return NULL;
	m->used[slot] = m->round;
	m->key[slot] = key;
	m->value[slot] = 0;
	*fresh = true;
	return &m->value[slot];
}

/* One of the places in m->near, by a hash cheaper than the map's: most rows find their key. */
static inline u32 near_at(u64 key)
{
	return key * 0x9e3779b97f4a7c15 >> (64 - KEYMAP_NEAR_BITS);
}

#define KEYMAP_ELSEWHERE 1u	/* unlike 0, not at near_at(0) */

bool keymap__number(struct keymap *m, const u64 *key, u32 nr, u32 limit, u32 *number,
		    struct keymap_keys *keys)
{
	u32 n = 0;

	keys->n = 0;
	keymap__clear(m);
	/* A place is empty if it has a key that belongs to another one. */
	memset(m->near, 0, sizeof(m->near));
	m->near[near_at(0)].key = KEYMAP_ELSEWHERE;
	/* Whether a key is the one before is not asked: a CPU often mispredicts it. */
	for (u32 i = 0; i < nr; i++) {
		struct keymap_near *at = &m->near[near_at(key[i])];

		if (at->key != key[i]) {
			bool fresh;
			u64 *found = keymap__get(m, key[i], &fresh);

			if (!found || (fresh && n == limit))
				return false;
			if (fresh) {
				keys->first[n] = i;
				keys->rows[n] = 0;
				*found = n++;
			}
			*at = (struct keymap_near) { key[i], *found };
		}
		number[i] = at->number;
		keys->rows[at->number]++;
	}
	keys->n = n;
	return true;
}

void order_by_number(u32 *order, const u32 *number, const struct keymap_keys *keys, u32 nr)
{
	u32 next[KEYMAP_MAX], sum = 0;

	for (u32 k = 0; k < keys->n; k++) {
		next[k] = sum;
		sum += keys->rows[k];
	}
	for (u32 i = 0; i < nr; i++)
		order[i] = next[number[i]]++;
}

bool order_by_key(u32 *order, struct keymap *m, const u64 *key, u32 nr)
{
	struct keymap_keys keys;

	if (!keymap__number(m, key, nr, KEYMAP_MAX, order, &keys))
		return false;
	order_by_number(order, order, &keys, nr);
	return true;
}
