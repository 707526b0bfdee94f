// SPDX-License-Identifier: GPL-2.0
/*
 * Provider "dirty": pages made dirty, dirty rings, page-modification logs.
 *
 * Whatever puts a page into a dirty bitmap or ring calls mark_page_dirty_in_slot().  Where it
 * does not get the VM (compat_mark_has_kvm()) it is so small that the compiler may have put
 * copies of it into mark_page_dirty() and kvm_vcpu_mark_page_dirty(): these are probed too.
 */
#include "memslot.bpf.h"

/* used is where the ring has been reset to; used and index keep growing beyond the ring's size. */
#define RING_PROGRAM(KIND, tracepoint)					\
SEC("tp/kvm/" #tracepoint)						\
int tracepoint(void *ctx)						\
{									\
	struct kvmw_ring_row row;					\
	struct kvmw_vcpu_state *s = point_begin(&row, KVMW_EVENT_DIRTY, dirty, KIND,	\
						tracepoint, ctx);		\
	u64 *used = &row.value[VALUE(dirty, used)];			\
									\
	if (!s)								\
		return PASS_ON;						\
	if (*used != KVMW_NONE)						\
		*used = (u32)(row.value[VALUE(dirty, index)] - *used);	\
	point_send(s, &row, dirty, KIND);				\
	return PASS_ON;							\
}

RING_PROGRAM(RING_PUSH, kvm_dirty_ring_push)
RING_PROGRAM(RING_RESET, kvm_dirty_ring_reset)
POINT_PROGRAM(KVMW_EVENT_DIRTY, dirty, RING_EXIT, kvm, kvm_dirty_ring_exit)
POINT_PROGRAM(KVMW_EVENT_DIRTY, dirty, PML_FULL, kvm, kvm_pml_full)

/* A function of its own, because each has a stack of only 512 bytes. */
static __noinline int send_page(struct kvmw_vcpu_state *s, const struct memslot *m, u64 gfn)
{
	struct kvmw_ring_row row;

	if (!s || !m)
		return 0;
	row_begin(&row, s, KVMW_EVENT_DIRTY, KVMW_dirty_PAGE, NR_VALUES(dirty));
	row.value[VALUE(dirty, gfn)] = gfn;
	row.value[VALUE(dirty, slot)] = m->slot;
	row.value[VALUE(dirty, logging)] = m->dirty_bitmap || m->flags & KVM_MEM_LOG_DIRTY_PAGES;
	point_send(s, &row, dirty, PAGE);
	return 0;
}

/* memslot NULL: gfn is not memory, and nothing was marked. */
static __always_inline void page(const void *kvm, const void *memslot, u64 gfn)
{
	struct memslot m;
	struct kvmw_vcpu_state *s = state_of_vm((u64)kvm);

	if (!s || !memslot_read(&m, memslot))
		return;
	memslot_seen(s, &m);
	if (wants(KVMW_EVENT_DIRTY))
		send_page(s, &m, gfn);
}

/*
 * What mark_page_dirty() or kvm_vcpu_mark_page_dirty() is about to mark, by thread.  If it calls
 * mark_page_dirty_in_slot() that takes the entry; if it has a copy, the page is sent when it
 * returns.
 */
struct outer {
	u64 kvm, memslot, gfn;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, struct outer);
} outer_calls SEC(".maps");

/* (kvm, memslot, gfn), or the older (memslot, gfn).  No gfn looks like a pointer. */
SEC("kprobe/mark_page_dirty_in_slot")
int BPF_KPROBE(dirty_page, void *a, u64 b, u64 gfn)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct outer *outer;
	void *kvm;

	if (!active)
		return 0;
	if (compat_mark_has_kvm() || (s64)b < 0) {
		page(a, (void *)b, gfn);
		return 0;
	}
	outer = bpf_map_lookup_elem(&outer_calls, &tid);
	kvm = outer ? (void *)outer->kvm : NULL;
	bpf_map_delete_elem(&outer_calls, &tid);
	page(kvm, a, b);
	return 0;
}

SEC("fentry/mark_page_dirty_in_slot")
int BPF_PROG(dirty_page_fentry, void *kvm, void *memslot, u64 gfn)
{
	if (active)
		page(kvm, memslot, gfn);
	return 0;
}

static __always_inline int outer_begin(const void *kvm, u32 space, u64 gfn)
{
	struct outer outer = { .kvm = (u64)kvm, .gfn = gfn };
	u32 tid = bpf_get_current_pid_tgid();

	if (!active || !state_of_current())
		return 0;
	outer.memslot = arch_memslot_find(kvm, space, gfn);
	if (outer.memslot)
		bpf_map_update_elem(&outer_calls, &tid, &outer, BPF_ANY);
	return 0;
}

static __always_inline int outer_end(void)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct outer *outer = bpf_map_lookup_elem(&outer_calls, &tid), copy;

	if (!outer)
		return 0;
	copy = *outer;
	bpf_map_delete_elem(&outer_calls, &tid);
	if (active)
		page((void *)copy.kvm, (void *)copy.memslot, copy.gfn);
	return 0;
}

SEC("kprobe/kvm_vcpu_mark_page_dirty")
int BPF_KPROBE(dirty_vcpu, void **vcpu, u64 gfn)
{
	void *kvm = NULL;

	/* Its first member. */
	bpf_probe_read_kernel(&kvm, sizeof(kvm), vcpu);
	return outer_begin(kvm, arch_vcpu_space((void *)vcpu), gfn);
}

SEC("kretprobe/kvm_vcpu_mark_page_dirty")
int dirty_vcpu_done(void *ctx)
{
	return outer_end();
}

SEC("kprobe/mark_page_dirty")
int BPF_KPROBE(dirty_vm, void *kvm, u64 gfn)
{
	return outer_begin(kvm, 0, gfn);
}

SEC("kretprobe/mark_page_dirty")
int dirty_vm_done(void *ctx)
{
	return outer_end();
}

char LICENSE[] SEC("license") __weak = "GPL";
