/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who has the CPU while a vCPU waits for it, and how much of a wait is due to a quota.
 *
 * A CPU knows the states that wait for it.  Whenever a thread leaves a CPU for which any waits,
 * each of these is charged with the time since its last charge or since its wait began: this
 * thread had the CPU.  So the holders of a vCPU account for all of its wait_ns.  A CPU for
 * which none waits only looks at two numbers beside that of its last thread.
 *
 * The lock of a CPU's queue is held at sched_switch, at sched_wakeup of a thread that will wait
 * for it, and at sched_migrate_task of one that waits: so one program at a time charges a state
 * or forgets that it waits for a CPU.  Only the CPU to which a thread moves is not locked; the
 * thread enters a set of bits.  Each bit has one owner, so adding and subtracting its value sets
 * and clears it (before 5.12 there are no atomic "or" and "and").
 */
#ifndef KVMW_WAIT_BPF_H
#define KVMW_WAIT_BPF_H

#include "cycle.bpf.h"

#define PLACES_TRIED	8

struct {
	u64 states[KVMW_MAX_VCPUS / 64];	/* that wait for this CPU: bits, by KVMW_STATE() */
	struct kvmw_on_cpu holder;	/* while this CPU charges them */
} waits[MAX_CPUS] __weak = {};

/* ---- who waits for a CPU --------------------------------------------------- */

static __always_inline u64 *set_word(u32 cpu, u32 index)
{
	return &waits[cpu_index(cpu)].states[index / 64 % (KVMW_MAX_VCPUS / 64)];
}

static __always_inline void set_add(u32 cpu, u32 index)
{
	u64 *word = set_word(cpu, index), bit = 1ULL << (index & 63);

	if (*word & bit)
		return;
	__sync_fetch_and_add(word, bit);
	__sync_fetch_and_add(&here[cpu_index(cpu)].waiters, 1);
}

static __always_inline void set_remove(u32 cpu, u32 index)
{
	u64 *word = set_word(cpu, index), bit = 1ULL << (index & 63);

	if (!(*word & bit))
		return;
	__sync_fetch_and_add(word, -bit);
	__sync_fetch_and_add(&here[cpu_index(cpu)].waiters, -1);
}

static __always_inline void waiter_add(u32 cpu, u32 index)
{
	typeof(here[0]) *that = &here[cpu_index(cpu)];

	if (that->waiter)
		set_add(cpu, index);
	else
		that->waiter = index + 1;
}

static __always_inline void waiter_remove(u32 cpu, u32 index)
{
	typeof(here[0]) *that = &here[cpu_index(cpu)];

	if (that->waiter == index + 1)
		that->waiter = 0;
	else
		set_remove(cpu, index);
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

static __always_inline u32 holder_kind(const struct kvmw_vcpu_state *s, const struct kvmw_place *p,
				       u64 vcpu, u32 flags)
{
	if (vcpu)
		return kvm_of(vcpu) == s->kvm ? KVMW_holder_VCPU : KVMW_holder_VM;
	if (flags & PF_KTHREAD)
		return KVMW_holder_KERNEL;
	return p->tgid == s->tgid ? KVMW_holder_VMM : KVMW_holder_PROCESS;
}

/*
 * Whether what is known of a holder may change: a thread of a process gets another name when it
 * executes another program, and its vCPU is unknown while that is in the VMM.
 */
static __always_inline bool holder_may_change(const struct kvmw_place *p)
{
	return p->kind == KVMW_holder_PROCESS || p->kind == KVMW_holder_VMM || !p->kind;
}

static __always_inline void holder_name(struct kvmw_place *p, const struct kvmw_vcpu_state *s,
					const struct kvmw_on_cpu *h)
{
	const struct task_struct *task = (void *)h->task;
	u64 vcpu = (u64)BPF_CORE_READ(task, preempt_notifiers.first);

	bpf_core_read(p->comm, sizeof(p->comm), &task->comm);
	if (p->kind && !vcpu)
		return;
	if (vcpu)
		vcpu -= compat_vcpu_notifier();
	p->tgid = BPF_CORE_READ(task, tgid);
	p->vcpu_id = vcpu ? compat_vcpu_id((void *)vcpu) : KVMW_VCPU_NONE;
	barrier();
	p->kind = holder_kind(s, p, vcpu, BPF_CORE_READ(task, flags));
}

/* Adds what one holder had to the sum of all others. */
static __always_inline void holder_evict(struct kvmw_vcpu_state *s, struct kvmw_place *p)
{
	struct kvmw_place *others = &s->holders[KVMW_OTHERS];

	others->kind = KVMW_holder_OTHERS;
	others->turns += p->turns;
	others->ns += p->ns;
	/* The recorder may look: it must not see a thread with the numbers of another. */
	p->past += p->turns + 1;
	p->kind = 0;
	barrier();
	p->turns = p->ns = 0;
}

/* The place of a holder: its own, a free one, or that of the one that has had least. */
static __always_inline struct kvmw_place *holder_place(struct kvmw_vcpu_state *s,
						       const struct kvmw_on_cpu *h)
{
	u32 hash = h->tid ^ h->tid >> 5 ^ h->tid >> 10;
	struct kvmw_place *p, *least = NULL;

#pragma unroll
	for (u32 i = 0; i < PLACES_TRIED; i++) {
		p = &s->holders[(hash + i) & (KVMW_MAX_HOLDERS - 1)];
		if (!p->kind) {
			least = p;
			break;
		}
		if (p->tid == h->tid && p->start_ns == h->start_ns)
			return p;
		if (!least || p->ns < least->ns)
			least = p;
	}
	if (!least)
		return NULL;
	if (least->kind)
		holder_evict(s, least);
	least->tid = h->tid;
	least->start_ns = h->start_ns;
	return least;
}

/* ---- charges --------------------------------------------------------------- */

/* The time since the last charge; 0: there is none. */
static __always_inline u64 wait_so_far(const struct kvmw_vcpu_state *s, u64 now)
{
	/* The clocks of two CPUs may differ a little. */
	return s->wait_ns && now > s->wait_ns ? now - s->wait_ns : 0;
}

static __always_inline void place_charge(struct kvmw_place *p, u64 ns)
{
	/* The recorder takes turns for the version: it must not see new turns with an old time. */
	p->ns += ns;
	barrier();
	p->turns++;
}

static __always_inline void wait_charge_idle(struct kvmw_vcpu_state *s, u64 now)
{
	u64 ns = wait_so_far(s, now);

	if (!ns)
		return;
	s->holders[KVMW_IDLE].kind = KVMW_holder_IDLE;
	place_charge(&s->holders[KVMW_IDLE], ns);
	s->wait_ns = now;
}

static __always_inline void wait_charge(struct kvmw_vcpu_state *s, const struct kvmw_on_cpu *h)
{
	u64 ns = wait_so_far(s, h->now);
	struct kvmw_place *p;

	if (!h->tid) {
		wait_charge_idle(s, h->now);
		return;
	}
	p = ns ? holder_place(s, h) : NULL;
	if (!p)
		return;
	if (holder_may_change(p))
		holder_name(p, s, h);
	place_charge(p, ns);
	s->wait_ns = h->now;
}

/* For the rest of a wait whose holder was not seen. */
static __always_inline void wait_charge_others(struct kvmw_vcpu_state *s, u64 now)
{
	s->holders[KVMW_OTHERS].kind = KVMW_holder_OTHERS;
	place_charge(&s->holders[KVMW_OTHERS], wait_so_far(s, now));
}

static __always_inline void on_cpu(struct kvmw_on_cpu *h, const struct task_struct *task, u64 now)
{
	h->now = now;
	h->task = (u64)task;
	h->tid = task->pid;
	h->start_ns = task->start_time;
}

/* Whether a state is rightly in the set of a CPU; not if another thread has taken the vCPU over. */
static __always_inline bool waits_for(const struct kvmw_vcpu_state *s, u32 cpu)
{
	return s->wait_cpu == cpu + 1 && s->off_ns && s->off_runnable && s->runner;
}

/*
 * Charges a state that waits for this CPU.  This one and the next two are global functions, so
 * that the verifier looks at each of them once, and not at each round of a loop.
 */
__noinline int wait_charge_state(u32 index)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct kvmw_vcpu_state *s = state_at(index);

	if (!s)
		return 0;
	if (waits_for(s, cpu))
		wait_charge(s, &waits[cpu_index(cpu)].holder);
	else
		waiter_remove(cpu, index);
	return 0;
}

/* The same for those of a word of the set. */
__noinline int wait_charge_word(u32 cpu, u32 i)
{
	u64 word = *set_word(cpu, 64 * i);

	for (u32 n = 0; n < 64 && word; n++) {
		wait_charge_state(64 * i + lowest_bit(word));
		word &= word - 1;
	}
	return 0;
}

/* The same for all states. */
__noinline int wait_charge_states(u32 cpu)
{
	const typeof(here[0]) *this_cpu = &here[cpu_index(cpu)];

	if (this_cpu->waiter)
		wait_charge_state(this_cpu->waiter - 1);
	if (!this_cpu->waiters)
		return 0;
	for (u32 i = 0; i < config.max_vcpus / 64; i++)
		wait_charge_word(cpu, i);
	return 0;
}

/* A thread leaves this CPU, for which others wait. */
static __always_inline void wait_charge_all(u32 cpu, const struct task_struct *prev, u64 now)
{
	on_cpu(&waits[cpu_index(cpu)].holder, prev, now);
	wait_charge_states(cpu);
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
}

/* Waits of a thread that is not in a cycle are not counted. */
static __always_inline void wait_begin(struct kvmw_vcpu_state *s, const struct task_struct *task,
				       u32 cpu, u64 now)
{
	s->wait_ns = s->exit_open || s->entry_ns ? now : 0;
	if (!s->wait_ns)
		return;
	s->wait_cpu = cpu < MAX_CPUS ? cpu + 1 : 0;
	if (s->wait_cpu)
		waiter_add(cpu, KVMW_STATE(s->exit.e.vcpu));
	if (compat_tells_throttled())
		throttle_begin(s, compat_may_be_throttled(task) ? task->se.cfs_rq : NULL, true);
}

/* After the last charge. */
static __always_inline void wait_end(struct kvmw_vcpu_state *s, const struct task_struct *task,
				     u32 cpu, u64 now)
{
	if (!s->wait_ns)
		return;
	if (s->wait_cpu == cpu + 1)
		waiter_remove(cpu, KVMW_STATE(s->exit.e.vcpu));
	if (s->wait_ns < now)
		wait_charge_others(s, now);
	s->wait_ns = 0;
	if (compat_tells_throttled())
		throttle_end(s, task->se.cfs_rq);
}

/* A waiting thread moves to another CPU, whose queue is not locked. */
static __always_inline void wait_move(struct kvmw_vcpu_state *s, u32 from, u32 cpu)
{
	waiter_remove(from, KVMW_STATE(s->exit.e.vcpu));
	s->wait_cpu = cpu < MAX_CPUS ? cpu + 1 : 0;
	if (s->wait_cpu)
		set_add(cpu, KVMW_STATE(s->exit.e.vcpu));
}

/*
 * What a move means for the quota.  Where the kernel throttles single threads, one that is
 * throttled rarely moves, and whether it remains so on the other CPU is not followed.
 */
static __always_inline void throttle_move(struct kvmw_vcpu_state *s, const struct task_struct *task,
					  u32 cpu)
{
	struct cfs_rq *queue = NULL;

	throttle_end(s, task->se.cfs_rq);
	if (compat_throttles_threads()) {
		s->throttle_queue = 0;
		if (compat_may_be_throttled(task))
			s->throttled_ns = KVMW_NONE;
		return;
	}
	bpf_probe_read_kernel(&queue, sizeof(queue), task->sched_task_group->cfs_rq + cpu);
	throttle_begin(s, queue, false);
}

#endif
