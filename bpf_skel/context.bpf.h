/* SPDX-License-Identifier: GPL-2.0 */
/* In what context of the kernel a program runs. */
#ifndef KVMW_CONTEXT_BPF_H
#define KVMW_CONTEXT_BPF_H

#include "common.bpf.h"

/* Bits of it, include/linux/preempt.h */
#define IN_SOFTIRQ	0x00000100	/* serving one */
#define IN_HARD_IRQ	0x0fff0000	/* interrupts and NMIs */

/* Of this CPU, by addresses that the recorder found. false: this kernel does not tell. */
static __always_inline bool preempt_count(u32 *count)
{
	u32 cpu = bpf_get_smp_processor_id();
	u64 base;

	return config.preempt_count &&
	       !bpf_probe_read_kernel(&base, sizeof(base),
				      (void *)(config.per_cpu_offset + 8ULL * cpu)) &&
	       !bpf_probe_read_kernel(count, sizeof(*count), (void *)(base + config.preempt_count));
}

/* Who does what happens here: a thread, 0 an interrupt or the idle CPU, KVMW_NONE not told. */
static __always_inline u64 who(void)
{
	u32 tid = bpf_get_current_pid_tgid(), count;

	if (!tid)
		return 0;
	if (!preempt_count(&count))
		return KVMW_NONE;
	return count & (IN_SOFTIRQ | IN_HARD_IRQ) ? 0 : tid;
}

#endif
