// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/report/aggregate.h"
#include "util/memory.h"

static u32 key_hash(const struct agg_key *key)
{
	u64 h = ((u64)key->vcpu << 32 | key->reason) + ((u64)key->event << 16 | key->isa);

	h = h * 0x9e3779b97f4a7c15ULL + key->detail;
	h = h * 0x9e3779b97f4a7c15ULL + ((u64)key->user << 32 | (u32)key->cpu << 16 | key->detail_kind);
	for (u32 i = 0; i < AGG_FINE; i++)
		h = h * 0x9e3779b97f4a7c15ULL + key->fine[i];
	h *= 0x9e3779b97f4a7c15ULL;
	return h >> 32;
}

static u32 *aggregate__find_slot(const struct agg_table *t, const struct agg_key *key)
{
	u32 mask = t->nr_slots - 1, i = key_hash(key) & mask;

	while (t->slot[i] && !agg_key__equal(&t->entry[t->slot[i] - 1].key, key))
		i = (i + 1) & mask;
	return &t->slot[i];
}

/* At most half of the slots are taken. */
static int aggregate__grow(struct agg_table *t)
{
	u32 room = t->room ? t->room * 2 : 64;
	struct agg *entry = realloc(t->entry, room * sizeof(*entry));
	u32 *slot = calloc(room * 2, sizeof(*slot));

	if (entry)
		t->entry = entry;
	if (!entry || !slot) {
		free(slot);
		return out_of_memory();
	}
	free(t->slot);
	t->slot = slot;
	t->room = room;
	t->nr_slots = room * 2;
	for (u32 i = 0; i < t->nr; i++)
		*aggregate__find_slot(t, &t->entry[i].key) = i + 1;
	return 0;
}

struct agg *agg_table__get(struct agg_table *t, const struct agg_key *key, bool *full)
{
	struct agg *agg;
	u32 *slot;

	*full = false;
	if (t->nr_slots) {
		slot = aggregate__find_slot(t, key);
		if (*slot)
			return &t->entry[*slot - 1];
	}
	if (t->nr >= AGG_MAX_KEYS) {
		*full = true;
		return NULL;
	}
	if (t->nr == t->room && aggregate__grow(t))
		return NULL;
	slot = aggregate__find_slot(t, key);
	agg = &t->entry[t->nr++];
	memset(agg, 0, sizeof(*agg));
	agg->key = *key;
	*slot = t->nr;
	return agg;
}

static void merge_total(struct kvmw_total *to, const struct kvmw_total *from)
{
	to->count = sat_add(to->count, from->count);
	to->done = sat_add(to->done, from->done);
	to->lost = sat_add(to->lost, from->lost);
	to->left_out = sat_add(to->left_out, from->left_out);
	to->gap_ns = sat_add(to->gap_ns, from->gap_ns);
	to->span_ns = sat_add(to->span_ns, from->span_ns);
	to->user_ns = sat_add(to->user_ns, from->user_ns);
	/* All ones, not captured, stays as it is. */
	to->halt_ns = sat_add(to->halt_ns, from->halt_ns);
	to->poll_ns = sat_add(to->poll_ns, from->poll_ns);
	to->wait_ns = sat_add(to->wait_ns, from->wait_ns);
	to->block_ns = sat_add(to->block_ns, from->block_ns);
}

int agg__merge(struct agg *to, const struct agg *from)
{
	if (hist__merge(&to->span, &from->span))
		return -1;
	to->rows += from->rows;
	to->gap_rows += from->gap_rows;
	to->before_ns = sat_add(to->before_ns, from->before_ns);
	to->gap_ns = sat_add(to->gap_ns, from->gap_ns);
	for (u32 i = 0; i < NR_PARTS; i++) {
		to->part[i].rows += from->part[i].rows;
		to->part[i].ns = sat_add(to->part[i].ns, from->part[i].ns);
	}
	if (from->open_since > to->open_since)
		to->open_since = from->open_since;
	if (from->has_total)
		merge_total(&to->total, &from->total);
	to->has_total |= from->has_total;
	return 0;
}

int agg_table__merge(struct agg_table *to, const struct agg_table *from)
{
	bool full;

	to->over_limit += from->over_limit;
	for (u32 i = 0; i < from->nr; i++) {
		struct agg *agg = agg_table__get(to, &from->entry[i].key, &full);

		if (!agg && !full)
			return -1;
		if (!agg)
			to->over_limit += from->entry[i].rows;
		else if (agg__merge(agg, &from->entry[i]))
			return -1;
	}
	return 0;
}

void agg_table__free(struct agg_table *t)
{
	for (u32 i = 0; i < t->nr; i++)
		hist__free(&t->entry[i].span);
	free(t->entry);
	free(t->slot);
	memset(t, 0, sizeof(*t));
}

bool agg_table__covers(const struct agg_table *totals, const struct agg_table *rows)
{
	for (u32 i = 0; i < rows->nr; i++) {
		const struct agg *agg = &rows->entry[i];
		u32 slot = totals->nr_slots ? *aggregate__find_slot(totals, &agg->key) : 0;

		if (!slot || totals->entry[slot - 1].total.count < agg->rows)
			return false;
	}
	return true;
}
