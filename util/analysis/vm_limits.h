/* SPDX-License-Identifier: GPL-2.0 */
/* What VMs may use of the host: CPUs, and quotas of control groups. */
#ifndef KVMW_VM_LIMITS_H
#define KVMW_VM_LIMITS_H

#include "util/analysis/vm_threads.h"

/* A control group that threads of a VM's process are in, or one above it that has a quota. */
struct vm_group {
	u32 pid;
	u32 threads;		/* of this process, in it or below it */
	const char *path;	/* safe to print, "" where unknown; so is cpuset */
	const char *cpuset;	/* "0-3,8" */
	/* CPU time in each period; quota_ns 0: none; KVMW_NONE: unknown */
	u64 quota_ns, period_ns;
	/* During the recording, KVMW_NONE: unknown. */
	/* in which it wanted a CPU; of these, in which the quota was used up */
	u64 periods, throttled;
	u64 throttled_ns;	/* the sum over all CPUs */
	/* In the end; huge: in transparent huge pages.  KVMW_NONE: unknown. */
	u64 anon_bytes, anon_huge_bytes, shmem_bytes, shmem_huge_bytes;
};

/* One process that runs VMs. */
struct vm_cpus {
	u32 pid;
	u32 vcpus;		/* that it has */
	u32 cpus;		/* that its vCPUs may use, together; all ones: unknown */
	/* the least quota of a group that all its threads are in; 0: none, or unknown */
	double quota_cpus;
};

struct vm_limits {
	struct vm_group *group;	/* by pid, then as recorded */
	u32 nr_groups;
	struct vm_cpus *vm;	/* by pid */
	u32 nr_vms;
};

/* 0, or -1 out of memory (error() said so); to be freed in both cases. rec must outlive it. */
int vm_limits__make(struct vm_limits *limits, const struct recording *rec,
		    const struct vm_threads *threads);
void vm_limits__free(struct vm_limits *limits);

/* NULL: nothing is known of this process. */
const struct vm_cpus *vm_limits__of(const struct vm_limits *limits, u32 pid);

#endif
