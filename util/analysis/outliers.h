/* SPDX-License-Identifier: GPL-2.0 */
/* The longest of many rows: a heap of copies, the shortest one first, until it is sorted. */
#ifndef KVMW_OUTLIERS_H
#define KVMW_OUTLIERS_H

#include "util/recording/slice.h"

#define OUTLIERS_MAX	10000

struct outlier {
	u64 length, order;	/* order: of the offers */
	struct slice *row;	/* one row */
};

struct outliers {		/* all zero: none */
	struct outlier *list;
	u32 nr, room;
	u64 offered;
};

/* Keeps row i of a slice if it is one of the max longest so far. 0, or -1: out of memory (said so). */
int outliers__offer(struct outliers *o, u32 max, u64 length, const struct slice *s, u32 i);

/* The longest ones first; of equally long ones the one offered first. For use after the last offer. */
void outliers__sort(struct outliers *o);

void outliers__free(struct outliers *o);

#endif
