// SPDX-License-Identifier: GPL-2.0
/*
 * Provider "exit": when vCPU threads are off their CPUs.  For any other thread, these programs
 * cost one comparison with what this CPU ran last and one failed lookup.
 */
#include "compat.bpf.h"
#include "cycle.bpf.h"

/* The state of the vCPU that a thread runs; NULL: it runs no vCPU. */
static __always_inline struct kvmw_vcpu_state *state_of_task(const struct task_struct *task)
{
	u32 tid = task->pid;
	struct thread *found = tid ? bpf_map_lookup_elem(&threads, &tid) : NULL;

	if (!found || found->start_ns != task->start_time)
		return NULL;
	return known_state(found->known, tid);
}

/* Not the classic tracepoint: the kernel skips it while it interrupts another BPF program. */
SEC("tp_btf/sched_switch")
int BPF_PROG(cycle_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	struct kvmw_vcpu_state *s;
	u64 now;

	if (!active || !prev || !next)
		return 0;
	s = known_state(here_known(prev->pid), prev->pid);
	if (s)
		cycle_out(s, bpf_ktime_get_ns(), preempt || !compat_task_state(prev));
	s = state_of_task(next);
	if (!s)
		return 0;
	here_set(next->pid, KVMW_STATE(s->exit.e.vcpu) + 1);
	if (!s->off_ns)
		return 0;
	now = bpf_ktime_get_ns();
	cycle_add_off(s, now);
	s->off_ns = 0;
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
	cycle_add_off(s, now);
	s->off_ns = now;
	s->off_runnable = 1;
	return 0;
}

char LICENSE[] SEC("license") __weak = "GPL";
