/* SPDX-License-Identifier: GPL-2.0 */
/* The vCPUs' states as rows of "total" and "loss", and as IDENT. */
#ifndef KVMW_TOTALS_H
#define KVMW_TOTALS_H

#include "util/capture/sink.h"
#include "util/capture/vm.h"
#include "bpf_skel/shared.h"

/* What was sent last: only changes are sent. */
struct totals {
	u64 versions[KVMW_MAX_VCPUS][KVMW_MAX_SUMS + 1];	/* sums of all fields, which only grow */
	u64 kind_versions[KVMW_MAX_VCPUS][KVMW_NR_KIND_SUMS];
	u64 lost[KVMW_MAX_VCPUS][KVMW_MAX_EVENTS];
	u64 seen[KVMW_MAX_VCPUS];	/* of vcpu_id and run_fd */
	u32 known;		/* states in the last IDENT */
	/* Read once, because the process may end. */
	struct vm vms[KVMW_MAX_VCPUS];
	u32 nr_vms;
	u32 numbers[KVMW_MAX_VCPUS];	/* by descriptor: vCPU number plus one; 0: unknown */
	u64 time_ns;		/* of the last call */
};

/* Sends IDENT if there are vCPUs that the last one lacks; to be called often. */
int totals__ident(struct totals *totals, struct sink *sink, const struct kvmw_vcpu_state *states);

/*
 * Sends rows for what changed since the last call at totals->time_ns; IDENT first when
 * there are new vCPUs.  0 or -1.
 */
int totals__send(struct totals *totals, struct sink *sink, const struct kvmw_vcpu_state *states, u64 now);

/* States of vCPUs, not of other threads. */
u32 totals__vcpus(const struct kvmw_vcpu_state *states);

/* Sums over all states: events begun, lost. */
void totals__sum(const struct kvmw_vcpu_state *states, u64 *count, u64 *lost);

#endif
