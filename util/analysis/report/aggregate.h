/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is known of each (event, isa, reason, vCPU), and where a report asks for keys that
 * the kernel does not count, of each value of these as well.  The rows of a report are made
 * from these at the end; memory is bounded by their number.
 */
#ifndef KVMW_AGGREGATE_H
#define KVMW_AGGREGATE_H

#include "util/analysis/report/heat.h"
#include "util/analysis/report/time_slices.h"
#include "util/events.h"
#include "util/hash_table.h"
#include "util/types.h"

/* More than any host has, unless details are requested: then each gpa is a key. */
#define AGG_MAX_KEYS	(128 * 1024)

/* The sum of nr_fine of all keys (keys.c); test_keys_fit checks it. */
#define AGG_FINE	13

struct agg_key {		/* compared as bytes: no padding */
	u32 vcpu;
	u32 reason;		/* of a family: its kind */
	u32 event;
	u32 isa;
	/* Of keys that are not counted: by key, in the order of --sort, see keys.h; else 0. */
	u64 fine[AGG_FINE];
};

/* What the time between exit and entry consists of, besides KVM's own. */
enum agg_part { PART_VMM, PART_HALT, PART_POLL, PART_WAIT, PART_BLOCK, PART_THROTTLED, NR_PARTS };

struct agg_sum {
	u64 rows, ns;		/* those rows where it was captured */
};

struct agg {
	struct agg_key key;
	/* From rows. */
	struct hist span;	/* total_ns, user_ns (userspace), span_ns; of completed rows */
	u64 rows;		/* all, those not completed included */
	u64 gap_rows, gap_ns;	/* guest_ns (exit), run_ns (userspace), where captured */
	u64 before_ns;		/* of a view's spans: what lay before the report's begin */
	struct agg_sum part[NR_PARTS];	/* user_ns, halt_ns, … of completed rows */
	/* Where the last row is, and the last one not completed, of a vCPU's stream; or 0. */
	u64 last_at, open_at;
	struct time_slices *slices;	/* NULL: not asked for, or no memory left */
	struct heat *heat;	/* likewise */
	struct agg_open {	/* the latter; since: its time_ns, or 0 */
		u64 since, reason, isa, kind, detail;	/* those of exits: what it was */
	} open;
	/* From STATS frames: what the kernel counted. */
	bool has_total;
	/* of kvmw stat: gap_ns of the total, since the last entry, is of no exit yet */
	bool in_guest;
	struct kvmw_total total;
};

struct agg_table {		/* all zero: empty, without a budget */
	struct hash_table table;	/* of struct agg */
	u64 over_limit;		/* rows whose key was one too many */
};

static inline struct agg *agg_table__at(const struct agg_table *t, u32 i)
{
	return hash_table__at(&t->table, i);
}

/* Empty, and draws from a budget. */
void agg_table__init(struct agg_table *t, struct budget *budget);

/*
 * The entry of a key, made if there is none; valid until the next one is made; NULL: one
 * key too many.  0, or -1 out of memory.
 */
int agg_table__get(struct agg_table *t, const struct agg_key *key, struct agg **agg);
int agg_table__merge(struct agg_table *to, const struct agg_table *from);
/* The same of another recording, whose vCPUs' ids become base higher. */
int agg_table__join(struct agg_table *to, const struct agg_table *from, u32 base);
/* One more than the largest id of a vCPU; 0: of none. */
u64 agg_table__ids(const struct agg_table *t);
void agg_table__free(struct agg_table *t);

/* Whether totals have counted every row that rows have seen. */
bool agg_table__covers(const struct agg_table *totals, const struct agg_table *rows);

/* Adds what from knows to to, except for the key. */
int agg__merge(struct agg *to, const struct agg *from);

#endif
