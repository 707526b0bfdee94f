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
 * a35b9af4ec2c ("bpf: Add a kfunc for generic type cast"), 6.2: memory that a program knows to be
 * the kernel's is read without a helper, as 8-byte words, by means of some type that has these.
 */
extern const void *bpf_rdonly_cast(const void *memory, u32 type) __ksym __weak;

static __always_inline bool compat_reads_words(void)
{
	return bpf_core_enum_value_exists(enum special_kfunc_type, KF_bpf_rdonly_cast);
}

static __always_inline const u64 *compat_words(const void *memory)
{
	return bpf_rdonly_cast(memory, config.words_type);
}

/* 64eaf50731ac ("sched/fair: Fix cfs_rq_clock_pelt() for throttled cfs_rq"), 5.19 and 5.10.y */
struct cfs_rq___task {
	u64 throttled_clock_task;
	u64 throttled_clock_task_time;
} __attribute__((preserve_access_index));

/* Whether this kernel shows how long threads are throttled. */
static __always_inline bool compat_tells_throttled(void)
{
	const struct cfs_rq___task *old = NULL;
	const struct cfs_rq *q = NULL;

	return bpf_core_field_exists(((struct task_struct *)0)->se.cfs_rq) &&
	       (bpf_core_field_exists(q->throttled_clock_self_time) ||
		bpf_core_field_exists(q->throttled_clock_pelt_time) ||
		bpf_core_field_exists(old->throttled_clock_task_time));
}

/*
 * How long the threads of a queue have been throttled so far, by the quota of their cgroup or of
 * one above it.  typed: the verifier knows the type of q, so no helper is needed to read it.
 *
 * 677ea015f231 ("sched: add throttled time stat for throttled children"), 6.6: before, only the
 * clocks of the load averages show it.  Since 64eaf50731ac (above) these are slower than time while
 * a CPU runs below its full capacity.
 */
static __always_inline u64 compat_throttled_ns(const struct cfs_rq *q, const bool typed)
{
#define OF_QUEUE(q, member)	(typed ? (q)->member : BPF_CORE_READ(q, member))
#define OF_CPU(q, member)	(typed ? (q)->rq->member : BPF_CORE_READ(q, rq, member))
	const struct cfs_rq___task *old = (const void *)q;
	u64 since;

	if (bpf_core_field_exists(q->throttled_clock_self_time)) {
		since = OF_QUEUE(q, throttled_clock_self);
		return OF_QUEUE(q, throttled_clock_self_time) +
		       (since ? OF_CPU(q, clock) - since : 0);
	}
	if (!bpf_core_field_exists(q->throttled_clock_pelt_time))
		return OF_QUEUE(old, throttled_clock_task_time) + (OF_QUEUE(q, throttle_count) ?
		       OF_CPU(q, clock_task) - OF_QUEUE(old, throttled_clock_task) : 0);
	return OF_QUEUE(q, throttled_clock_pelt_time) + (OF_QUEUE(q, throttle_count) ?
	       OF_CPU(q, clock_pelt) - OF_CPU(q, lost_idle_time) -
	       OF_QUEUE(q, throttled_clock_pelt) : 0);
#undef OF_QUEUE
#undef OF_CPU
}

/*
 * e1fad12dcb66 ("sched/fair: Switch to task based throttle model"), 6.18: a thread becomes
 * throttled only while it runs.  Before, all threads of a queue are.
 */
static __always_inline bool compat_throttles_threads(void)
{
	return bpf_core_field_exists(((struct task_struct *)0)->throttled);
}

static __always_inline bool compat_may_be_throttled(const struct task_struct *task)
{
	return compat_throttles_threads() ? task->throttled : true;
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
