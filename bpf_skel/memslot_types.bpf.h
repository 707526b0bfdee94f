/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMW_MEMSLOT_TYPES_BPF_H
#define KVMW_MEMSLOT_TYPES_BPF_H

#include "vmlinux.h"

#define MEMSLOT_FLAGS	0xffff		/* those above are KVM's own */

/* The members that all kernels have. */
struct memslot {
	u64 base_gfn, npages, hva;
	u64 dirty_bitmap;
	u32 flags;
	u32 slot;		/* address space << 16, id */
};

#endif
