/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMW_X86_SYSCALL_BPF_H
#define KVMW_X86_SYSCALL_BPF_H

#include "common.bpf.h"

#define NR_IOCTL	16		/* arch/x86/entry/syscalls/syscall_64.tbl */
#define THREAD_SIZE	(4 << 12)	/* arch/x86/include/asm/page_64_types.h */

/* The registers with which this thread entered the kernel; not for kernel threads. */
static __always_inline const struct pt_regs *arch_syscall_regs(void)
{
	struct task_struct *task;

	/* dd6e10fbd9fb ("bpf: Add bpf_task_pt_regs() helper"), 5.15 */
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	task = (void *)bpf_get_current_task();
	return (void *)BPF_CORE_READ(task, stack) + THREAD_SIZE - sizeof(struct pt_regs);
}

/* KVMW_NONE: the thread is not in a system call. */
static __always_inline u64 arch_syscall_nr(const struct pt_regs *regs)
{
	s64 nr = -1;

	bpf_probe_read_kernel(&nr, sizeof(nr), &regs->orig_ax);
	return nr < 0 ? KVMW_NONE : nr;
}

static __always_inline bool arch_is_ioctl(const struct pt_regs *regs)
{
	u64 nr = 0;

	bpf_probe_read_kernel(&nr, sizeof(nr), &regs->orig_ax);
	return nr == NR_IOCTL;
}

/* index from 0; 0 where the registers cannot be read. */
static __always_inline u64 arch_syscall_arg(const struct pt_regs *regs, u32 index)
{
	const unsigned long *reg = index == 0 ? &regs->di : index == 1 ? &regs->si : &regs->dx;
	u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), reg);
	return value;
}

#endif
