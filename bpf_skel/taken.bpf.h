/* SPDX-License-Identifier: GPL-2.0 */
/* Sums of the memory that the host takes from VMs: by whom, why, how much of it is the guest's. */
#ifndef KVMW_TAKEN_BPF_H
#define KVMW_TAKEN_BPF_H

#include "arch.bpf.h"
#include "identity.bpf.h"
#include "memslot.bpf.h"

struct taken_key {
	u64 start_ns;		/* of the VM's process and of the thread: ids are reused */
	u64 by_start_ns;
	u64 cause, syscall;
	u32 pid, tid;
};

/* Where in taken_sums. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KVMW_MAX_TAKEN);
	__type(key, struct taken_key);
	__type(value, u32);
} taken_places SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, KVMW_MAX_TAKEN + 1);
	__type(key, u32);
	__type(value, struct kvmw_taken_sum);
} taken_sums SEC(".maps");

/* Places that are free; filled by the recorder.  A queue: compat.bpf.h. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, KVMW_MAX_TAKEN);
	__uint(value_size, sizeof(u32));
} free_taken SEC(".maps");

static __always_inline struct kvmw_taken_sum *taken_others(void)
{
	u32 last = KVMW_MAX_TAKEN;
	struct kvmw_taken_sum *sum = bpf_map_lookup_elem(&taken_sums, &last);

	if (sum)
		sum->kind = KVMW_taken_OTHERS;
	return sum;
}

static __always_inline struct kvmw_taken_sum *taken_new(const struct taken_key *key)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	u32 place = 0, tgid = bpf_get_current_pid_tgid() >> 32, *found;
	struct kvmw_taken_sum *sum;

	if (bpf_map_pop_elem(&free_taken, &place))
		return taken_others();
	sum = bpf_map_lookup_elem(&taken_sums, &place);
	if (!sum)
		return NULL;
	if (bpf_map_update_elem(&taken_places, key, &place, BPF_NOEXIST)) {
		/* The same thread was here in an interrupt. */
		bpf_map_push_elem(&free_taken, &place, BPF_ANY);
		found = bpf_map_lookup_elem(&taken_places, key);
		return found ? bpf_map_lookup_elem(&taken_sums, found) : taken_others();
	}
	sum->pid = key->pid;
	sum->tid = key->tid;
	sum->tgid = tgid;
	sum->cause = key->cause;
	sum->syscall = key->syscall;
	bpf_probe_read_kernel(sum->comm, sizeof(sum->comm), &task->comm);
	/* Last, because this shows the sum to the recorder. */
	sum->kind = BPF_CORE_READ(task, flags) & PF_KTHREAD ? KVMW_taken_KERNEL :
		    tgid == key->pid ? KVMW_taken_VMM : KVMW_taken_PROCESS;
	return sum;
}

/* ---- the guest's part of it ---------------------------------------------- */

#define TAKEN_ARRAY	64	/* memory slots of an array, with which a range is compared */
/* in a tree, to all slots that overlap a range: beyond that, it is unknown */
#define TAKEN_STEPS 48

struct taken_range {
	u64 start, last;	/* both included */
	u64 bytes;		/* how much of it is in memory slots */
	u64 root;		/* of the tree */
};

/* In a map: a function that is verified by itself cannot be given it. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct taken_range);
} taken_ranges SEC(".maps");

static __always_inline struct taken_range *taken_range(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&taken_ranges, &zero);
}

/*
 * From a node of the tree to the one to look at next; 0: no slot is left that overlaps the range.
 * Finds each slot as interval_tree_iter_first() finds the first one in the rest of the range.
 * Global, so that it is verified once, and not for each step.
 */
__weak __noinline u64 taken_step(u64 at)
{
	struct interval_tree_node *node = (void *)at, *left;
	struct taken_range *r = taken_range();
	u64 from, to;

	if (!r)
		return 0;
	left = (void *)BPF_CORE_READ(node, rb.rb_left);
	if (left && BPF_CORE_READ(left, __subtree_last) >= r->start)
		return (u64)left;
	from = BPF_CORE_READ(node, start);
	to = BPF_CORE_READ(node, last);
	if (from > r->last)
		return 0;
	if (to < r->start)
		return (u64)BPF_CORE_READ(node, rb.rb_right);
	from = from > r->start ? from : r->start;
	to = to < r->last ? to : r->last;
	r->bytes += to - from + 1;
	if (to == r->last)
		return 0;
	/* The rest of it may be in the next slot. */
	r->start = to + 1;
	return r->root;
}

/* Nothing is locked; a tree that changes meanwhile may hide a slot. */
static __noinline u64 taken_in_tree(u64 kvm, u64 start, u64 end)
{
	struct taken_range *r = taken_range();
	const struct kvm_memslots *all;
	u64 node;

	if (!r)
		return KVMW_NONE;
	all = memslots_of((struct kvm *)kvm);
	node = (u64)BPF_CORE_READ(all, hva_tree.rb_root.rb_node);
	*r = (struct taken_range) { .start = start, .last = end - 1, .root = node };
	for (int i = 0; i < TAKEN_STEPS && node; i++)
		node = taken_step(node);
	return node ? KVMW_NONE : r->bytes;
}

/* The part of a range that is in a memory slot.  Global as taken_step(). */
__weak __noinline u64 taken_overlap(u64 slot, u64 start, u64 end)
{
	const struct kvm_memory_slot *m = (void *)slot;
	u64 from = BPF_CORE_READ(m, userspace_addr);
	u64 to = from + (BPF_CORE_READ(m, npages) << 12);

	to = to < end ? to : end;
	from = from > start ? from : start;
	return to > from ? to - from : 0;
}

static __noinline u64 taken_in_array(u64 kvm, u64 start, u64 end)
{
	const void *all = memslots_of((struct kvm *)kvm);
	u32 nr = memslots_nr(all);
	u64 sum = 0;

	if (nr > TAKEN_ARRAY)
		return KVMW_NONE;
	for (u32 i = 0; i < TAKEN_ARRAY && i < nr; i++)
		sum += taken_overlap((u64)memslots_at(all, i), start, end);
	return sum;
}

/*
 * How much of a range is in the memory slots of a process's VM; KVMW_NONE: not known. Global, so
 * that it is verified once, and not for each way that leads here.
 */
__weak __noinline u64 taken_of_guest(u64 kvm, u64 start, u64 end)
{
	/* Nothing can be taken from a VM that has not run yet. */
	if (!kvm)
		return vms_listed ? 0 : KVMW_NONE;
	if (start >= end)
		return 0;
	if (memslots_in_array())
		return taken_in_array(kvm, start, end);
	return memslots_in_tree() ? taken_in_tree(kvm, start, end) : KVMW_NONE;
}

/* owner: a thread of the VM's process. */
static __always_inline void taken_count(u32 pid, struct task_struct *owner, u64 start, u64 end,
					u64 cause, u64 syscall)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct taken_key key = {
		.start_ns = BPF_CORE_READ(owner, group_leader, start_time),
		.by_start_ns = BPF_CORE_READ(task, start_time),
		.cause = cause, .syscall = syscall, .pid = pid, .tid = bpf_get_current_pid_tgid(),
	};
	u32 *place = bpf_map_lookup_elem(&taken_places, &key);
	struct kvmw_taken_sum *sum;
	u64 guest, bytes;

	sum = place ? bpf_map_lookup_elem(&taken_sums, place) : taken_new(&key);
	if (!sum)
		return;
	guest = has_several_vms(pid) ? KVMW_NONE : taken_of_guest(only_vm(pid), start, end);
	/* A range of all addresses: the VMM's other memory is unknown. */
	if (end == KVMW_NONE)
		bytes = guest == KVMW_NONE ? 0 : guest;
	else
		bytes = end > start ? end - start : 0;
	__sync_fetch_and_add(&sum->bytes, bytes);
	if (guest == KVMW_NONE) {
		__sync_fetch_and_add(&sum->unplaced, 1);
	} else if (guest) {
		__sync_fetch_and_add(&sum->guest_count, 1);
		__sync_fetch_and_add(&sum->guest_bytes, guest);
	}
	/* Last: what is counted is complete. */
	__sync_fetch_and_add(&sum->count, 1);
}

#endif
