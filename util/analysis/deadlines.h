/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How far away guests set timers to a time of their TSC.  That time in ns is known only once the
 * host's TSC at the end of the recording is: samples are kept until then.
 */
#ifndef KVMW_DEADLINES_H
#define KVMW_DEADLINES_H

#include "util/types.h"

#define MAX_DEADLINES	4096		/* samples kept */

struct deadlines {			/* all zero: empty */
	struct deadline {
		u64 time_ns, written;
		u32 vcpu;		/* an id */
	} sample[MAX_DEADLINES];
	u32 nr;
	u32 shift;			/* one in 2^shift is kept, by its time */
};

void deadlines__add(struct deadlines *d, const struct deadline *sample);
void deadlines__merge(struct deadlines *to, const struct deadlines *from);

/*
 * Median distance of the vCPUs that --vm and --vcpu select, in ns; KVMW_NONE: unknown, or the
 * recording is so long that the clocks of host and guest may have drifted apart in between.
 */
struct report;
u64 deadlines__median(const struct deadlines *d, const struct report *rep);

#define DEADLINE_WORDS	24	/* bytes */
/* "180 us": two digits count. Returns buf. */
const char *deadlines__words(u64 ns, char *buf);

#endif
