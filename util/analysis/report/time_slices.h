/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When the events of a row were, in at most SLICES slices of equal length, to compare the times of
 * a recording with each other. The length of a recording is known only after reading it, so slices
 * begin short; if there are too many, two become one. Memory does not grow
 * with time.
 */
#ifndef KVMW_TIME_SLICES_H
#define KVMW_TIME_SLICES_H

#include "util/analysis/hist.h"

#define SLICES		128
#define SLICE_GROUP	8	/* slices, of whose events there is one histogram */
#define SLICE_GROUPS	(SLICES / SLICE_GROUP)

struct time_slices {
	/* a slice takes 1 << shift ns; the first begins where the report does */
	u32 shift;
	u64 count[SLICES];	/* events */
	u64 cost_ns[SLICES];	/* of those that were completed, see struct report_row */
	struct hist span[SLICE_GROUPS];
};

/*
 * at_ns: since the begin of the report; span_ns: KVMW_NONE if it was not completed. *s is made
 * where it is NULL and the budget has room, and stays NULL else. 0, or -1 out of memory.
 */
int time_slices__add(struct time_slices **s, struct budget *budget, u64 at_ns, u64 cost_ns,
		     u64 span_ns);
int time_slices__merge(struct time_slices **to, struct budget *budget,
		       const struct time_slices *from);
/* Makes slices at least 1 << shift ns long. 0, or -1 out of memory. */
int time_slices__fold(struct time_slices *s, u32 shift);
void time_slices__free(struct time_slices *s, struct budget *budget);

#endif
