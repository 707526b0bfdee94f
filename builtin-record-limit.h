/* SPDX-License-Identifier: GPL-2.0 */
/*
 * record --cpu-limit: the recorder and its programs take no more of a CPU than that, or they record
 * less, by steps: all, one in 10, one in 100, totals alone.
 */
#ifndef KVMW_BUILTIN_RECORD_LIMIT_H
#define KVMW_BUILTIN_RECORD_LIMIT_H

#include "util/capture/drain.h"
#include "util/capture/meta.h"

#define LIMIT_STEPS	4

struct record_limit {
	double most;		/* percent of a CPU; 0: no limit */
	u32 step;		/* now; 0: all is recorded */
	u32 nr_changes;
	bool quiet;		/* only the recording says so */
	/* seconds in a row in which the step before would have taken well below it */
	u32 calm;
	/* seconds in a row that took more: one alone may have some of the next one's events */
	u32 over;
	u64 start_ns;		/* of the recording */
	u64 step_ns;		/* since when it is */
	/* When it was looked at last. */
	u64 time_ns, cpu_ns, counted, bpf_ns, bpf_events;
	double bpf_each;	/* ns of programs for an event, as sampled last */
	/* ns that an event took in all, by step, as measured last; 0: unknown */
	double each[LIMIT_STEPS];
};

/* When the recording begins. */
void record_limit__start(struct record_limit *l, u64 start_ns);
/* Once a second; changes the step, says so, and notes it in the recording. */
void record_limit__look(struct record_limit *l, struct session *session, struct drain *drain,
			struct meta *meta);
/*
 * What changes if it took that much of a CPU in the last second; counted: events per second. The
 * step from now on.
 */
u32 record_limit__next(struct record_limit *l, double percent, double counted, u64 now);

#endif
