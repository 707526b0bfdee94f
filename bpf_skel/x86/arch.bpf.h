/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between kernels that are x86's own (see compat.bpf.h), without code here:
 *
 * 89e54ec59232 ("KVM: x86: Update trace function for nested VM entry to support VMX"), 6.0:
 *	before, kvm_nested_vmenter is kvm_nested_vmrun, and only SVM has it.
 */
#ifndef KVMW_X86_ARCH_BPF_H
#define KVMW_X86_ARCH_BPF_H

#include "common.bpf.h"
#include "x86/detail.bpf.h"
#include "x86/config.bpf.h"
#include "x86/memslot_5_10.bpf.h"

#define ACCESS_READ	1
#define ACCESS_WRITE	2
#define ACCESS_EXEC	4

/* Bits of a page fault's error code: Intel SDM volume 3, 4.7; AMD APM volume 2, 15.25.6. */
#define PFERR_WRITE	(1 << 1)
#define PFERR_FETCH	(1 << 4)

/* VMX with EPT traces the exit qualification: its lowest bits are in our order. */
static __always_inline u64 arch_fault_access(u64 error_code)
{
	if (config.arch.qualification)
		return error_code & (ACCESS_READ | ACCESS_WRITE | ACCESS_EXEC);
	return error_code & PFERR_FETCH ? ACCESS_EXEC :
	       error_code & PFERR_WRITE ? ACCESS_WRITE : ACCESS_READ;
}

/*
 * While L2 runs on page tables of its own that L1 made for it, KVM uses guest_mmu
 * (nested_ept_init_mmu_context(), arch/x86/kvm/vmx/nested.c; nested_svm_init_mmu_context(),
 * svm/nested.c).  Without these L2's addresses are L1's.
 */
static __always_inline u64 arch_fault_nested(void)
{
	struct kvm_vcpu *vcpu = (void *)loaded_vcpu();

	if (!vcpu || !bpf_core_field_exists(vcpu->arch.guest_mmu))
		return KVMW_NONE;
	return (u64)BPF_CORE_READ(vcpu, arch.mmu) ==
	       (u64)vcpu + bpf_core_field_offset(vcpu->arch.guest_mmu);
}

/* With EPT a page is present that can be read, written or executed; else bit 0 says so. */
#define SPTE_PRESENT	7

static __always_inline bool arch_spte_present(u64 spte)
{
	return spte & SPTE_PRESENT;
}

/* The guest's RAX. */
static __always_inline u64 arch_hypercall_result(void)
{
	struct kvm_vcpu *vcpu = (void *)loaded_vcpu();

	if (!vcpu || !bpf_core_field_exists(vcpu->arch.regs))
		return KVMW_NONE;
	return BPF_CORE_READ(vcpu, arch.regs[GUEST_RAX]);
}

/* Read at addresses that the recorder found; false: unknown on this kernel. */
static __always_inline bool arch_preempt_count(u32 *count)
{
	u32 cpu = bpf_get_smp_processor_id();
	u64 base;

	return config.arch.preempt_count &&
	       !bpf_probe_read_kernel(&base, sizeof(base),
				      (void *)(config.arch.per_cpu_offset + 8ULL * cpu)) &&
	       !bpf_probe_read_kernel(count, sizeof(*count),
				      (void *)(base + config.arch.preempt_count));
}

#endif
