/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is known of each (event, isa, reason, vCPU): the finest key there is.
 * Coarser keys are made from these at the end, so whatever a report sorts by,
 * reading is the same, and memory is bounded by the number of these keys.
 */
#ifndef KVMW_AGGREGATE_H
#define KVMW_AGGREGATE_H

#include "util/analysis/hist.h"
#include "util/events.h"
#include "util/types.h"

/* More keys than any host has: a recording beyond it is damaged or hostile. */
#define AGG_MAX_KEYS	(128 * 1024)

struct agg_key {
	u32 vcpu;
	u32 reason;
	u16 event;
	u16 isa;
};

struct agg {
	struct agg_key key;
	/* From rows. */
	struct hist span;	/* total_ns (exit), user_ns (userspace) of completed rows */
	u64 rows;		/* all, those not completed included */
	u64 gap_rows, gap_ns;	/* guest_ns (exit), run_ns (userspace), where captured */
	u64 user_rows, user_ns;	/* user_ns, where captured */
	u64 open_since;		/* time_ns of the last row not completed, or 0 */
	/* From STATS frames: what the kernel counted. */
	bool has_total;
	struct kvmw_total total;
};

struct agg_table {		/* all zero: empty */
	struct agg *entry;
	u32 nr, room;
	u32 *slot;		/* index into entry plus 1, 0: free; a power of two */
	u32 nr_slots;
	u64 left_out;		/* rows whose key was one too many */
};

static inline bool agg_key__equal(const struct agg_key *a, const struct agg_key *b)
{
	return a->vcpu == b->vcpu && a->reason == b->reason && a->event == b->event &&
	       a->isa == b->isa;
}

/*
 * The entry of a key, made if there is none; valid until the next one is made.
 * NULL: out of memory (error() said so), or, with *full set, one key too many.
 */
struct agg *agg_table__get(struct agg_table *t, const struct agg_key *key, bool *full);
int agg_table__merge(struct agg_table *to, const struct agg_table *from);
void agg_table__free(struct agg_table *t);

/* Whether totals have counted every row that rows have seen. */
bool agg_table__covers(const struct agg_table *totals, const struct agg_table *rows);

/* Adds what from knows to to, except for the key. */
int agg__merge(struct agg *to, const struct agg *from);

#endif
