// SPDX-License-Identifier: GPL-2.0
/*
 * Provider "exit": what an exit was about where the exit itself does not tell it, but KVM
 * does while it handles it.
 */
#include "cycle.bpf.h"
#include "x86/detail.bpf.h"

/* The record of the cycle in which this thread is. */
static __always_inline struct kvmw_exit *cycle_now(void)
{
	struct kvmw_vcpu_state *s = active ? state_of_thread(false) : NULL;

	return s && s->exit_open ? &s->exit.e : NULL;
}

/* A page fault may turn out to be MMIO; of several accesses the first one counts. */
static __always_inline void mmio(u32 kind, u64 gpa, u32 size)
{
	struct kvmw_exit *e = cycle_now();

	if (e && (e->detail_kind == KVMW_DETAIL_NONE ||
		  (e->detail_kind >= KVMW_DETAIL_FAULT_READ &&
		   e->detail_kind <= KVMW_DETAIL_FAULT_EXEC)))
		detail_set(e, kind, gpa, size);
}

/* KVM_TRACE_MMIO_WRITE of the kernel; 0 and 1 are reads */
#define MMIO_WRITE 2

SEC("tp_btf/kvm_mmio")
int BPF_PROG(mmio_btf, int type, int len, u64 gpa)
{
	mmio(type == MMIO_WRITE ? KVMW_DETAIL_MMIO_WRITE : KVMW_DETAIL_MMIO_READ, gpa, len);
	return 0;
}

/* The layouts of these are those of all kernels from 5.10 to 7.2; the recorder looks. */
struct mmio_args {
	u64 common;
	u32 type, len;
	u64 gpa;
};

SEC("tp/kvm/kvm_mmio")
int mmio_tp(struct mmio_args *ctx)
{
	mmio(ctx->type == MMIO_WRITE ? KVMW_DETAIL_MMIO_WRITE : KVMW_DETAIL_MMIO_READ, ctx->gpa,
	     ctx->len);
	return PASS_ON;
}

struct fast_mmio_args {
	u64 common, gpa;
};

SEC("tp/kvm/kvm_fast_mmio")
int fast_mmio(struct fast_mmio_args *ctx)
{
	mmio(KVMW_DETAIL_FAST_MMIO, ctx->gpa, 0);
	return PASS_ON;
}

/* What a kind lacks until now. */
static __always_inline void fill(u32 kind, u64 value)
{
	struct kvmw_exit *e = cycle_now();

	if (e && e->detail_kind == kind && e->detail == KVMW_NONE)
		e->detail = value;
}

/* VMX: the guest physical address of an EPT violation is in none of kvm_exit's fields. */
SEC("tp/kvm/kvm_page_fault")
int detail_fault(void *ctx)
{
	struct kvmw_exit *e = cycle_now();
	u64 gpa;

	if (!e || e->isa != KVMW_ISA_VMX || e->detail_kind < KVMW_DETAIL_FAULT_READ ||
	    e->detail_kind > KVMW_DETAIL_FAULT_EXEC || e->detail != KVMW_NONE)
		return PASS_ON;
	if (!bpf_probe_read_kernel(&gpa, sizeof(gpa), ctx + config.fault_address))
		e->detail = gpa;
	return PASS_ON;
}

/* Where the guest's registers are out of reach, for want of BTF of kvm.ko. */
struct cpuid_args {
	u64 common;
	u32 function;
};

SEC("tp/kvm/kvm_cpuid")
int detail_cpuid(struct cpuid_args *ctx)
{
	fill(KVMW_DETAIL_CPUID, ctx->function);
	return PASS_ON;
}

struct msr_args {
	u64 common;
	u32 write, ecx;
};

SEC("tp/kvm/kvm_msr")
int detail_msr(struct msr_args *ctx)
{
	fill(ctx->write ? KVMW_DETAIL_MSR_WRITE : KVMW_DETAIL_MSR_READ, ctx->ecx);
	return PASS_ON;
}

struct hypercall_args {
	u64 common, nr;
};

SEC("tp/kvm/kvm_hypercall")
int detail_hypercall(struct hypercall_args *ctx)
{
	fill(KVMW_DETAIL_HYPERCALL, ctx->nr);
	return PASS_ON;
}

char LICENSE[] SEC("license") __weak = "GPL";
