/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Details of an exit, from the information that the CPU provides with it.
 *
 * SVM: AMD64 Architecture Programmer's Manual, volume 2: 15.8 (control registers), 15.10.2
 * (IOIO), 15.11 (MSR), 15.25.6 (nested page faults), appendix C (exit codes).
 * VMX: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 3: 28.2.1, tables
 * "Exit Qualification for Control-Register Accesses", "... for I/O Instructions", "... for
 * EPT Violations"; 25.9.2 (VM-exit interruption information); appendix C (exit reasons).
 */
#ifndef KVMW_X86_DETAIL_BPF_H
#define KVMW_X86_DETAIL_BPF_H

#include "exit_detail.bpf.h"

#define SVM_READ_CR0	0x000
#define SVM_WRITE_CR0	0x010
#define SVM_CR_END	0x020
#define SVM_EXCP_BASE	0x040
#define SVM_INTR	0x060
#define SVM_CR0_SEL	0x065
#define SVM_CPUID	0x072
#define SVM_IOIO	0x07b
#define SVM_MSR		0x07c
#define SVM_VMMCALL	0x081
#define SVM_NPF		0x400

#define VMX_EXCEPTION_NMI	0
#define VMX_EXTERNAL_INTERRUPT	1
#define VMX_CPUID		10
#define VMX_VMCALL		18
#define VMX_CR_ACCESS		28
#define VMX_IO_INSTRUCTION	30
#define VMX_MSR_READ		31
#define VMX_MSR_WRITE		32
#define VMX_EPT_VIOLATION	48

#define PF_WRITE	(1U << 1)	/* page-fault error code */
#define PF_FETCH	(1U << 4)
#define EPT_WRITE	(1U << 1)	/* exit qualification */
#define EPT_FETCH	(1U << 2)
#define INTR_VALID	(1U << 31)

#define GUEST_RAX	0		/* enum kvm_reg of the kernel: as in ModRM */
#define GUEST_RCX	1
#define GUEST_RDX	2
#define GUEST_RIP	16		/* until it got a member of its own */

/*
 * A register of the guest; unknown where kvm.ko has no BTF: the tracepoints of detail.bpf.c fill
 * it in. typed: the verifier knows the type of vcpu, so no helper is needed to read it. By offset,
 * because a load by name is refused where the array has another size, as in 7.x.
 */
static __always_inline u64 typed_reg(const struct kvm_vcpu *vcpu, u32 reg)
{
	u64 regs = bpf_core_field_offset(vcpu->arch.regs);

	barrier_var(regs);
	return *(const unsigned long *)((const void *)vcpu + regs + reg * sizeof(unsigned long));
}

static __always_inline u64 guest_reg(const struct kvm_vcpu *vcpu, const bool typed, u32 reg)
{
	unsigned long value;

	if (!bpf_core_field_exists(vcpu->arch.regs))
		return KVMW_NONE;
	if (typed)
		return typed_reg(vcpu, reg);
	if (!vcpu || bpf_core_read(&value, sizeof(value), &vcpu->arch.regs[reg]))
		return KVMW_NONE;
	return value;
}

static __always_inline u64 guest_reg32(const struct kvm_vcpu *vcpu, const bool typed, u32 reg)
{
	u64 value = guest_reg(vcpu, typed, reg);

	return value == KVMW_NONE ? value : (u32)value;
}

/* RDX:RAX is what WRMSR writes. */
static __always_inline void detail_msr_access(struct kvmw_exit *e, const struct kvm_vcpu *vcpu,
				       const bool typed, bool write)
{
	detail_set(e, write ? KVMW_DETAIL_MSR_WRITE : KVMW_DETAIL_MSR_READ,
		   guest_reg32(vcpu, typed, GUEST_RCX), 0);
	if (write && e->detail != KVMW_NONE)
		e->written = guest_reg(vcpu, typed, GUEST_RDX) << 32 |
			     (u32)guest_reg(vcpu, typed, GUEST_RAX);
}

static __always_inline void detail_svm(struct kvmw_exit *e, const struct kvm_vcpu *vcpu,
				       const bool typed)
{
	u32 info1 = e->info1;

	switch (e->reason) {
	case SVM_IOIO:
		detail_set(e, info1 & 1 ? KVMW_DETAIL_PIO_IN : KVMW_DETAIL_PIO_OUT, info1 >> 16,
			   info1 >> 4 & 7);
		break;
	case SVM_NPF:
		detail_set(e, info1 & PF_FETCH ? KVMW_DETAIL_FAULT_EXEC :
			   info1 & PF_WRITE ? KVMW_DETAIL_FAULT_WRITE : KVMW_DETAIL_FAULT_READ,
			   e->info2, 0);
		break;
	case SVM_CPUID:
		detail_set(e, KVMW_DETAIL_CPUID, guest_reg32(vcpu, typed, GUEST_RAX), 0);
		break;
	case SVM_MSR:
		detail_msr_access(e, vcpu, typed, info1 & 1);
		break;
	case SVM_VMMCALL:
		detail_set(e, KVMW_DETAIL_HYPERCALL, guest_reg(vcpu, typed, GUEST_RAX), 0);
		break;
	case SVM_CR0_SEL:
		detail_set(e, KVMW_DETAIL_CR_WRITE, 0, 0);
		break;
	default:
		if (e->reason < SVM_CR_END)
			detail_set(e, e->reason < SVM_WRITE_CR0 ? KVMW_DETAIL_CR_READ :
				   KVMW_DETAIL_CR_WRITE, e->reason & 15, 0);
		else if (e->reason >= SVM_EXCP_BASE && e->reason < SVM_INTR)
			detail_set(e, KVMW_DETAIL_EXCEPTION, e->reason - SVM_EXCP_BASE, 0);
		else
			detail_set(e, KVMW_DETAIL_NONE, KVMW_NONE, 0);
	}
}

static __always_inline void detail_vmx(struct kvmw_exit *e, const struct kvm_vcpu *vcpu,
				       const bool typed)
{
	u32 qual = e->info1;

	switch (e->reason) {
	case VMX_IO_INSTRUCTION:
		detail_set(e, qual & 8 ? KVMW_DETAIL_PIO_IN : KVMW_DETAIL_PIO_OUT, qual >> 16,
			   (qual & 7) + 1);
		break;
	case VMX_EPT_VIOLATION:
		/* Its address comes with kvm_page_fault. */
		detail_set(e, qual & EPT_FETCH ? KVMW_DETAIL_FAULT_EXEC :
			   qual & EPT_WRITE ? KVMW_DETAIL_FAULT_WRITE : KVMW_DETAIL_FAULT_READ,
			   KVMW_NONE, 0);
		break;
	case VMX_CPUID:
		detail_set(e, KVMW_DETAIL_CPUID, guest_reg32(vcpu, typed, GUEST_RAX), 0);
		break;
	case VMX_MSR_READ:
	case VMX_MSR_WRITE:
		detail_msr_access(e, vcpu, typed, e->reason == VMX_MSR_WRITE);
		break;
	case VMX_VMCALL:
		detail_set(e, KVMW_DETAIL_HYPERCALL, guest_reg(vcpu, typed, GUEST_RAX), 0);
		break;
	case VMX_CR_ACCESS:
		/* 0 MOV to CR, 1 MOV from CR; 2 CLTS and 3 LMSW write CR0. */
		detail_set(e, (qual >> 4 & 3) == 1 ? KVMW_DETAIL_CR_READ : KVMW_DETAIL_CR_WRITE,
			   qual >> 4 & 2 ? 0 : qual & 15, 0);
		break;
	case VMX_EXTERNAL_INTERRUPT:
	case VMX_EXCEPTION_NMI:
		if (e->intr_info & INTR_VALID) {
			detail_set(e, e->reason == VMX_EXTERNAL_INTERRUPT ? KVMW_DETAIL_INTERRUPT :
				   KVMW_DETAIL_EXCEPTION, e->intr_info & 0xff, 0);
			break;
		}
		/* fallthrough */
	default:
		detail_set(e, KVMW_DETAIL_NONE, KVMW_NONE, 0);
	}
}

static __always_inline void arch_exit_detail(struct kvmw_exit *e, const struct kvm_vcpu *vcpu,
					     const bool typed)
{
	if (e->isa == KVMW_ISA_SVM)
		detail_svm(e, vcpu, typed);
	else
		detail_vmx(e, vcpu, typed);
}

#endif
