/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cycles that the programs have completed, but not yet sent: they go into a ring in batches of
 * KVMW_BATCH (struct kvmw_exits). If a vCPU does not fill a batch in time, the recorder takes them
 * out of its state, and skips them when the batch comes. Only the drain thread calls these.
 */
#ifndef KVMW_PENDING_H
#define KVMW_PENDING_H

#include "util/types.h"
#include "bpf_skel/shared.h"

struct pending {
	/* by state: the number of the first cycle that is not taken */
	u64 next[KVMW_MAX_VCPUS];
	u64 changes;			/* of the states, when these were looked for */
	u32 nr_vcpus;
	u32 vcpus[KVMW_MAX_VCPUS];	/* states that may have some */
};

/* Looks for these states anew if changes, from session__changes(), has changed. */
void pending__find(struct pending *p, const struct kvmw_vcpu_state *states, u32 nr, u64 changes);

/* How many of a batch's first ones have been taken already; takes the others. */
u32 pending__taken(struct pending *p, const struct kvmw_exits *batch);

/*
 * Takes those that wait in state i into rows, KVMW_BATCH of them at most: how many. None while
 * others of this vCPU are in a ring: these come first.
 */
u32 pending__take(struct pending *p, u32 i, const struct kvmw_vcpu_state *states,
		  struct kvmw_exit *rows);

/* State i will be used again. */
void pending__forget(struct pending *p, u32 i);

#endif
