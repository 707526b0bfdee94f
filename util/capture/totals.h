/* SPDX-License-Identifier: GPL-2.0 */
/* The sums in the states as rows of "total" and "loss". */
#ifndef KVMW_TOTALS_H
#define KVMW_TOTALS_H

#include "util/capture/sink.h"
#include "bpf_skel/shared.h"

/* What a state has counted, as rows: of a sum, and of kinds[i]. */
struct kvmw_total totals__of_sum(const struct kvmw_vcpu_state *s, const struct kvmw_sum *sum);
struct kvmw_total totals__of_kind(const struct kvmw_vcpu_state *s, u32 i,
				  const struct kvmw_kind_total *sum);

/* Over all states so far. */
struct totals_sum {
	u64 count;		/* events begun */
	u64 lost;
	u32 vcpus;		/* states of vCPUs, not of other threads */
};

/* What was sent last: only changes are sent. */
struct totals {
	/* sums of all fields, which only grow */
	u64 versions[KVMW_MAX_VCPUS][KVMW_NR_SUMS];
	u64 kind_versions[KVMW_MAX_VCPUS][KVMW_NR_KIND_SUMS];
	u64 lost[KVMW_MAX_VCPUS][KVMW_MAX_EVENTS];
	u64 time_ns;		/* of the last call */
	struct totals_sum past;	/* of states that were reused */
};

/* Sends rows for what changed since the last call at totals->time_ns.  0 or -1. */
int totals__send(struct totals *totals, struct sink *sink, const struct kvmw_vcpu_state *states,
		 u32 nr, u64 now);

/* What the recording cost so far. */
void totals__send_cost(struct sink *sink, const struct kvmw_cost *cost);

struct totals_sum totals__sum(const struct totals *totals, const struct kvmw_vcpu_state *states,
			      u32 nr);

/* Takes all memory that nr states will ever need: they take turns, so in the end all is used. */
void totals__take_memory(struct totals *totals, u32 nr);

/* Before state i, whose totals were sent, is reused. */
void totals__forget(struct totals *totals, const struct kvmw_vcpu_state *states, u32 i);

#endif
