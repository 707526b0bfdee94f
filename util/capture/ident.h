/* SPDX-License-Identifier: GPL-2.0 */
/* The vCPUs and VMs that the states stand for, as IDENT frames. */
#ifndef KVMW_IDENT_H
#define KVMW_IDENT_H

#include "util/capture/session.h"
#include "util/capture/sink.h"
#include "util/capture/vm.h"
#include "bpf_skel/shared.h"

/* A VM, or a process that has not been seen to run one yet. */
struct ident_vm {
	u32 id;			/* in the recording */
	u32 vm;			/* of its states; KVMW_NO_VM: none of its vCPUs ran yet */
	u64 start_ns;		/* of its process */
	struct vm desc;		/* read once, because the process may end */
	bool changed;		/* goes with the next frame */
};

struct ident {
	/* What the last IDENT frame said. */
	struct {
		u32 id, tid, vm;
		bool used;
		bool changed;	/* since then */
		u64 gone_ns;
	} sent[KVMW_MAX_VCPUS];
	u32 nr_states;		/* there are */
	u32 since_all;		/* entries sent since a frame that had all of them */
	u64 changes;
	/* Each has a state. */
	struct ident_vm vms[KVMW_MAX_VCPUS];
	u32 nr_vms, next_id;
};

/*
 * Sends an IDENT frame if the programs changed anything since the last call; to be called often.
 * 0 or -1.
 */
int ident__send(struct ident *ident, struct sink *sink, const struct session *session);

/* Takes all memory that nr states will ever need. */
void ident__take_memory(struct ident *ident, u32 nr);

/* Before state i is reused: drops its VM if this was the VM's last state. */
void ident__forget(struct ident *ident, const struct kvmw_vcpu_state *states, u32 nr, u32 i);

#endif
