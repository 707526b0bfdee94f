// SPDX-License-Identifier: GPL-2.0
/*
 * Provider "fault": guest page faults.  A fault is held from kvm_page_fault until
 * kvm_mmu_page_fault() returns; what KVM traces about the page in between is part of it, and what
 * the handler returns that kvm_mmu_page_fault() calls, which the architecture's folder knows.
 */
#include "arch.bpf.h"
#include "fault.bpf.h"
#include "stack.bpf.h"

POINT_PROGRAM(KVMW_EVENT_FAULT, fault, ASYNC_NOT_PRESENT, kvm, kvm_async_pf_not_present)
POINT_PROGRAM(KVMW_EVENT_FAULT, fault, ASYNC_READY, kvm, kvm_async_pf_ready)
POINT_PROGRAM(KVMW_EVENT_FAULT, fault, ASYNC_DONE, kvm, kvm_async_pf_completed)

#define FAULT_SUM	SUM_OF(fault, PAGE_FAULT)
#define FAULT_SIZE	(8 + sizeof(struct kvmw_fault))

SEC("tp/kvm/kvm_page_fault")
int kvm_page_fault(void *ctx)
{
	struct kvmw_ring_row row;
	struct kvmw_held *before;
	struct kvmw_vcpu_state *s;

	/* The thread runs a vCPU, even if none of its entries has been seen. */
	if (!active || !state_of_thread(true))
		return PASS_ON;
	s = point_begin(&row, KVMW_EVENT_FAULT, fault, PAGE_FAULT, kvm_page_fault, ctx);
	if (!s)
		return PASS_ON;
	row.value[VALUE(fault, access)] = arch_fault_access(row.value[VALUE(fault, error_code)]);
	row.value[VALUE(fault, nested)] = arch_fault_nested();
	/* With shadow paging, this is a guest virtual address. */
	if (!config.fault.direct)
		row.value[VALUE(fault, gpa)] = KVMW_NONE;
	if (!config.fault.spans || s->role != KVMW_ROLE_VCPU) {
		point_send(s, &row, fault, PAGE_FAULT);
		return PASS_ON;
	}
	row.value[VALUE(fault, mmio)] = 0;
	before = fault_now(s);
	if (before)
		row_release(s, before, FAULT_SUM, KVMW_NONE);
	if (wants_stack(KVMW_stack_FAULT))
		s->stack[KVMW_STACK_OF_FAULT].from = KVMW_STACK_NONE;
	row_hold(s, &s->held[KVMW_HELD_FAULT], &row, FAULT_SUM, FAULT_SIZE);
	return PASS_ON;
}

static __always_inline void stack_of_fault(void *ctx, struct kvmw_vcpu_state *s,
					   const struct kvmw_held *held, u64 span_ns)
{
	struct kvmw_stack_ids *ids = &s->stack[KVMW_STACK_OF_FAULT];
	struct kvmw_ring_row row;

	if (!row_wanted(KVMW_NONE, row_gpa(&held->row)))
		return;
	stack_take_late(ctx, ids, span_ns, true);
	stack_fill(&row, s, KVMW_stack_FAULT, ids);
	row.e.time_ns = held->row.e.time_ns;
	row.e.span_ns = span_ns;
	if (s->exit_open) {
		row.value[VALUE(stack, reason)] = s->exit.e.reason;
		row.value[VALUE(stack, isa)] = s->exit.e.isa;
	}
	point_send(s, &row, stack, FAULT);
}

static __always_inline void fault_end(void *ctx, int result)
{
	struct kvmw_vcpu_state *s = active ? state_of_thread(false) : NULL;
	struct kvmw_held *held = fault_now(s);
	u64 span_ns;

	if (!held)
		return;
	span_ns = bpf_ktime_get_ns() - held->row.e.time_ns;
	held->row.value[VALUE(fault, result)] = (s64)result;
	if (wants_stack(KVMW_stack_FAULT))
		stack_of_fault(ctx, s, held, span_ns);
	row_release(s, held, FAULT_SUM, span_ns);
}

SEC("kretprobe/kvm_mmu_page_fault")
int BPF_KRETPROBE(fault_end_kretprobe, int result)
{
	fault_end(ctx, result);
	return 0;
}

SEC("fexit/kvm_mmu_page_fault")
int BPF_PROG(fault_end_fexit, void *vcpu, u64 address, u64 error_code, void *insn, int insn_len,
	     int result)
{
	fault_end(ctx, result);
	return 0;
}

/* The fault turned out to be MMIO. */
static __always_inline void fault_is_mmio(void)
{
	struct kvmw_held *held = fault_now(active ? state_of_thread(false) : NULL);

	if (held)
		held->row.value[VALUE(fault, mmio)] = 1;
}

SEC("tp/kvm/kvm_mmio")
int fault_mmio(void *ctx)
{
	fault_is_mmio();
	return PASS_ON;
}

SEC("tp/kvmmmu/mark_mmio_spte")
int fault_mark_mmio(void *ctx)
{
	fault_is_mmio();
	return PASS_ON;
}

SEC("tp/kvmmmu/handle_mmio_page_fault")
int handle_mmio_page_fault(void *ctx)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s = point_begin(&row, KVMW_EVENT_FAULT, fault, MMIO,
					  handle_mmio_page_fault, ctx);
	u64 gfn;

	if (!s)
		return PASS_ON;
	/* The gfn was read as pfn, which MMIO does not have. */
	gfn = row.value[VALUE(fault, pfn)];
	row.value[VALUE(fault, pfn)] = KVMW_NONE;
	row.value[VALUE(fault, gpa)] = gfn << 12 | (row.value[VALUE(fault, gpa)] & 0xfff);
	row.value[VALUE(fault, mmio)] = 1;
	fault_is_mmio();
	point_send(s, &row, fault, MMIO);
	return PASS_ON;
}

SEC("tp/kvmmmu/fast_page_fault")
int fast_page_fault(void *ctx)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s =
		point_begin(&row, KVMW_EVENT_FAULT, fault, FAST, fast_page_fault, ctx);

	if (!s)
		return PASS_ON;
	row.value[VALUE(fault, nested)] = arch_fault_nested();
	/*
	 * c4371c2a682e ("KVM: x86/mmu: Return unique RET_PF_* values if the fault was fixed"), 5.10
	 */
	if (row.value[VALUE(fault, result)] != KVMW_NONE)
		row.value[VALUE(fault, ret_pf)] = fault_ret_pf(row.value[VALUE(fault, result)]);
	if (!config.fault.direct)
		row.value[VALUE(fault, gpa)] = KVMW_NONE;
	point_send(s, &row, fault, FAST);
	return PASS_ON;
}

/* A page was mapped: that of the fault, or one mapped along with it. */
static __always_inline void fault_mapped(struct kvmw_held *held, u64 gfn, u64 pfn, u64 level)
{
	u64 inside, gpa;

	if (level < 1 || level > 3)
		return;
	/* gfn is one of L1, the fault's gpa one of L2. */
	if (held->row.value[VALUE(fault, nested)] == 1)
		return;
	gpa = held->row.value[VALUE(fault, gpa)];
	if (gpa == KVMW_NONE && !config.fault.direct)
		held->row.value[VALUE(fault, gpa)] = gpa = gfn << 12;
	inside = (gpa >> 12) - gfn;
	if (inside >> (9 * (level - 1)))
		return;
	held->row.value[VALUE(fault, level)] = level;
	if (pfn != KVMW_NONE)
		held->row.value[VALUE(fault, pfn)] = pfn + inside;
}

SEC("tp/kvmmmu/kvm_mmu_set_spte")
int kvm_mmu_set_spte(void *ctx)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s = point_begin(&row, KVMW_EVENT_FAULT, fault, SET_SPTE,
					  kvm_mmu_set_spte, ctx);
	struct kvmw_held *held;
	u64 gfn, spte;

	if (!s)
		return PASS_ON;
	gfn = row.value[VALUE(fault, gpa)];
	spte = row.value[VALUE(fault, pfn)];
	row.value[VALUE(fault, gpa)] = gfn << 12;
	row.value[VALUE(fault, pfn)] = arch_spte_present(spte) ?
				       (spte & config.fault.pfn_mask) >> 12 : KVMW_NONE;
	held = fault_now(s);
	/* 5.10 (arch/x86/kvm/mmu/mmu.c) also traces entries that mark MMIO: no page is mapped. */
	if (held && held->row.value[VALUE(fault, mmio)] == 1)
		row.value[VALUE(fault, pfn)] = KVMW_NONE;
	else if (held)
		fault_mapped(held, gfn, row.value[VALUE(fault, pfn)],
			     row.value[VALUE(fault, level)]);
	point_send(s, &row, fault, SET_SPTE);
	return PASS_ON;
}

SEC("tp/kvm/kvm_try_async_get_page")
int kvm_try_async_get_page(void *ctx)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s = point_begin(&row, KVMW_EVENT_FAULT, fault, ASYNC_GET,
					  kvm_try_async_get_page, ctx);

	if (!s)
		return PASS_ON;
	row.value[VALUE(fault, gpa)] <<= 12;
	point_send(s, &row, fault, ASYNC_GET);
	return PASS_ON;
}

char LICENSE[] SEC("license") __weak = "GPL";
