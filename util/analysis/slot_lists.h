/* SPDX-License-Identifier: GPL-2.0 */
/* The memory slots that VMs had when the recording began, from the rows of table "slot". */
#ifndef KVMW_SLOT_LISTS_H
#define KVMW_SLOT_LISTS_H

#include "util/recording/recording.h"

#define SLOT_READONLY	2u		/* KVM_MEM_READONLY, include/uapi/linux/kvm.h */

/* Of one VM. */
struct slot_list {
	u32 pid;
	u32 number;			/* among the VMs of its process, from 0 */
	bool alone;			/* no other VM of the process was read */
	const struct rec_vm *vm;	/* NULL: it is not known which one of its process */
	const struct kvmw_slot **slot;	/* by address; memory of the lists */
	u32 nr, read_only, logged;	/* slots, 0: unknown; of these */
	u64 bytes, read_only_bytes, logged_bytes;
};

struct slot_lists {
	struct slot_list *vm;		/* by pid, then by number */
	u32 nr;
	const struct kvmw_slot **slot;
};

/* 0, or -1 out of memory (error() said so); to be freed in both cases. rec must outlive it. */
int slot_lists__make(struct slot_lists *lists, const struct recording *rec);
void slot_lists__free(struct slot_lists *lists);

#endif
