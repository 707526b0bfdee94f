/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A value that changes now and then, over time: its greatest value in each of at most
 * STEPS_MAX spans of time, which get longer as the time that they cover does.  Changes come
 * in any order.
 */
#ifndef KVMW_MAX_SERIES_H
#define KVMW_MAX_SERIES_H

#include "util/types.h"

#define STEPS_MAX	256	/* a power of two */

struct steps_span {
	bool used;
	u64 first_ns, old;	/* the first change in it, what it was before */
	u64 max_ns, max;
	u64 last_ns, last;	/* the last one, what it was then */
};

struct steps {			/* all zero: empty */
	u64 changes;
	u32 shift;		/* a span is 1 << shift ns */
	u64 low, high;		/* time >> shift of the first and the last one */
	struct steps_span span[STEPS_MAX];	/* of time t: (t >> shift) % STEPS_MAX */
};

/* From old (all ones: not known) to now. */
void steps__add(struct steps *s, u64 time_ns, u64 old, u64 now);
void steps__merge(struct steps *to, const struct steps *from);

/* The greatest value in each of nr equal parts of from to to; all ones: not known. */
void steps__columns(const struct steps *s, u64 from_ns, u64 to_ns, u32 nr, u64 *out);

#endif
