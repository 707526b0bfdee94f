/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The drain thread: copies records from the rings into batches and, once a second, hands over
 * these with the vCPUs' totals, the losses and the recorder's cost.
 */
#ifndef KVMW_DRAIN_H
#define KVMW_DRAIN_H

#include "util/capture/session.h"
#include "util/capture/sink.h"

/*
 * Starts the thread; command: the process that kvmw record runs, or 0; keeps: sink feeds a window
 * or a series. NULL: error() said why.
 */
struct drain *drain__new(struct session *session, struct sink *sink, pid_t command, bool keeps);

/*
 * After session__stop() at stop_ns: takes what is left in the rings, writes open cycles as
 * unfinished and the last totals, and ends the thread.
 */
int drain__finish(struct drain *drain, u64 stop_ns);
void drain__free(struct drain *drain);

/*
 * While the thread runs, for a snapshot of a window: hands over all until now, and the cycles in
 * progress as rows aside.
 */
void drain__cut(struct drain *drain);
/*
 * Likewise, for a series: what comes from now on is in another file, with this META, which it
 * takes. Cycles in progress are in the one in which they end.
 */
void drain__next_file(struct drain *drain, char *meta);

/* May be called while the thread runs. */
struct drain_counts {
	u64 events;		/* rows so far */
	u64 lost;
	u64 counted;		/* all, with lost and filtered ones, as of the last second */
	/* except those of vCPUs that are gone; after drain__finish() */
	u64 unfinished;
	u64 bpf_ns, bpf_events;	/* sampled; see the event "cost" */
	u32 vcpus;		/* seen so far */
};
void drain__counts(struct drain *drain, struct drain_counts *counts);

#endif
