/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Virtual machines among the processes of this host: a process that holds KVM file
 * descriptors (anon_inode:kvm-vm, anon_inode:kvm-vcpu:N, virt/kvm/kvm_main.c).
 */
#ifndef KVMW_VM_H
#define KVMW_VM_H

#include <sys/types.h>

#include "util/types.h"

struct vm {
	pid_t pid;		/* thread group id */
	char vmm[64];		/* name of its executable */
	char name[128];		/* as given to the VMM, or ""; safe to print, like vmm */
	char uuid[40];		/* QEMU -uuid, or "" */
	u32 nr_vms, nr_vcpus;	/* file descriptors of each kind */
};

/*
 * Looks at one process; a thread id stands for its process.  0, or an errno:
 * ESRCH no such process or it has ended, EACCES its descriptors cannot be read.  A process that
 * is not a VM gives 0 and nr_vms 0.
 */
int vm__read(pid_t pid, struct vm *vm);

/*
 * Calls found for each KVM file descriptor of a process: vcpu is the number of its vCPU, -1 that of
 * a VM. 0, or an errno as for vm__read(); what was found before it is right.
 */
typedef void vm_fd_fn(void *arg, int fd, int vcpu);
int vm__each_fd(pid_t pid, vm_fd_fn *found, void *arg);

/* The number of the vCPU whose file descriptor link is; all ones: it is none. */
u32 vm__vcpu_of_link(const char *link);

/* Only name and VMM, without privilege; what cannot be read stays "". */
void vm__describe(pid_t pid, struct vm *vm);

/*
 * All VMs of the host, by pid.  Returns how many and *vms (free it), or -1 after
 * error(); *vms is to be freed even then.
 * *hidden: processes whose descriptors cannot be read.
 */
int vm__scan(struct vm **vms, u32 *hidden);

/*
 * The process of the running VM of this name: that given to the VMM, its uuid, the process id, or
 * the VMM's own name. A pattern (fnmatch(3)) stands for all VMs whose name, uuid or VMM it is like,
 * max at most. How many, or -1: none, several that no pattern asked for, too many, or out of memory
 * (error() said so, as option's).
 */
int vm__find(const char *option, const char *name, pid_t *pids, u32 max);

/* Whether the process with this id started at start_ns, CLOCK_MONOTONIC. */
bool vm__started_at(pid_t pid, u64 start_ns);

#endif
