/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMW_X86_ARCH_H
#define KVMW_X86_ARCH_H

#include "bpf_skel/x86/exit_fields.h"

/* How the kernel names the function of a system call (arch/x86/include/asm/syscall_wrapper.h). */
#define ARCH_SYSCALL	"__x64_sys_"

/* The high-resolution timer behind a guest's timer: its function, arch/x86/kvm/lapic.c. */
#define ARCH_TIMER_FN	"apic_timer_fn"

/* Members of struct kvmw_config. */
struct kvmw_arch_config {
	u8 qualification;	/* error_code of kvm_page_fault is a VMX exit qualification */
	u64 per_cpu_offset;	/* kernel addresses; 0: not needed, or not known */
	u64 preempt_count;
};

#endif
