/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel types of x86 for vmlinux.h. */
#ifndef KVMW_X86_VMLINUX_H
#define KVMW_X86_VMLINUX_H

/* arch/x86/include/asm/kvm_host.h */
struct kvm_mmu {
	int any;
};
struct kvm_lapic {
	bool apicv_active;
} __attribute__((preserve_access_index));
struct kvm_cpuid_entry2;
struct kvm_vcpu_arch {
	unsigned long regs[17];
	unsigned long rip;
	u32 hflags;
	struct kvm_mmu *mmu;
	struct kvm_mmu guest_mmu;
	u64 apic_base;
	struct kvm_lapic *apic;
	bool apicv_active;
	u64 l1_tsc_offset;
	u64 l1_tsc_scaling_ratio;
	u32 virtual_tsc_khz;
	int cpuid_nent;
	struct kvm_cpuid_entry2 *cpuid_entries;
} __attribute__((preserve_access_index));
enum kvm_irqchip_mode {
	KVM_IRQCHIP_NONE,
};
struct kvm_pit;
struct kvm_arch {
	unsigned long apicv_inhibit_reasons;
	enum kvm_irqchip_mode irqchip_mode;
	struct kvm_pit *vpit;
	bool disable_nx_huge_pages;
} __attribute__((preserve_access_index));

/* arch/x86/include/uapi/asm/kvm.h: ABI, so its offsets are fixed */
struct kvm_cpuid_entry2 {
	u32 function, index, flags, eax, ebx, ecx, edx, padding[3];
};

/* arch/x86/include/asm/ptrace.h: ABI, so its offsets are fixed */
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax, ip, cs, flags, sp, ss;
};

#endif
