/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory slots of a modular KVM 5.10, which has no BTF: the layouts of include/linux/kvm_host.h
 * and arch/x86/include/asm/kvm_host.h of 5.10, x86-64.
 */
#ifndef KVMW_X86_MEMSLOT_5_10_BPF_H
#define KVMW_X86_MEMSLOT_5_10_BPF_H

#include "common.bpf.h"
#include "memslot_types.bpf.h"

/* struct kvm_memory_slot of 5.10 */
struct memslot_5_10 {
	u64 base_gfn, npages;
	u64 dirty_bitmap;
	u64 rmap[3], lpage_info[2], gfn_track[1];
	u64 userspace_addr;
	u32 flags;
	u16 id, as_id;
};

static __always_inline bool arch_memslot_read(struct memslot *to, const void *memslot)
{
	struct memslot_5_10 m;

	if (bpf_probe_read_kernel(&m, sizeof(m), memslot))
		return false;
	to->base_gfn = m.base_gfn;
	to->npages = m.npages;
	to->hva = m.userspace_addr;
	to->dirty_bitmap = m.dirty_bitmap;
	to->flags = m.flags & MEMSLOT_FLAGS;
	to->slot = (u32)m.as_id << 16 | m.id;
	return true;
}

/* struct kvm_memslots of 5.10: the slots are sorted by base_gfn, the highest first. */
#define SLOTS_5_10	512	/* KVM_MEM_SLOTS_NUM of x86 */
struct memslots_5_10 {
	u64 generation;
	s16 id_to_index[SLOTS_5_10];
	u32 lru_slot;
	s32 used_states;
	struct memslot_5_10 memslots[];
};

/* struct kvm of 5.10 begins with mmu_lock, slots_lock, mm, memslots[]. */
static __always_inline u32 at_mm_5_10(void)
{
	return (bpf_core_type_size(struct spinlock) + 7) / 8 * 8 + bpf_core_type_size(struct mutex);
}

static __always_inline struct mm_struct *arch_kvm_mm(const void *kvm)
{
	struct mm_struct *mm = NULL;

	bpf_probe_read_kernel(&mm, sizeof(mm), kvm + at_mm_5_10());
	return mm;
}

/* The address space that a vCPU accesses: the second is that of system-management mode. */
#define HF_SMM_5_10	(1 << 6)

static __always_inline u32 arch_vcpu_space(const struct kvm_vcpu *vcpu)
{
	return bpf_core_field_exists(vcpu->arch.hflags) &&
	       BPF_CORE_READ(vcpu, arch.hflags) & HF_SMM_5_10 ? 1 : 0;
}

/* The slot of a gfn in one of the VM's address spaces. */
static __always_inline u64 arch_memslot_find(const void *kvm, u32 space, u64 gfn)
{
	u32 at = at_mm_5_10() + 8 + 8 * space;
	struct memslots_5_10 *all = NULL;
	struct memslot_5_10 *m;
	u64 found[2];		/* base_gfn, npages */
	s32 used = 0;
	u32 low = 0, high;

	if (bpf_probe_read_kernel(&all, sizeof(all), kvm + at) ||
	    bpf_probe_read_kernel(&used, sizeof(used), &all->used_states) ||
	    used <= 0 || used > SLOTS_5_10)
		return 0;
	/* The first slot that begins at or below gfn. */
	high = used;
	for (int i = 0; i < 10 && low < high; i++) {
		u32 middle = (low + high) / 2;
		u64 base = 0;

		if (bpf_probe_read_kernel(&base, sizeof(base),
					  &all->memslots[middle & 1023].base_gfn))
			return 0;
		if (gfn >= base)
			high = middle;
		else
			low = middle + 1;
	}
	m = &all->memslots[low & 1023];
	if (low >= (u32)used || bpf_probe_read_kernel(found, sizeof(found), m) ||
	    gfn < found[0] || gfn - found[0] >= found[1])
		return 0;
	return (u64)m;
}

#endif
