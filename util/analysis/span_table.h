/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rows counted by key, and how long they took: what the models of views gather while rows
 * are read.  An entry begins with its key, which begins with the vCPU's id and has no
 * padding, and holds a span_sum:
 *
 *	struct wake { struct { u32 vcpu, waker; } key; struct span_sum sum; };
 *	struct span_table t = SPAN_TABLE(struct wake, opt->budget);
 *
 * Memory is bounded by SPAN_TABLE_MAX keys; rows of further keys are only counted.
 */
#ifndef KVMW_SPAN_TABLE_H
#define KVMW_SPAN_TABLE_H

#include "util/analysis/hist.h"
#include "util/analysis/report/report.h"
#include "util/hash_table.h"

#define SPAN_TABLE_MAX	(128 * 1024)

struct span_sum {
	u64 rows;
	u64 last_ns;		/* time of the latest row, where rows have one; or 0 */
	u64 before_ns;		/* the part of span that lies before the report's begin */
	struct hist span;	/* of the rows that have one */
};

struct span_table {
	struct hash_table table;
	u16 sum_offset;
	u64 over_limit;		/* rows whose key was beyond the limit */
};

#define SPAN_TABLE(type, budget) (struct span_table) {	\
	.table = HASH_TABLE(type, budget),		\
	.sum_offset = offsetof(type, sum) +		\
		0 * sizeof(char[1 - 2 * !!offsetof(type, key.vcpu)]),	\
}

/*
 * Counts one more row of key; *sum is the key's, or NULL where there are too many keys.
 * 0, or -1 out of memory.
 */
int span_table__count(struct span_table *t, const void *key, struct span_sum **sum);

/* One more row of key, span_ns long; KVMW_NONE: unknown.  0, or -1 out of memory. */
static inline int span_table__add(struct span_table *t, const void *key, u64 span_ns)
{
	struct span_sum *sum;

	if (span_table__count(t, key, &sum))
		return -1;
	return sum && span_ns != KVMW_NONE ? hist__add(&sum->span, span_ns) : 0;
}

int span_table__merge(struct span_table *to, const struct span_table *from);
void span_table__free(struct span_table *t);

static inline u32 span_table__nr(const struct span_table *t)
{
	return t->table.nr;
}

/* Entry i, in the order in which they were made. */
static inline void *span_table__at(const struct span_table *t, u32 i)
{
	return hash_table__at(&t->table, i);
}

/* Whether --vcpu and --pid select the vCPU of an entry. */
static inline bool span_entry__selected(const void *entry, const struct report *rep)
{
	return report__selects(rep->rec, rep->opt, *(const u32 *)entry);
}

/*
 * The selected entries in an order, a qsort() function of pointers to entries; to be freed
 * with budget__free(), (*nr + 1) pointers.  NULL: out of memory (error() said so).
 */
const void **span_table__select(const struct span_table *t, const struct report *rep,
				int (*order)(const void *, const void *), u32 *nr);

/* Of a column, all ones stay all ones; numbers that do not fit become the one before none. */
static inline u64 narrow(u64 value, u64 none)
{
	return value == KVMW_NONE ? none : value < none ? value : none - 1;
}

#endif
