/* SPDX-License-Identifier: GPL-2.0 */
/* How VMs were set up, from the rows of tables "vm_config" and "vcpu_config". */
#ifndef KVMW_VM_SETUP_H
#define KVMW_VM_SETUP_H

#include "util/recording/recording.h"

struct vm_setup {
	/* at the end, else at the start; KVMW_NONE: unknown */
	const struct kvmw_vm_config *row;
	const struct rec_vm *vm;	/* NULL: it is not known which one of its process */
	const char *apicv_not;		/* safe to print, "" if there is no reason, or it is unknown */
	bool apicv_changed;		/* since the start */
	char signature[16];		/* of the hypervisor that the guest sees; "": none, or unknown */
	const struct kvmw_vcpu_config **vcpu;	/* by number */
	u32 nr_vcpus;
	/* Between the TSCs of its vCPUs, in cycles; KVMW_NONE: not known of two scaled alike. */
	u64 tsc_spread;
	u64 tsc_khz;			/* of the first one; KVMW_NONE: unknown */
};

struct vm_setups {
	struct vm_setup *setup;		/* by pid */
	u32 nr;
};

/* 0, or -1 out of memory (error() said so); to be freed in both cases. rec must outlive it. */
int vm_setups__make(struct vm_setups *setups, const struct recording *rec);
void vm_setups__free(struct vm_setups *setups);

/* That of a VM; NULL: unknown. */
const struct vm_setup *vm_setups__of(const struct vm_setups *setups, const struct rec_vm *vm);

#endif
