/* SPDX-License-Identifier: GPL-2.0 */
/* In what context of the kernel a program runs. */
#ifndef KVMW_CONTEXT_BPF_H
#define KVMW_CONTEXT_BPF_H

#include "common.bpf.h"

/* From 6.2 to 6.14 it is in a struct. */
struct pcpu_hot___kvmw {
	int preempt_count;
} __attribute__((preserve_access_index));

extern const int __preempt_count __ksym __weak;
extern const struct pcpu_hot___kvmw pcpu_hot __ksym __weak;

/* Bits of it, include/linux/preempt.h */
#define IN_SOFTIRQ	0x00000100	/* serving one */
#define IN_HARD_IRQ	0x0fff0000	/* interrupts and NMIs */

/* Where BTF has no per-CPU variables, as that of Debian's 5.10, their addresses are used. */
static __always_inline bool preempt_count_by_address(u32 *count)
{
	u32 cpu = bpf_get_smp_processor_id();
	u64 base;

	return config.preempt_count &&
	       !bpf_probe_read_kernel(&base, sizeof(base),
				      (void *)(config.per_cpu_offset + 8ULL * cpu)) &&
	       !bpf_probe_read_kernel(count, sizeof(*count), (void *)(base + config.preempt_count));
}

/* false: this kernel does not tell. */
static __always_inline bool preempt_count(u32 *count)
{
	if (&__preempt_count) {
		*count = *(const int *)bpf_this_cpu_ptr(&__preempt_count);
		return true;
	}
	if (&pcpu_hot) {
		const struct pcpu_hot___kvmw *hot = bpf_this_cpu_ptr(&pcpu_hot);

		*count = hot->preempt_count;
		return true;
	}
	return preempt_count_by_address(count);
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
