// SPDX-License-Identifier: GPL-2.0
/*
 * Provider "fault": what the handlers of page faults return.  kvm_mmu_page_fault() calls
 * kvm_tdp_page_fault() with EPT or NPT; the others with shadow paging, and for nested guests
 * (arch/x86/kvm/mmu/mmu.c, paging_tmpl.h).  handle_mmio_page_fault(), which compilers inline, is
 * known by its consequence, the emulation.
 */
#include "fault.bpf.h"

/*
 * c501040abc42 ("KVM: MMU: change mmu->page_fault() arguments to kvm_page_fault"), 5.16: before,
 * they have four arguments.
 */
static __always_inline s32 handler_result(const u64 *ctx)
{
	s32 result;

	if (!bpf_core_type_exists(struct kvm_page_fault))
		return ctx[4];
	result = ctx[2];
	/* Else the compiler joins the two, and reads at an offset that the verifier refuses. */
	barrier_var(result);
	return result;
}

#define FAULT_HANDLER(function)						\
SEC("kretprobe/" #function)						\
int BPF_KRETPROBE(function##_kretprobe, int result)			\
{									\
	fault_handled(result);						\
	return 0;							\
}									\
									\
SEC("fexit/" #function)							\
int function##_fexit(u64 *ctx)						\
{									\
	fault_handled(handler_result(ctx));				\
	return 0;							\
}

FAULT_HANDLER(kvm_tdp_page_fault)
FAULT_HANDLER(paging64_page_fault)
FAULT_HANDLER(paging32_page_fault)
FAULT_HANDLER(nonpaging_page_fault)
FAULT_HANDLER(ept_page_fault)

SEC("kprobe/x86_emulate_instruction")
int fault_emulated_kprobe(void *ctx)
{
	fault_emulated();
	return 0;
}

SEC("fentry/x86_emulate_instruction")
int fault_emulated_fentry(void *ctx)
{
	fault_emulated();
	return 0;
}

char LICENSE[] SEC("license") __weak = "GPL";
