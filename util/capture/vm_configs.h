/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How VMs and their vCPUs are set up, at one moment: from KVM itself, where it has BTF; else what
 * debugfs has of it.  What cannot be read is unknown.
 */
#ifndef KVMW_VM_CONFIGS_H
#define KVMW_VM_CONFIGS_H

#include "util/capture/interned.h"
#include "util/capture/session.h"
#include "util/capture/vcpu_files.h"

#define VM_CONFIGS_MAX	16384		/* vCPUs of one moment */

struct vm_configs {			/* all zero: empty */
	struct kvmw_vm_config *vm;
	u32 nr_vms, vms_room;
	struct kvmw_vcpu_config *vcpu;
	u32 nr_vcpus, vcpus_room;
};

/* Adds those of a process.  kind: KVMW_vm_config_START or _END.  0, or -1 out of memory. */
int vm_configs__read(struct vm_configs *configs, u32 kind, u32 pid, const struct vcpu_files *files,
		     const struct session *session, struct interned *names);
void vm_configs__free(struct vm_configs *configs);

#endif
