// SPDX-License-Identifier: GPL-2.0
/*
 * The memory slots of the host's VMs, in their first address space, read when the recorder asks for
 * them.  And which VM a process of -p has, before an exit of it was seen.
 */
#include "identity.bpf.h"
#include "memslot.bpf.h"

#define HASH_BUCKETS	128	/* of id_hash */
#define SLOTS_IN_BUCKET	6	/* any more are dropped */
#define SLOTS_IN_ARRAY	400	/* likewise: more do not fit into the iterator's buffer */

static __always_inline void slot_send(struct seq_file *seq, u32 tgid, const void *kvm,
				      const void *memslot)
{
	struct kvmw_vm_slot row = { .kvm = (u64)kvm, .tgid = tgid };
	struct memslot m;

	if (!memslot_read(&m, memslot) || !m.npages)
		return;
	row.base_gfn = m.base_gfn;
	row.npages = m.npages;
	row.hva = m.hva;
	row.slot = m.slot;
	row.flags = m.flags;
	row.logging = m.dirty_bitmap || m.flags & KVM_MEM_LOG_DIRTY_PAGES;
	bpf_seq_write(seq, &row, sizeof(row));
}

struct slots_walk {
	struct seq_file *seq;
	const struct kvm_memslots *all;
	struct kvm *kvm;
	u32 tgid, at;		/* where a slot has the node */
};

/* One bucket of the hash. */
static long slots_of_bucket(u32 i, struct slots_walk *walk)
{
	const struct kvm_memslots *all = walk->all;
	void *node = NULL;

	bpf_probe_read_kernel(&node, sizeof(node), &all->id_hash[i & (HASH_BUCKETS - 1)]);
	for (int k = 0; k < SLOTS_IN_BUCKET && node; k++) {
		slot_send(walk->seq, walk->tgid, walk->kvm, node - walk->at);
		/* Its first member is the next one. */
		if (bpf_probe_read_kernel(&node, sizeof(node), node))
			break;
	}
	return 0;
}

/* Trees and hashes are in two sets of each VM, whose slots are linked by one of two nodes each. */
static __always_inline void slots_of_hash(struct seq_file *seq, u32 tgid, struct kvm *kvm)
{
	const struct kvm_memslots *all = memslots_of(kvm);
	struct slots_walk walk = { .seq = seq, .all = all, .kvm = kvm, .tgid = tgid };

	walk.at = bpf_core_field_offset(((struct kvm_memory_slot *)0)->id_node) +
		  16 * (BPF_CORE_READ(all, node_idx) & 1);
	bpf_loop(HASH_BUCKETS, slots_of_bucket, &walk, 0);
}

static __always_inline void slots_of_array(struct seq_file *seq, u32 tgid, struct kvm *kvm)
{
	const void *all = memslots_of(kvm);
	u32 nr = memslots_nr(all);

	for (u32 i = 0; i < SLOTS_IN_ARRAY && i < nr; i++)
		slot_send(seq, tgid, kvm, memslots_at(all, i));
}

/* The VM that a file is; NULL: it is none. */
static __always_inline struct kvm *vm_of_file(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct kvm *kvm;
	u32 tgid;

	if (!task)
		vms_listed = 1;		/* the end */
	if (!task || !file || fd_kind(file) != FD_VM)
		return NULL;
	kvm = BPF_CORE_READ(file, private_data);
	tgid = task->tgid;
	if (!active && bpf_map_lookup_elem(&vms, &tgid))
		process_runs(tgid, BPF_CORE_READ(task, group_leader, start_time), (u64)kvm);
	return kvm;
}

/* bpf_loop() is of the same release as the trees; a kernel that lacks it refuses the program. */
SEC("iter/task_file")
int vm_slots(struct bpf_iter__task_file *ctx)
{
	struct kvm *kvm = vm_of_file(ctx);
	struct task_struct *task = ctx->task;

	if (kvm && task && memslots_in_tree())
		slots_of_hash(ctx->meta->seq, task->tgid, kvm);
	return 0;
}

SEC("iter/task_file")
int vm_slots_array(struct bpf_iter__task_file *ctx)
{
	struct kvm *kvm = vm_of_file(ctx);
	struct task_struct *task = ctx->task;

	if (kvm && task && memslots_in_array())
		slots_of_array(ctx->meta->seq, task->tgid, kvm);
	return 0;
}

char LICENSE[] SEC("license") __weak = "GPL";
