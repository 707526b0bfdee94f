/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The threads of recorded VMs, whichever thread is current: their VM, since when they run, wait
 * or sleep, who woke them, and the names of the wakers.
 *
 * A process is known to be a recorded VM once one of its threads has run a vCPU or, with -p,
 * from the start; its threads are not tracked before.
 *
 * Only sched_switch, sched_wakeup and sched_waking of a thread change its entry, and the
 * scheduler's locks serialize these, so plain stores are enough.
 */
#ifndef KVMW_SCHED_BPF_H
#define KVMW_SCHED_BPF_H

#include "context.bpf.h"
#include "point.bpf.h"

#define NR_OFFS		8	/* a power of two */

struct runner {
	u64 on_ns;		/* running since; 0: it is not, or this is unknown */
	u64 ready_ns;		/* waiting for a CPU since */
	u64 off_ns;		/* sleeping since */
	u64 waking_ns;		/* when it was last woken */
	u64 waker;		/* by this thread; 0: an interrupt; KVMW_NONE: unknown */
	struct {
		u64 out_ns, in_ns;
	} offs[NR_OFFS];	/* the last times when it was off its CPU */
	u32 nr_offs, pad;
};

static const struct runner fresh_runner = { .waker = KVMW_NONE };

/* Entries of threads that end are deleted. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8 * KVMW_DEFAULT_VCPUS);
	__type(key, u32);
	__type(value, struct runner);
} runners __weak SEC(".maps");

/* NULL: the map is full. */
static __always_inline struct runner *runner_of(u32 tid)
{
	struct runner *r = bpf_map_lookup_elem(&runners, &tid);

	if (r)
		return r;
	bpf_map_update_elem(&runners, &tid, &fresh_runner, BPF_NOEXIST);
	return bpf_map_lookup_elem(&runners, &tid);
}

/*
 * The state of a thread of a recorded VM: its vCPU's, or that of the VMM; NULL: it belongs to no
 * recorded VM.  others: include threads that are not vCPUs.
 */
static __always_inline struct kvmw_vcpu_state *state_of_vm_thread(struct task_struct *task,
								  bool others)
{
	u32 tid = task->pid, tgid = task->tgid;
	struct kvmw_vcpu_state *s = NULL;
	struct thread *found;
	struct kvmw_process *p;

	if (!tid)
		return NULL;
	/* First, because most threads of a host belong to no VM. */
	p = bpf_map_lookup_elem(&vms, &tgid);
	if (!p || (p->start_ns && p->start_ns != task->group_leader->start_time))
		return NULL;
	found = bpf_map_lookup_elem(&threads, &tid);
	if (found && found->start_ns == task->start_time)
		s = known_state(found->known, tid);
	/* --vcpu excludes everything but vCPUs. */
	return s || !others || config.vcpu_filter ? s : state_of_other(tgid, 0, task);
}

/* The names last sent of threads that rows refer to. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, KVMW_MAX_TASKS);
	__type(key, u32);
	__type(value, struct kvmw_ring_task);
} tasks __weak SEC(".maps");

static __always_inline bool is_named(u32 tid, const struct kvmw_ring_task *row)
{
	struct kvmw_ring_task *known = bpf_map_lookup_elem(&tasks, &tid);

	return known && known->name.comm[0] == row->name.comm[0] &&
	       known->name.comm[1] == row->name.comm[1] &&
	       (!config.names_again || bpf_ktime_get_ns() - known->time_ns < KVMW_NAMED_AGAIN_NS);
}

/* Sends a thread's name once, and again when it changes; a row of state s refers to it. */
static __always_inline void name_task(struct kvmw_vcpu_state *s, u32 tid,
				      const struct task_struct *task)
{
	struct kvmw_ring_task row = { .event = KVMW_RING_TASK, .tid = tid };

	if (!tid || bpf_probe_read_kernel(&row.name, sizeof(row.name), &task->comm))
		return;
	if (is_named(tid, &row))
		return;
	row.time_ns = bpf_ktime_get_ns();
	if (emit(s, &row, sizeof(row)))
		bpf_map_update_elem(&tasks, &tid, &row, BPF_ANY);
}

#endif
