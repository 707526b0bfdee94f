// SPDX-License-Identifier: GPL-2.0
#include "util/keep/account.h"
#include "util/keep/deltas.h"
#include "util/keep/sums.h"

#define NTH_HOLDER	8		/* bits of a place in the kernel; above: its how manyth holder */

struct window_total {
	struct { u32 vcpu, event, isa, reason; } key;
	struct kvmw_total sum;
};

struct window_holder {
	struct { u32 vcpu, place, tid, pad; } key;
	struct kvmw_holder sum;
};

struct window_taken {
	struct { u64 place; } key;
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
	return 0;
}

static int add_holder_row(struct keep_sums *s, const struct kvmw_holder *row)
{
	const struct window_holder key = { .key = { row->vcpu, row->place, row->tid, 0 } };
	struct window_holder *to = hash_table__get(&s->holders, &key.key);

	if (!to)
		return -1;
	deltas__add_holder(&to->sum, row);
	return 0;
}

static int add_taken_row(struct keep_sums *s, const struct kvmw_taken *row)
{
	const struct window_taken key = { .key = { row->place } };
	struct window_taken *to = hash_table__get(&s->takens, &key.key);

	if (!to)
		return -1;
	deltas__add_taken(&to->sum, row);
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
static void holder_row(struct kvmw_holder *row, const struct window_holder *from, u32 nth)
{
	*row = from->sum;
	row->place = (row->place & (BIT(NTH_HOLDER) - 1)) + (nth << NTH_HOLDER);
}

void *keep_sums__rows(const struct keep_sums *s, u32 event, u32 *nr)
{
	const struct hash_table *table = event == KVMW_EVENT_TOTAL ? &s->totals :
					 event == KVMW_EVENT_HOLDER ? &s->holders : &s->takens;
	u8 *rows = mem__calloc(table->nr ?: 1, event_desc__by_id(event)->size);

	*nr = table->nr;
	for (u32 i = 0; rows && i < table->nr; i++) {
		const void *from = hash_table__at(table, i);

		if (event == KVMW_EVENT_TOTAL)
			total_row((struct kvmw_total *)rows + i, from);
		else if (event == KVMW_EVENT_HOLDER)
			holder_row((struct kvmw_holder *)rows + i, from, i);
		else
			((struct kvmw_taken *)rows)[i] = ((const struct window_taken *)from)->sum;
	}
	return rows;
}
