// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/keep/account.h"
#include "util/keep/deltas.h"
#include "util/keep/sums.h"

/* bits of a place in the kernel; above: its how manyth holder */
#define NTH_HOLDER 8

struct window_total {
	struct { u32 vcpu, event, isa, reason; } key;
	bool changed;
	struct kvmw_total sum;
};

struct window_holder {
	struct { u32 vcpu, place, tid, pad; } key;
	bool changed;
	u32 nth;		/* from 1 */
	struct kvmw_holder sum;
};

struct window_taken {
	struct { u64 place; } key;
	bool changed;
	struct kvmw_taken sum;
};

void keep_sums__init(struct keep_sums *s, struct budget *budget)
{
	s->totals = HASH_TABLE(struct window_total, budget);
	s->holders = HASH_TABLE(struct window_holder, budget);
	s->takens = HASH_TABLE(struct window_taken, budget);
}

void keep_sums__free(struct keep_sums *s)
{
	hash_table__free(&s->totals);
	hash_table__free(&s->holders);
	hash_table__free(&s->takens);
}

static int add_total_row(struct keep_sums *s, const struct kvmw_total *row)
{
	const struct window_total key = { .key = { row->vcpu, row->event, row->isa, row->reason } };
	struct window_total *to = hash_table__get(&s->totals, &key.key);

	if (!to)
		return -1;
	account__add(&to->sum, row);
	to->changed = true;
	return 0;
}

static int add_holder_row(struct keep_sums *s, const struct kvmw_holder *row)
{
	const struct window_holder key = { .key = { row->vcpu, row->place, row->tid, 0 } };
	struct window_holder *to = hash_table__get(&s->holders, &key.key);

	if (!to)
		return -1;
	deltas__add_holder(&to->sum, row);
	to->changed = true;
	if (!to->nth)
		to->nth = ++s->nr_holders;
	return 0;
}

static int add_taken_row(struct keep_sums *s, const struct kvmw_taken *row)
{
	const struct window_taken key = { .key = { row->place } };
	struct window_taken *to = hash_table__get(&s->takens, &key.key);

	if (!to)
		return -1;
	deltas__add_taken(&to->sum, row);
	to->changed = true;
	return 0;
}

int keep_sums__add(struct keep_sums *s, u32 event, const void *row)
{
	return event == KVMW_EVENT_TOTAL ? add_total_row(s, row) :
	       event == KVMW_EVENT_HOLDER ? add_holder_row(s, row) : add_taken_row(s, row);
}

/* ---- their rows ------------------------------------------------------------ */

static void total_row(struct kvmw_total *row, const struct window_total *from)
{
	*row = from->sum;
	row->vcpu = from->key.vcpu;
	row->event = from->key.event;
	row->isa = from->key.isa;
	row->reason = from->key.reason;
}

/* Several threads may have had a place one after another: each gets one of its own. */
static void holder_row(struct kvmw_holder *row, const struct window_holder *from)
{
	*row = from->sum;
	row->place = (row->place & (BIT(NTH_HOLDER) - 1)) + ((from->nth - 1) << NTH_HOLDER);
}

static const struct hash_table *table_of(const struct keep_sums *s, u32 event)
{
	return event == KVMW_EVENT_TOTAL ? &s->totals : event == KVMW_EVENT_HOLDER ? &s->holders :
	       &s->takens;
}

/* Entry i as a row; whether it has changed since the last time that it was taken. */
static bool *row_of(const struct keep_sums *s, u32 event, u32 i, void *rows, u32 at)
{
	void *from = hash_table__at(table_of(s, event), i);

	if (event == KVMW_EVENT_TOTAL) {
		total_row((struct kvmw_total *)rows + at, from);
		return &((struct window_total *)from)->changed;
	}
	if (event == KVMW_EVENT_HOLDER) {
		holder_row((struct kvmw_holder *)rows + at, from);
		return &((struct window_holder *)from)->changed;
	}
	((struct kvmw_taken *)rows)[at] = ((struct window_taken *)from)->sum;
	return &((struct window_taken *)from)->changed;
}

void *keep_sums__rows(const struct keep_sums *s, u32 event, u32 *nr)
{
	u32 all = table_of(s, event)->nr;
	void *rows = mem__calloc(all ?: 1, event_desc__by_id(event)->size);

	*nr = all;
	for (u32 i = 0; rows && i < all; i++)
		row_of(s, event, i, rows, i);
	return rows;
}

void *keep_sums__take_changed(struct keep_sums *s, u32 event, u32 *nr)
{
	u32 all = table_of(s, event)->nr;
	void *rows = mem__calloc(all ?: 1, event_desc__by_id(event)->size);

	*nr = 0;
	for (u32 i = 0; rows && i < all; i++) {
		bool *changed = row_of(s, event, i, rows, *nr);

		*nr += *changed;
		*changed = false;
	}
	return rows;
}

/* Both tables have entries that begin with a vCPU. */
static bool sum__may_come(const void *identity, const void *entry)
{
	u32 vcpu;

	memcpy(&vcpu, entry, sizeof(vcpu));
	return !identity__is_over(identity, vcpu);
}

void keep_sums__forget(struct keep_sums *s, const struct identity *identity)
{
	hash_table__keep(&s->totals, sum__may_come, identity);
	hash_table__keep(&s->holders, sum__may_come, identity);
}
