// SPDX-License-Identifier: GPL-2.0
#include "util/analysis/report/aggregate.h"

void agg_table__init(struct agg_table *t, struct budget *budget)
{
	*t = (struct agg_table) { .table = HASH_TABLE(struct agg, budget) };
}

int agg_table__get(struct agg_table *t, const struct agg_key *key, struct agg **agg)
{
	bool full;

	if (!t->table.entry_size)
		agg_table__init(t, NULL);
	*agg = hash_table__get_limited(&t->table, key, AGG_MAX_KEYS, &full);
	if (*agg)
		(*agg)->span.budget = t->table.budget;
	return *agg || full ? 0 : -1;
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
	to->throttled_ns = sat_add(to->throttled_ns, from->throttled_ns);
}

int agg__merge(struct agg *to, const struct agg *from)
{
	if (hist__merge(&to->span, &from->span) ||
	    time_slices__merge(&to->slices, to->span.budget, from->slices) ||
	    heat__merge(&to->heat, to->span.budget, from->heat))
		return -1;
	to->rows += from->rows;
	to->gap_rows += from->gap_rows;
	to->before_ns = sat_add(to->before_ns, from->before_ns);
	to->gap_ns = sat_add(to->gap_ns, from->gap_ns);
	for (u32 i = 0; i < NR_PARTS; i++) {
		to->part[i].rows += from->part[i].rows;
		to->part[i].ns = sat_add(to->part[i].ns, from->part[i].ns);
	}
	if (from->last_at > to->last_at)
		to->last_at = from->last_at;
	if (from->open_at > to->open_at) {
		to->open_at = from->open_at;
		to->open = from->open;
	}
	if (from->has_total)
		merge_total(&to->total, &from->total);
	to->has_total |= from->has_total;
	to->in_guest |= from->in_guest;
	return 0;
}

int agg_table__join(struct agg_table *to, const struct agg_table *from, u32 base)
{
	to->over_limit += from->over_limit;
	for (u32 i = 0; i < from->table.nr; i++) {
		const struct agg *more = agg_table__at(from, i);
		struct agg_key key = more->key;
		struct agg *agg;

		key.vcpu += key.vcpu == UINT32_MAX ? 0 : base;
		if (agg_table__get(to, &key, &agg))
			return -1;
		if (!agg)
			to->over_limit += more->rows;
		else if (agg__merge(agg, more))
			return -1;
	}
	return 0;
}

u64 agg_table__ids(const struct agg_table *t)
{
	u64 ids = 0;

	for (u32 i = 0; i < t->table.nr; i++) {
		u32 id = agg_table__at(t, i)->key.vcpu;

		if (id != UINT32_MAX && id >= ids)
			ids = (u64)id + 1;
	}
	return ids;
}

int agg_table__merge(struct agg_table *to, const struct agg_table *from)
{
	return agg_table__join(to, from, 0);
}

void agg_table__free(struct agg_table *t)
{
	for (u32 i = 0; i < t->table.nr; i++) {
		struct agg *agg = agg_table__at(t, i);

		hist__free(&agg->span);
		time_slices__free(agg->slices, t->table.budget);
		heat__free(agg->heat);
	}
	hash_table__free(&t->table);
	t->over_limit = 0;
}

bool agg_table__covers(const struct agg_table *totals, const struct agg_table *rows)
{
	for (u32 i = 0; i < rows->table.nr; i++) {
		const struct agg *agg = agg_table__at(rows, i);
		const struct agg *counted = hash_table__find(&totals->table, &agg->key);

		if (!counted || counted->total.count < agg->rows ||
		    counted->total.done < agg->span.count)
			return false;
	}
	return true;
}
