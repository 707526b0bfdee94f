// SPDX-License-Identifier: GPL-2.0
/* Provider "exit": details of an exit from x86's tracepoints while KVM handles it. */
#include "exit_detail.bpf.h"

/* The same layouts on all kernels from 5.10 to 7.2; the recorder checks them. */
struct fast_mmio_args {
	u64 common, gpa;
};

SEC("tp/kvm/kvm_fast_mmio")
int fast_mmio(struct fast_mmio_args *ctx)
{
	mmio(KVMW_DETAIL_FAST_MMIO, ctx->gpa, 0);
	return PASS_ON;
}

/* VMX: kvm_exit lacks the guest physical address of an EPT violation. */
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

/*
 * KVM traces this for each exit of a nested guest before it decides who handles it
 * (nested_vmx_reflect_vmexit(), arch/x86/kvm/vmx/nested.c; svm_handle_exit(), svm/svm.c), and
 * none of these takes a fast path.
 */
SEC("tp/kvm/kvm_nested_vmexit")
int detail_nested(void *ctx)
{
	struct kvmw_exit *e = cycle_now();

	if (e)
		e->nested = 1;
	return PASS_ON;
}

/*
 * Hyper-V's hypercalls have their number elsewhere than KVM's, and only KVM knows which
 * ones the guest uses (kvm_hv_hypercall(), arch/x86/kvm/hyperv.c).
 */
struct hv_hypercall_args {
	u64 common;
	u16 rep_cnt, rep_idx;
	u64 ingpa, outgpa;
	u16 code;
};

SEC("tp/kvm/kvm_hv_hypercall")
int detail_hv_hypercall(struct hv_hypercall_args *ctx)
{
	struct kvmw_exit *e = cycle_now();

	if (e && e->detail_kind == KVMW_DETAIL_HYPERCALL)
		detail_set(e, KVMW_DETAIL_HV_HYPERCALL, ctx->code, 0);
	return PASS_ON;
}

/* The following are for kernels where kvm.ko has no BTF, so guest registers cannot be read. */
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
	u64 data;
};

SEC("tp/kvm/kvm_msr")
int detail_msr(struct msr_args *ctx)
{
	u32 kind = ctx->write ? KVMW_DETAIL_MSR_WRITE : KVMW_DETAIL_MSR_READ;
	struct kvmw_exit *e = cycle_now();

	if (!e || e->detail_kind != kind || e->detail != KVMW_NONE)
		return PASS_ON;
	e->detail = ctx->ecx;
	if (ctx->write)
		e->written = ctx->data;
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
