/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel context in which a program runs: thread or interrupt. */
#ifndef KVMW_CONTEXT_BPF_H
#define KVMW_CONTEXT_BPF_H

#include "arch.bpf.h"
#include "common.bpf.h"

/* Bits of the preempt count, include/linux/preempt.h */
#define IN_SOFTIRQ	0x00000100	/* serving a softirq */
#define IN_HARD_IRQ	0x0fff0000	/* interrupts and NMIs */

/* Causes the current event: a thread; 0: an interrupt or the idle CPU; KVMW_NONE: unknown. */
static __always_inline u64 who(void)
{
	u32 tid = bpf_get_current_pid_tgid(), count;

	if (!tid)
		return 0;
	if (!arch_preempt_count(&count))
		return KVMW_NONE;
	return count & (IN_SOFTIRQ | IN_HARD_IRQ) ? 0 : tid;
}

#endif
