/* SPDX-License-Identifier: GPL-2.0 */
/* Who had the CPU that vCPUs waited for: the states' holders as rows of "holder". */
#ifndef KVMW_HOLDERS_H
#define KVMW_HOLDERS_H

#include <sys/types.h>

#include "util/capture/sink.h"
#include "bpf_skel/shared.h"

#define HOLDERS_PROCESSES 1024	/* a power of two */

struct holders {
	pid_t command;		/* that kvmw record runs; 0: none */
	u64 versions[KVMW_MAX_VCPUS][KVMW_NR_PLACES];	/* what was sent last */
	/* Processes that were examined, by pid: the last one in each place. */
	struct {
		u32 pid;
		bool runs_vms;
		u64 again_ns;	/* when to look at it next, and name it */
	} processes[HOLDERS_PROCESSES];
};

/*
 * Sends a row for each holder that changed since the last call, and an IDENT frame with the VMs
 * among their processes that were not named yet.  0 or -1.
 */
int holders__send(struct holders *holders, struct sink *sink, const struct kvmw_vcpu_state *states,
		  u32 nr);

/* Takes all memory that nr states will ever need. */
void holders__take_memory(struct holders *holders, u32 nr);

/* Before state i, whose holders were sent, is reused. */
void holders__forget(struct holders *holders, u32 i);

#endif
