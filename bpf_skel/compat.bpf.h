/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between the kernels that the programs run on, 5.10 to 7.2, each with the commit
 * that made it and the first release with that.  An architecture's own are in its folder, the
 * recorder's in util/capture/compat.h.
 *
 * Those without code here:
 *
 * 36e68442d1af ("bpf: Load and verify kernel module BTFs"), 5.11: before, types and functions
 *	of a modular KVM are unknown; programs test for them with bpf_core_*_exists().
 * 5ffa25502b5a ("bpf: Add instructions for atomic_[cmp]xchg"), 5.12: before, no atomic returns
 *	a value; free_states is a queue.
 * 7adfc6c9b315 ("bpf: Add bpf_get_attach_cookie() BPF helper to access bpf_cookie value"), 5.15:
 *	before, a program does not know where it is attached; there are KVMW_MAX_RAW of raw.
 * 354e8f1970f8 ("bpf: Support <8-byte scalar spill and refill"), 5.16: before, the verifier
 *	forgets the bounds of a spilled u32; indices are masked where they are used.
 * 6e890c5d5021 ("vhost: use vhost_tasks for worker threads"), 6.4: before, they are kernel
 *	threads, of no process; only the interrupts that they deliver are known to be a VM's.
 * bb58b90b1a8f ("KVM: Introduce KVM_SET_USER_MEMORY_REGION2"), 6.8: its argument begins as
 *	that of KVM_SET_USER_MEMORY_REGION does.
 * 838a10bd2ebf ("bpf: Augment raw_tp arguments with PTR_MAYBE_NULL"), 6.13 and 6.12.y: pointers
 *	of a module's BTF tracepoints have to be compared with NULL.
 */
#ifndef KVMW_COMPAT_BPF_H
#define KVMW_COMPAT_BPF_H

#include "common.bpf.h"

struct task_struct___old {
	long state;
	unsigned int cpu;
} __attribute__((preserve_access_index));

/* 2f064a59a11f ("sched: Change task_struct::state"), 5.14 */
static __always_inline u64 compat_task_state(const struct task_struct *task)
{
	const struct task_struct___old *old = (const void *)task;

	return bpf_core_field_exists(task->__state) ? task->__state : old->state;
}

/* bcf9033e5449 ("sched: move CPU field back into thread_info if THREAD_INFO_IN_TASK=y"), 5.16 */
static __always_inline u32 compat_task_cpu(const struct task_struct *task)
{
	const struct task_struct___old *old = (const void *)task;

	return bpf_core_field_exists(old->cpu) ? old->cpu : task->thread_info.cpu;
}

/*
 * 9c2136be0878 ("sched/tracing: Append prev_state to tp args instead"), 5.18: sched_switch has
 * the state of prev as an argument; in the task, a waker may have changed it by then.
 */
static __always_inline u64 compat_switch_state(const u64 *ctx, const struct task_struct *prev)
{
	return config.switch_state ? (u32)ctx[3] : compat_task_state(prev);
}

/*
 * 28bd726aa404 ("KVM: Pass in kvm pointer into mark_page_dirty_in_slot()"), 5.11; dirty rings
 * came with the next commit.  Unknown (false) also where KVM has no BTF.
 */
static __always_inline bool compat_mark_has_kvm(void)
{
	return bpf_core_field_exists(((struct kvm *)0)->dirty_ring_size);
}

/*
 * Where KVM has no BTF (36e68442d1af above), struct kvm_vcpu begins with kvm, preempt_notifier,
 * cpu and vcpu_id (include/linux/kvm_host.h, 5.10).
 */
static __always_inline u64 compat_vcpu_notifier(void)
{
	const struct kvm_vcpu *vcpu = NULL;

	return bpf_core_field_exists(vcpu->preempt_notifier) ?
	       bpf_core_field_offset(vcpu->preempt_notifier.link) : 8;
}

static __always_inline u32 compat_vcpu_id(const struct kvm_vcpu *vcpu)
{
	u32 id = 0;

	if (bpf_core_field_exists(vcpu->vcpu_id))
		return BPF_CORE_READ(vcpu, vcpu_id);
	bpf_probe_read_kernel(&id, sizeof(id), (const void *)vcpu + 36);
	return id;
}

#endif
