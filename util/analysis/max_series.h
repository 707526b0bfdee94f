/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The maximum over time of a value that changes now and then, in at most MAX_SERIES_SPANS spans of
 * time, which grow with the time that they cover.  Changes may come in any order.
 */
#ifndef KVMW_MAX_SERIES_H
#define KVMW_MAX_SERIES_H

#include "util/types.h"

#define MAX_SERIES_SPANS	256	/* a power of two */

struct max_span {
	bool used;
	u64 first_ns, old;	/* the first change in it, what it was before */
	u64 max_ns, max;
	u64 last_ns, last;	/* the last one, what it was then */
};

struct max_series {			/* all zero: empty */
	u64 changes;
	u32 shift;		/* a span is 1 << shift ns */
	u64 low, high;		/* time >> shift of the first and the last one */
	struct max_span span[MAX_SERIES_SPANS];	/* of time t: (t >> shift) % MAX_SERIES_SPANS */
};

/* From old (all ones: not known) to now. */
void max_series__add(struct max_series *s, u64 time_ns, u64 old, u64 now);
void max_series__merge(struct max_series *to, const struct max_series *from);

/* The greatest value in each of nr equal parts of from to to; all ones: not known. */
void max_series__columns(const struct max_series *s, u64 from_ns, u64 to_ns, u32 nr, u64 *out);
/* Of such parts, those after until_ns: not known. */
void max_series__cut(u64 from_ns, u64 to_ns, u64 until_ns, u32 nr, u64 *out);

#endif
