/* SPDX-License-Identifier: GPL-2.0 */
/* The longest of many rows: a heap of copies, the shortest one first, until it is sorted. */
#ifndef KVMW_OUTLIERS_H
#define KVMW_OUTLIERS_H

#include "util/event_desc.h"

#define OUTLIERS_MAX	10000

struct outlier {
	u64 length, order;	/* of equal length: the lowest order comes first */
	void *row;		/* the user's, from malloc() */
};

struct outliers {		/* all zero: none */
	struct outlier *list;
	u32 nr, room;
};

/* The length by which a row is an outlier, without halts. KVMW_NONE: unknown. */
static inline u64 outlier__length(u64 span, u64 halt, u64 poll)
{
	if (span == KVMW_NONE || halt == KVMW_NONE || halt > span)
		return span;
	return span - halt + (poll <= halt ? poll : 0);
}

/* Whether this would be one of the max longest so far: to be asked before a copy is made. */
bool outliers__takes(const struct outliers *o, u32 max, u64 length, u64 order);
/* Adds one, and takes over its row. 0, or -1: out of memory (reported). */
int outliers__add(struct outliers *o, u32 max, struct outlier row);

/* The longest ones first. For use after the last one was added. */
void outliers__sort(struct outliers *o);

void outliers__free(struct outliers *o);

#endif
