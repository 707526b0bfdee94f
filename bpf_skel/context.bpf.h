/* SPDX-License-Identifier: GPL-2.0 */
/* In what context of the kernel a program runs. */
#ifndef KVMW_CONTEXT_BPF_H
#define KVMW_CONTEXT_BPF_H

#include "arch.bpf.h"
#include "common.bpf.h"

/* Bits of it, include/linux/preempt.h */
#define IN_SOFTIRQ	0x00000100	/* serving one */
#define IN_HARD_IRQ	0x0fff0000	/* interrupts and NMIs */

/* Who does what happens here: a thread, 0 an interrupt or the idle CPU, KVMW_NONE not told. */
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
