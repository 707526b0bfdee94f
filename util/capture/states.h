/* SPDX-License-Identifier: GPL-2.0 */
/* Reuse of the places of vCPUs and processes that ended. */
#ifndef KVMW_STATES_H
#define KVMW_STATES_H

#include "util/types.h"
#include "bpf_skel/shared.h"

struct kvmw_bpf;

/* Before loading: makes the maps large enough for so many states. */
void states__size_maps(struct kvmw_bpf *skel, u32 nr);
/* Bytes for nr states, 0: the default; latencies: durations of cycles are counted. */
u64 states__memory(u32 nr, bool latencies);
/* The same: maps that take memory even if unused are made only if needed. */
void states__choose_maps(struct kvmw_bpf *skel, u32 events, bool taken, bool latencies);

/*
 * No state is found on a CPU any more, where programs do not ask whether they are active
 * (make_steady(), bpf_skel/thread.bpf.h).  Not before they are inactive.
 */
void states__lose(struct kvmw_bpf *skel);

/*
 * Frees state i, which has ended, under another id.  ends_seen: a program sees the end of each
 * vCPU; if none does, session__gone_ns() still needs what is known of the process.
 */
void states__free(struct kvmw_bpf *skel, const struct kvmw_vcpu_state *states, u32 i,
		  bool ends_seen);

/*
 * Copies what precedes the sums of a state. Whether it is of one moment: a vCPU that runs changes
 * its state meanwhile.
 */
bool states__copy(struct kvmw_vcpu_state *to, const struct kvmw_vcpu_state *live);

#endif
