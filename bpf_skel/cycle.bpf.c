// SPDX-License-Identifier: GPL-2.0
/*
 * Provider "exit": when vCPU threads are off their CPUs.  For any other thread, these programs
 * cost one comparison with what this CPU ran last and one failed lookup.
 */
#include "compat.bpf.h"
#include "wait.bpf.h"

/* The state of the vCPU that a thread runs; NULL: it runs no vCPU. */
static __always_inline struct kvmw_vcpu_state *state_of_task(const struct task_struct *task)
{
	u32 tid = task->pid;
	struct thread *found = tid ? bpf_map_lookup_elem(&threads, &tid) : NULL;

	if (!found || found->start_ns != task->start_time)
		return NULL;
	return known_state(found->known, tid);
}

/* A thread that runs a vCPU leaves its CPU, for another thread or to sleep. */
static __always_inline void leaves(struct kvmw_vcpu_state *s, const struct task_struct *task,
				   u32 cpu, u64 now, bool runnable)
{
	cycle_out(s, now, runnable);
	if (runnable)
		wait_begin(s, task, cpu, now);
	else
		s->wait_ns = 0;
}

static __always_inline void comes(struct kvmw_vcpu_state *s, const struct task_struct *task,
				  u32 cpu, u64 now)
{
	if (s->off_runnable)
		wait_end(s, task, cpu, now);
	cycle_add_off(s, now);
	s->off_ns = 0;
}

/* Often the next thread is the one that waits for this CPU: its state is found without a search. */
static __always_inline struct kvmw_vcpu_state *state_of_next(const struct task_struct *next,
							     u64 waiter)
{
	struct kvmw_vcpu_state *s = waiter ? state_at(waiter - 1) : NULL;

	return s && s->off_ns && s->runner == next->pid ? s : state_of_task(next);
}

/* Not the classic tracepoint: the kernel skips it while it interrupts another BPF program. */
SEC("tp_btf/sched_switch")
int BPF_PROG(cycle_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	u32 cpu = bpf_get_smp_processor_id(), tid;
	typeof(here[0]) *this_cpu = &here[cpu_index(cpu)];
	struct kvmw_vcpu_state *out, *in;
	u64 now = 0;

	if (!active || !prev || !next)
		return 0;
	tid = prev->pid;
	out = known_state(known_on(this_cpu, tid), tid);
	in = state_of_next(next, this_cpu->waiter);
	if ((this_cpu->waiter || this_cpu->waiters) && cpu < MAX_CPUS) {
		now = bpf_ktime_get_ns();
		/* Mostly, an idle CPU is given to the only thread that waits for it. */
		if (!tid && in && this_cpu->waiter == KVMW_STATE(in->exit.e.vcpu) + 1 &&
		    !this_cpu->waiters)
			wait_charge_idle(in, now);
		else
			wait_charge_all(cpu, prev, now);
	}
	if (out) {
		now = now ?: bpf_ktime_get_ns();
		leaves(out, prev, cpu, now, preempt || !compat_task_state(prev));
	}
	if (!in)
		return 0;
	this_cpu->state = KVMW_STATE(in->exit.e.vcpu);
	this_cpu->known = known_word(in->runner, this_cpu->state + 1);
	if (config.by_group)
		this_cpu->moves = 0;
	if (in->off_ns)
		comes(in, next, cpu, now ?: bpf_ktime_get_ns());
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(cycle_wakeup, struct task_struct *task)
{
	struct kvmw_vcpu_state *s;
	u64 now;

	if (!active || !task)
		return 0;
	s = state_of_task(task);
	if (!s || !s->off_ns || s->off_runnable)
		return 0;
	now = bpf_ktime_get_ns();
	s->exit.e.block_ns += now - s->off_ns;
	s->off_ns = now;
	s->off_runnable = 1;
	wait_begin(s, task, compat_task_cpu(task), now);
	return 0;
}

/* The thread is still where it was. */
SEC("tp_btf/sched_migrate_task")
int BPF_PROG(cycle_migrate, struct task_struct *task, int cpu)
{
	struct kvmw_vcpu_state *s;
	struct task_struct *curr;
	struct kvmw_on_cpu holder;
	u32 from;
	u64 now;

	if (!active || !task)
		return 0;
	from = compat_task_cpu(task);
	if (!here[cpu_index(from)].waiter && !here[cpu_index(from)].waiters)
		return 0;
	s = state_of_task(task);
	if (!s || !s->off_ns || !s->off_runnable || !s->wait_ns || s->wait_cpu != from + 1)
		return 0;
	now = bpf_ktime_get_ns();
	/* Without group scheduling there is no such member: who has the CPU is charged later. */
	curr = bpf_core_field_exists(task->se.cfs_rq) ? task->se.cfs_rq->rq->curr : NULL;
	if (curr) {
		on_cpu(&holder, curr, now);
		wait_charge(s, &holder);
	}
	wait_move(s, from, cpu);
	if (compat_tells_throttled())
		throttle_move(s, task, cpu);
	return 0;
}

char LICENSE[] SEC("license") __weak = "GPL";
