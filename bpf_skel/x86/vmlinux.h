/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel types of x86 for vmlinux.h. */
#ifndef KVMW_X86_VMLINUX_H
#define KVMW_X86_VMLINUX_H

/* arch/x86/include/asm/kvm_host.h */
struct kvm_mmu {
	int any;
};
struct kvm_vcpu_arch {
	unsigned long regs[17];
	unsigned long rip;
	u32 hflags;
	struct kvm_mmu *mmu;
	struct kvm_mmu guest_mmu;
} __attribute__((preserve_access_index));

/* arch/x86/include/asm/ptrace.h: ABI, so its offsets are fixed */
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax, ip, cs, flags, sp, ss;
};

#endif
