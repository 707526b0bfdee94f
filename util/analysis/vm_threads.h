/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The threads of the VMs' processes, and what they did from the beginning of the recording to its
 * end: known for vCPUs without events, too.
 */
#ifndef KVMW_VM_THREADS_H
#define KVMW_VM_THREADS_H

#include "util/recording/recording.h"

struct vm_thread {
	u32 pid;
	u32 tid;		/* all ones: of a vCPU that no thread is known to run */
	u32 number;		/* of the vCPU it runs, within its VM; all ones: none, or unknown */
	u32 vcpu;		/* the same as an id of the recording; all ones: it has none */
	bool gone;		/* it ran a vCPU that has events and is no longer there */
	char comm[REC_COMM];	/* safe to print */
	const struct kvmw_thread *start, *end;	/* its rows; NULL: it did not exist */
	const struct kvmw_thread *last;		/* end, or else start */
	/* Between the two, or in its life if younger than the recording; KVMW_NONE: unknown. */
	u64 user_ns, system_ns, guest_ns, run_ns, delay_ns;
	u64 span_ns, asleep_ns;	/* unknown of those younger */
};

struct vm_threads {
	const struct recording *rec;
	struct vm_thread *thread;	/* by pid; vCPUs first, by number; then by tid */
	u32 nr;
};

/* 0, or -1 out of memory (error() said so); to be freed in both cases. rec must outlive it. */
int vm_threads__make(struct vm_threads *threads, const struct recording *rec);
void vm_threads__free(struct vm_threads *threads);

static inline bool vm_thread__is_vcpu(const struct vm_thread *t)
{
	return t->number != ~0U;
}

/* What was counted from the start to the end; KVMW_NONE: unknown, or it went back. */
static inline u64 since_start(u64 start, u64 end)
{
	return start == KVMW_NONE || end == KVMW_NONE || end < start ? KVMW_NONE : end - start;
}

#define VM_THREAD_PLACE	64	/* bytes */

/* "kvm_vcpu_block": the function that it was asleep in; "" where unknown, or awake. Returns buf. */
const char *vm_thread__place(const struct recording *rec, const struct kvmw_thread *row, char *buf);

#endif
