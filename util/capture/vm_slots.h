/* SPDX-License-Identifier: GPL-2.0 */
/* The memory slots of the host's VMs, as rows of "slot". */
#ifndef KVMW_VM_SLOTS_H
#define KVMW_VM_SLOTS_H

#include "util/capture/session.h"
#include "util/capture/sink.h"

#define VM_SLOTS_MAX	8192	/* of all VMs */

struct vm_slots {			/* all zero: empty */
	struct kvmw_vm_slot *slot;
	u32 nr, room;
	u64 time_ns;		/* when they were read */
};

/*
 * Reads all of them, where the kernel allows it; the programs know from then on which VMs the
 * processes of -p have.  0, or -1 out of memory.
 */
int vm_slots__read(struct vm_slots *slots, const struct session *session);
/* Sends rows of those of these processes.  0 or -1. */
int vm_slots__send(const struct vm_slots *slots, const u32 *pids, u32 nr_pids, struct sink *sink);
void vm_slots__free(struct vm_slots *slots);

#endif
