/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's memory slots, and the rows of event "memslot" for slots that existed before the
 * recording.
 */
#ifndef KVMW_MEMSLOT_BPF_H
#define KVMW_MEMSLOT_BPF_H

#include "arch.bpf.h"
#include "compat.bpf.h"
#include "point.bpf.h"

#define KVM_MEM_LOG_DIRTY_PAGES 1	/* include/uapi/linux/kvm.h */

static __always_inline bool memslot_read(struct memslot *to, const void *memslot)
{
	const struct kvm_memory_slot *m = memslot;

	if (!memslot)
		return false;
	if (!bpf_core_type_exists(struct kvm_memory_slot))
		return arch_memslot_read(to, memslot);
	to->base_gfn = BPF_CORE_READ(m, base_gfn);
	to->npages = BPF_CORE_READ(m, npages);
	to->hva = BPF_CORE_READ(m, userspace_addr);
	to->dirty_bitmap = (u64)BPF_CORE_READ(m, dirty_bitmap);
	to->flags = BPF_CORE_READ(m, flags) & MEMSLOT_FLAGS;
	to->slot = (u32)BPF_CORE_READ(m, as_id) << 16 | (u16)BPF_CORE_READ(m, id);
	return true;
}

/*
 * a54d806688fe ("KVM: Keep memslots in tree-based structures instead of array-based ones"), 5.17:
 * before, struct kvm_memslots ends with all slots.
 */
struct kvm_memslots___array {
	int used_slots;
	struct kvm_memory_slot memslots[];
} __attribute__((preserve_access_index));

/* Whether they are in trees, in an array, or unknown: KVM has no BTF. */
static __always_inline bool memslots_in_tree(void)
{
	return bpf_core_field_exists(((struct kvm_memslots *)0)->hva_tree);
}

static __always_inline bool memslots_in_array(void)
{
	return bpf_core_field_exists(((struct kvm_memslots___array *)0)->used_slots);
}

/* Those of the first address space. */
static __always_inline const void *memslots_of(const struct kvm *kvm)
{
	return BPF_CORE_READ(kvm, memslots[0]);
}

/* Of memslots_of(), in an array: how many, and each of them. */
static __always_inline u32 memslots_nr(const void *all)
{
	return BPF_CORE_READ((const struct kvm_memslots___array *)all, used_slots);
}

static __always_inline const void *memslots_at(const void *all, u32 i)
{
	const struct kvm_memslots___array *array = NULL;

	return all + bpf_core_field_offset(array->memslots) +
	       i * bpf_core_type_size(struct kvm_memory_slot);
}

/* Slots with a row in the recording. */
struct known_key {
	u64 process_ns;		/* when it started */
	u32 tgid, vm, slot, pad;
};

struct known_state {
	u64 base_gfn, npages, hva;
	u64 flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct known_key);
	__type(value, struct known_state);
} known_states __weak SEC(".maps");

/* Whether this is new or changed; remembers it. */
static __always_inline bool memslot_note(const struct kvmw_vcpu_state *s, const struct memslot *m)
{
	struct known_key key = {
		.process_ns = s->start_ns,
		.tgid = s->tgid,
		.vm = s->vm,
		.slot = m->slot,
	};
	struct known_state now = {
		.base_gfn = m->base_gfn, .npages = m->npages, .hva = m->hva, .flags = m->flags,
	};
	struct known_state *known = bpf_map_lookup_elem(&known_states, &key);

	if (known && known->base_gfn == now.base_gfn && known->npages == now.npages &&
	    known->hva == now.hva && known->flags == now.flags)
		return false;
	bpf_map_update_elem(&known_states, &key, &now, BPF_ANY);
	return true;
}

/* Sends a row for a slot that is new or changed. */
static __always_inline void memslot_seen(struct kvmw_vcpu_state *s, const struct memslot *m)
{
	struct kvmw_ring_row row;

	if (!memslot_note(s, m))
		return;
	row_begin(&row, s, KVMW_EVENT_MEMSLOT, KVMW_memslot_SEEN, NR_VALUES(memslot));
	row.value[VALUE(memslot, slot)] = m->slot;
	row.value[VALUE(memslot, flags)] = m->flags;
	row.value[VALUE(memslot, gpa)] = m->base_gfn << 12;
	row.value[VALUE(memslot, size)] = m->npages << 12;
	row.value[VALUE(memslot, hva)] = m->hva;
	/* No other row describes the slot, so --cpu-limit does not apply. */
	row_count(&s->kinds[SUM_OF(memslot, SEEN)], KVMW_NONE);
	row_put(s, &row, SUM_OF(memslot, SEEN), 8 + sizeof(struct kvmw_memslot));
}

#endif
