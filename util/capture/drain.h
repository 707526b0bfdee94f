/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The drain thread: copies records out of the rings into batches, and once a second
 * hands over what is there, with the vCPUs' totals, losses and the recorder's cost.
 */
#ifndef KVMW_DRAIN_H
#define KVMW_DRAIN_H

#include "util/capture/session.h"
#include "util/capture/sink.h"

/* Starts the thread. NULL: error() said why. */
struct drain *drain__new(struct session *session, struct sink *sink);

/*
 * After session__stop() at stop_ns: takes what is left in the rings, writes the
 * cycles still open as unfinished, the last totals; ends the thread.
 */
int drain__finish(struct drain *drain, u64 stop_ns);
void drain__free(struct drain *drain);

/* May be read while it runs. */
struct drain_counts {
	u64 events;		/* rows handed over or at hand */
	u64 lost;
	u64 unfinished;		/* known after drain__finish() */
	u64 bpf_ns, bpf_events;	/* sampled; see the event "cost" */
	u32 vcpus;		/* seen so far */
};
void drain__counts(struct drain *drain, struct drain_counts *counts);

#endif
