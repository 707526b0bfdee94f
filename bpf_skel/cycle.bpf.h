/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of a cycle, that is, of the time from a VM exit to the next entry: the time that
 * the thread was halted, waited for a CPU, or slept elsewhere.  The rest belongs to KVM and, as
 * user_ns, to the VMM.
 *
 * Context switches add time off the CPU to wait_ns or block_ns, whatever they interrupt; the end
 * of a halt moves the time slept in it to halt_ns.  So no time is counted twice, and the parts
 * never exceed the cycle.
 *
 * These are the times of the vCPU's current thread.  If that thread has turned to another vCPU,
 * or another thread has taken this one over, all the time outside of KVM_RUN is the VMM's
 * (take_over(), identity.bpf.h).
 *
 * Most cycles have no parts but the VMM's: parted says so, and nothing about them is touched.
 *
 * The scheduler's locks serialize sched_switch and sched_wakeup of one thread, and all other
 * code here runs in that thread, so plain stores are enough.
 */
#ifndef KVMW_CYCLE_BPF_H
#define KVMW_CYCLE_BPF_H

#include "filter.bpf.h"
#include "sums.bpf.h"

#define NO_CPU		0xffff
#define NO_USER		(~0U)

/* ---- parts ----------------------------------------------------------------- */

/* Starts the interval in which a halt, which ends later, may sleep. */
static __always_inline void cycle_mark(struct kvmw_vcpu_state *s)
{
	if (!s->parted)
		return;
	s->mark_wait = s->exit.e.wait_ns;
	s->mark_block = s->exit.e.block_ns;
	s->slept_ns = 0;
}

/*
 * Resets the parts for the cycle that begins with the next exit. parted first: if the program is
 * preempted here, cycle_out() says again that there are parts, and the next reset clears them.
 */
static __always_inline void cycle_clear(struct kvmw_vcpu_state *s)
{
	struct kvmw_exit *e = &s->exit.e;

	s->parted = 0;
	barrier();
	e->halt_ns = e->poll_ns = e->wait_ns = e->block_ns = config.parts ? 0 : KVMW_NONE;
	e->throttled_ns = config.parts && compat_tells_throttled() ? 0 : KVMW_NONE;
	s->out_ns = s->slept_ns = s->slept_wait = s->mark_wait = s->mark_block = 0;
	s->user_wait = s->user_block = s->user_throttled = 0;
}

static __always_inline u64 cycle_off(const struct kvmw_vcpu_state *s)
{
	return config.parts ? s->exit.e.wait_ns + s->exit.e.block_ns : 0;
}

/*
 * The current time, and in *off the time off the CPU so far.  Some kernels can preempt a
 * program between the two reads.
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

/* Time in the VMM begins. */
static __always_inline u64 cycle_user_begin(struct kvmw_vcpu_state *s)
{
	u64 off, now = bpf_ktime_get_ns();

	if (s->parted) {
		now = cycle_clock(s, &off);
		s->user_wait = s->exit.e.wait_ns;
		s->user_block = s->exit.e.block_ns;
		s->user_throttled = s->exit.e.throttled_ns;
	}
	return s->user_ns = now;
}

/* Time in the VMM ends, if it had begun: only its time on a CPU counts. */
static __always_inline u64 cycle_user_end(struct kvmw_vcpu_state *s)
{
	u64 off = 0, now = bpf_ktime_get_ns();

	if (s->parted) {
		now = cycle_clock(s, &off);
		off -= s->user_wait + s->user_block;
		cycle_mark(s);
	}
	if (s->user_ns && s->exit_open)
		s->exit.e.user_ns += now - s->user_ns - off;
	s->user_ns = 0;
	return now;
}

/* The thread leaves its CPU, either runnable or to sleep. */
static __always_inline void cycle_out(struct kvmw_vcpu_state *s, u64 now, bool runnable)
{
	s->steady = 0;
	s->parted = 1;
	s->off_ns = now;
	s->off_runnable = runnable;
	if (!runnable && !s->slept_ns) {
		s->slept_ns = now;
		s->slept_wait = s->exit.e.wait_ns;
	}
	/*
	 * Some kernels trace kvm_exit after they enabled interrupts.  If one of these took the
	 * CPU away, the vCPU had left the guest by then.
	 */
	if (s->entry_ns && !s->exit_open && !s->out_ns) {
		s->out_ns = now;
		s->exit.e.exit_cpu = bpf_get_smp_processor_id();
	}
}

static __always_inline void cycle_add_throttled(struct kvmw_vcpu_state *s, u64 waited)
{
	struct kvmw_exit *e = &s->exit.e;

	if (s->throttled_ns == KVMW_NONE)
		e->throttled_ns = KVMW_NONE;
	else if (e->throttled_ns != KVMW_NONE)
		/* The kernel's clock is not ours. */
		e->throttled_ns += s->throttled_ns < waited ? s->throttled_ns : waited;
	s->throttled_ns = 0;
}

/* Accounts the time off the CPU; of a wait after wait_end(). */
static __always_inline void cycle_add_off(struct kvmw_vcpu_state *s, u64 now)
{
	u64 ns = now - s->off_ns;

	if (!s->off_runnable) {
		s->exit.e.block_ns += ns;
		return;
	}
	s->exit.e.wait_ns += ns;
	if (s->throttled_ns)
		cycle_add_throttled(s, ns);
}

/*
 * A halt of ns nanoseconds has ended; slept: polling was not enough.  A cycle may have several
 * halts, because a vCPU can be woken in vain.
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

		/* The time on a CPU until it went to sleep. */
		waited = s->slept_wait - s->mark_wait;
		before = before > waited ? before - waited : 0;
		if (poll > before)
			poll = before;
	}
	/* With a window of 0 it does not poll: this was the time it took to fall asleep. */
	if (slept && s->poll_window == 1)
		poll = 0;
	s->parted = 1;
	e->block_ns -= asleep;
	e->halt_ns += halt;
	e->poll_ns += poll;
	cycle_mark(s);
}

#endif
