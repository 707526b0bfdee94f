/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who has the CPU while a vCPU waits for it, and how much of a wait is due to a quota.
 *
 * Each CPU has a set of the states that wait for it.  Whenever a thread leaves a CPU for which
 * any waits, each of these is charged with the time since its last charge or since its wait
 * began: this thread had the CPU.  So the holders of a vCPU divide its wait_ns without a rest.
 * A CPU for which none waits only looks at a number beside that of its last thread.
 *
 * The lock of a CPU's queue is held at sched_switch, at sched_wakeup of a thread that will wait
 * for it, and at sched_migrate_task of one that waits: so one program at a time charges a state
 * or removes it from the set of a CPU.  Only the CPU to which a thread moves is not locked; a bit
 * has one owner, so adding and subtracting its value sets and clears it (before 5.12 there are no
 * atomic "or" and "and").
 */
#ifndef KVMW_WAIT_BPF_H
#define KVMW_WAIT_BPF_H

#include "cycle.bpf.h"

#define PLACES_TRIED	8

struct {
	u64 states[KVMW_MAX_VCPUS / 64];	/* that wait for this CPU: bits, by KVMW_STATE() */
	struct kvmw_on_cpu holder;	/* while this CPU charges states */
} waits[MAX_CPUS] __weak = {};

/* ---- the set of a CPU ------------------------------------------------------ */

static __always_inline void wait_set(u32 cpu, u32 index)
{
	u64 *word = &waits[cpu_index(cpu)].states[index / 64 % (KVMW_MAX_VCPUS / 64)];
	u64 bit = 1ULL << (index & 63);

	if (*word & bit)
		return;
	__sync_fetch_and_add(word, bit);
	__sync_fetch_and_add(&here[cpu_index(cpu)].waiters, 1);
}

static __always_inline void wait_clear(u32 cpu, u32 index)
{
	u64 *word = &waits[cpu_index(cpu)].states[index / 64 % (KVMW_MAX_VCPUS / 64)];
	u64 bit = 1ULL << (index & 63);

	if (!(*word & bit))
		return;
	__sync_fetch_and_add(word, -bit);
	__sync_fetch_and_add(&here[cpu_index(cpu)].waiters, -1);
}

/* The lowest bit that is set, for any word but 0: a de Bruijn sequence. */
static const u8 bit_numbers[64] = {
	0, 1, 48, 2, 57, 49, 28, 3, 61, 58, 50, 42, 38, 29, 17, 4,
	62, 55, 59, 36, 53, 51, 43, 22, 45, 39, 33, 30, 24, 18, 12, 5,
	63, 47, 56, 27, 60, 41, 37, 16, 54, 35, 52, 21, 44, 32, 23, 11,
	46, 26, 40, 15, 34, 20, 31, 10, 25, 14, 19, 9, 13, 8, 7, 6,
};

static __always_inline u32 lowest_bit(u64 word)
{
	return bit_numbers[((word & -word) * 0x03f79d71b4cb0a89ULL) >> 58];
}

/* ---- holders --------------------------------------------------------------- */

static __always_inline void holder_fill(struct kvmw_on_cpu *h, const struct task_struct *task, u64 now)
{
	h->now = now;
	h->tid = task->pid;
	h->tgid = task->tgid;
	/* Each CPU has its own idle thread. */
	h->start_ns = h->tid ? task->start_time : 0;
	bpf_probe_read_kernel(h->comm, sizeof(h->comm), &task->comm);
	h->vcpu = (u64)task->preempt_notifiers.first;
	if (h->vcpu)
		h->vcpu -= compat_vcpu_notifier();
	h->kernel = task->flags & PF_KTHREAD;
}

static __always_inline u32 holder_kind(const struct kvmw_vcpu_state *s, const struct kvmw_on_cpu *h)
{
	if (!h->tid)
		return KVMW_holder_IDLE;
	if (h->vcpu)
		return kvm_of(h->vcpu) == s->kvm ? KVMW_holder_VCPU : KVMW_holder_VM;
	if (h->kernel)
		return KVMW_holder_KERNEL;
	return h->tgid == s->tgid ? KVMW_holder_VMM : KVMW_holder_PROCESS;
}

static __always_inline void holder_name(struct kvmw_holder_sum *sum,
					const struct kvmw_vcpu_state *s, const struct kvmw_on_cpu *h)
{
	sum->comm[0] = h->comm[0];
	sum->comm[1] = h->comm[1];
	/* While it is in the VMM, a thread has no vCPU loaded. */
	if (sum->kind && (!h->vcpu || sum->vcpu_id != KVMW_VCPU_NONE))
		return;
	sum->vcpu_id = h->vcpu ? compat_vcpu_id((void *)h->vcpu) : KVMW_VCPU_NONE;
	barrier();
	sum->kind = holder_kind(s, h);
}

/* What was counted of one holder becomes part of all others'. */
static __always_inline void holder_evict(struct kvmw_vcpu_state *s, struct kvmw_holder_sum *sum)
{
	struct kvmw_holder_sum *others = &s->holders[KVMW_MAX_HOLDERS];

	others->kind = KVMW_holder_OTHERS;
	others->turns += sum->turns;
	others->ns += sum->ns;
	others->version++;
	/* The recorder may look: it sees no thread with the numbers of another one. */
	sum->version++;
	sum->kind = 0;
	barrier();
	sum->turns = sum->ns = 0;
}

/* The place of a holder: its own, a free one, or that of the one that has had least. */
static __always_inline struct kvmw_holder_sum *holder_place(struct kvmw_vcpu_state *s,
							    const struct kvmw_on_cpu *h)
{
	u32 hash = h->tid ^ h->tid >> 5 ^ h->tid >> 10;
	struct kvmw_holder_sum *sum, *least = NULL;

#pragma unroll
	for (u32 i = 0; i < PLACES_TRIED; i++) {
		sum = &s->holders[(hash + i) & (KVMW_MAX_HOLDERS - 1)];
		if (!sum->kind) {
			least = sum;
			break;
		}
		if (sum->tid == h->tid && sum->start_ns == h->start_ns)
			return sum;
		if (!least || sum->ns < least->ns)
			least = sum;
	}
	if (!least)
		return NULL;
	if (least->kind)
		holder_evict(s, least);
	least->tid = h->tid;
	least->tgid = h->tgid;
	least->start_ns = h->start_ns;
	return least;
}

/* ---- charges --------------------------------------------------------------- */

static __always_inline void wait_charge(struct kvmw_vcpu_state *s, const struct kvmw_on_cpu *h)
{
	u64 ns = h->now - s->wait_ns;
	struct kvmw_holder_sum *sum;

	/* The clocks of two CPUs may differ a little. */
	if (!s->wait_ns || (s64)ns <= 0)
		return;
	sum = holder_place(s, h);
	if (!sum)
		return;
	holder_name(sum, s, h);
	sum->turns++;
	sum->ns += ns;
	sum->version++;
	s->wait_ns = h->now;
}

/* For the rest of a wait whose holder was not seen. */
static __always_inline void wait_charge_others(struct kvmw_vcpu_state *s, u64 now)
{
	struct kvmw_holder_sum *others = &s->holders[KVMW_MAX_HOLDERS];

	if (!s->wait_ns || (s64)(now - s->wait_ns) <= 0)
		return;
	others->kind = KVMW_holder_OTHERS;
	others->turns++;
	others->ns += now - s->wait_ns;
	others->version++;
}

/* Charges one state of the set of this CPU.  Global, so that the verifier looks at it once. */
__noinline int wait_charge_state(u32 index)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct kvmw_vcpu_state *s = state_at(index);

	if (!s)
		return 0;
	/* The vCPU ended, or another thread has taken it over. */
	if (s->wait_cpu != cpu + 1 || !s->runner || !s->off_ns || !s->off_runnable)
		wait_clear(cpu, index);
	else
		wait_charge(s, &waits[cpu_index(cpu)].holder);
	return 0;
}

/* A thread leaves this CPU, for which others wait. */
static __always_inline void wait_charge_all(u32 cpu, const struct task_struct *prev, u64 now)
{
	u64 left = here[cpu_index(cpu)].waiters;

	holder_fill(&waits[cpu_index(cpu)].holder, prev, now);
	for (u32 i = 0; i < KVMW_MAX_VCPUS / 64 && left; i++) {
		u64 word = waits[cpu_index(cpu)].states[i];

		for (u32 n = 0; n < 64 && word; n++) {
			wait_charge_state(64 * i + lowest_bit(word));
			word &= word - 1;
			left--;
		}
	}
}

/* ---- a wait ---------------------------------------------------------------- */

/* queue: where the thread waits; typed: as for compat_throttled_ns(). */
static __always_inline void throttle_begin(struct kvmw_vcpu_state *s, const struct cfs_rq *queue,
					   const bool typed)
{
	s->throttle_queue = (u64)queue;
	if (queue)
		s->throttle_base = compat_throttled_ns(queue, typed);
}

/* The thread no longer waits in the queue, or only in another one from now on. */
static __always_inline void throttle_end(struct kvmw_vcpu_state *s, const struct cfs_rq *queue)
{
	/* It was moved to another cgroup. */
	if (s->throttle_queue && s->throttle_queue != (u64)queue)
		s->throttled_ns = KVMW_NONE;
	else if (s->throttle_queue && s->throttled_ns != KVMW_NONE)
		s->throttled_ns += compat_throttled_ns(queue, true) - s->throttle_base;
	s->throttle_queue = 0;
}

static __always_inline void wait_for_cpu(struct kvmw_vcpu_state *s, u32 cpu)
{
	s->wait_cpu = cpu < MAX_CPUS ? cpu + 1 : 0;
	if (s->wait_cpu)
		wait_set(cpu, KVMW_STATE(s->exit.e.vcpu));
}

/* A thread that is not in a cycle waits for nothing that anyone counts. */
static __always_inline void wait_begin(struct kvmw_vcpu_state *s, const struct task_struct *task,
				       u32 cpu, u64 now)
{
	s->wait_ns = s->exit_open || s->entry_ns ? now : 0;
	if (!s->wait_ns)
		return;
	wait_for_cpu(s, cpu);
	if (!compat_tells_throttled())
		return;
	s->throttled_ns = 0;
	throttle_begin(s, compat_may_be_throttled(task) ? task->se.cfs_rq : NULL, true);
}

/* After wait_charge_all(). */
static __always_inline void wait_end(struct kvmw_vcpu_state *s, const struct task_struct *task,
				     u32 cpu, u64 now)
{
	if (!s->wait_ns)
		return;
	if (s->wait_cpu == cpu + 1)
		wait_clear(cpu, KVMW_STATE(s->exit.e.vcpu));
	wait_charge_others(s, now);
	s->wait_ns = s->wait_cpu = 0;
	if (compat_tells_throttled())
		throttle_end(s, task->se.cfs_rq);
}

/*
 * A waiting thread moves to another CPU.  Where the kernel throttles single threads, one that is
 * throttled rarely moves, and whether it remains so on the other CPU is not followed.
 */
static __always_inline void throttle_move(struct kvmw_vcpu_state *s, const struct task_struct *task,
					  u32 cpu)
{
	struct cfs_rq *queue = NULL;

	throttle_end(s, task->se.cfs_rq);
	if (compat_throttles_threads()) {
		if (compat_may_be_throttled(task))
			s->throttled_ns = KVMW_NONE;
		return;
	}
	bpf_probe_read_kernel(&queue, sizeof(queue), task->sched_task_group->cfs_rq + cpu);
	throttle_begin(s, queue, false);
}

#endif
