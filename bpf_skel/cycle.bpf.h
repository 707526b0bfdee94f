/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of a cycle: of the time from a VM exit to the next entry, what the thread was
 * halted, waited for a CPU, or slept elsewhere.  The rest is KVM's and (user_ns) the VMM's.
 *
 * Time off the CPU is added up at context switches, whoever is interrupted by it, first as
 * wait_ns or block_ns; at the end of a halt what was slept in it becomes halt_ns.  So no
 * moment is counted twice, and the parts never add up to more than the cycle has.
 *
 * sched_switch and sched_wakeup of one thread are serialized by the scheduler's locks, and
 * all else here runs in that thread: plain stores do.
 */
#ifndef KVMW_CYCLE_BPF_H
#define KVMW_CYCLE_BPF_H

#include "filter.bpf.h"

#define NO_CPU		0xffff
#define NO_USER		(~0U)

/* From here on: what a halt that ends later has slept. */
static __always_inline void cycle_mark(struct kvmw_vcpu_state *s)
{
	if (!config.parts)
		return;
	s->mark_wait = s->exit.e.wait_ns;
	s->mark_block = s->exit.e.block_ns;
	s->slept_ns = 0;
}

/* The parts of the cycle that begins with the next exit. */
static __always_inline void cycle_clear(struct kvmw_vcpu_state *s)
{
	struct kvmw_exit *e = &s->exit.e;

	e->halt_ns = e->poll_ns = e->wait_ns = e->block_ns = config.parts ? 0 : KVMW_NONE;
	s->out_ns = 0;
}

static __always_inline u64 cycle_off(const struct kvmw_vcpu_state *s)
{
	return config.parts ? s->exit.e.wait_ns + s->exit.e.block_ns : 0;
}

/*
 * The time, and what it was off the CPU until then.  Some kernels let a program be preempted
 * between the two readings.
 */
static __always_inline u64 cycle_clock(struct kvmw_vcpu_state *s, u64 *off)
{
	u64 now;

	*off = cycle_off(s);
	now = bpf_ktime_get_ns();
	if (cycle_off(s) != *off) {
		*off = cycle_off(s);
		now = bpf_ktime_get_ns();
	}
	return now;
}

/* The time in the VMM begins. */
static __always_inline u64 cycle_user_begin(struct kvmw_vcpu_state *s)
{
	return s->user_ns = cycle_clock(s, &s->user_off);
}

/* And ends, if it had begun: what of it was on a CPU. */
static __always_inline u64 cycle_user_end(struct kvmw_vcpu_state *s)
{
	u64 off, now = cycle_clock(s, &off);

	if (s->user_ns && s->exit_open)
		s->exit.e.user_ns += now - s->user_ns - (off - s->user_off);
	s->user_ns = 0;
	return now;
}

/* The thread loses its CPU: it is runnable, or goes to sleep. */
static __always_inline void cycle_out(struct kvmw_vcpu_state *s, u64 now, bool runnable)
{
	s->off_ns = now;
	s->off_runnable = runnable;
	if (!runnable && !s->slept_ns) {
		s->slept_ns = now;
		s->slept_wait = s->exit.e.wait_ns;
	}
	/*
	 * kvm_exit of some kernels comes after interrupts were let in: where one of these took
	 * the CPU away, the guest had been left by then.
	 */
	if (s->entry_ns && !s->exit_open && !s->out_ns) {
		s->out_ns = now;
		s->exit.e.exit_cpu = bpf_get_smp_processor_id();
	}
}

/* What it has been since then, adds up. */
static __always_inline void cycle_add_off(struct kvmw_vcpu_state *s, u64 now)
{
	if (s->off_runnable)
		s->exit.e.wait_ns += now - s->off_ns;
	else
		s->exit.e.block_ns += now - s->off_ns;
}

/*
 * A halt of ns nanoseconds has ended; slept: polling was not enough.  A cycle may have
 * several, for a vCPU is woken in vain as well.
 */
static __always_inline void cycle_halted(struct kvmw_vcpu_state *s, u64 now, u64 ns, bool slept)
{
	struct kvmw_exit *e = &s->exit.e;
	u64 asleep, waited, halt, poll;

	if (!config.parts || !s->exit_open)
		return;
	asleep = e->block_ns - s->mark_block;
	if (asleep > ns)
		asleep = ns;
	waited = e->wait_ns - s->mark_wait;
	if (waited > ns - asleep)
		waited = ns - asleep;
	halt = ns - waited;
	poll = halt - asleep;
	if (slept && s->slept_ns) {
		u64 start = now - ns, before = s->slept_ns > start ? s->slept_ns - start : 0;

		/* Of the time until it went to sleep, what was on a CPU. */
		waited = s->slept_wait - s->mark_wait;
		before = before > waited ? before - waited : 0;
		if (poll > before)
			poll = before;
	}
	/* With a window of 0 it does not poll: that was the way to sleep. */
	if (slept && s->poll_window == 1)
		poll = 0;
	e->block_ns -= asleep;
	e->halt_ns += halt;
	e->poll_ns += poll;
	cycle_mark(s);
}

#endif
