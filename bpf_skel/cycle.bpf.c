// SPDX-License-Identifier: GPL-2.0
/*
 * Provider "exit": when vCPU threads are off their CPUs.  For any other thread, these programs
 * cost one comparison with what this CPU ran last and one failed lookup.
 */
#include "compat.bpf.h"
#include "cycle.bpf.h"

/* The state of the vCPU that a thread runs; NULL: it runs no vCPU. */
static __always_inline struct kvmw_vcpu_state *state_of_task(const struct task_struct *task,
							     u32 *known)
{
	u32 pid = task->pid;
	struct thread *found = pid ? bpf_map_lookup_elem(&threads, &pid) : NULL;

	if (!found || found->tgid != (u32)task->tgid)
		return NULL;
	*known = found->known;
	return *known == NO_STATE_YET || *known == UNWANTED ? NULL : state_at(*known - 1);
}

/* Not the classic tracepoint: the kernel skips it while it interrupts another BPF program. */
SEC("tp_btf/sched_switch")
int BPF_PROG(cycle_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	u32 cpu = bpf_get_smp_processor_id() & (MAX_CPUS - 1), known;
	struct kvmw_vcpu_state *s;
	u64 last, now;

	if (!active || !prev || !next)
		return 0;
	last = here[cpu].known;
	known = last;
	if (last >> 32 == (u32)prev->pid && known != NO_STATE_YET && known != UNWANTED) {
		s = state_at(known - 1);
		if (s)
			cycle_out(s, bpf_ktime_get_ns(), preempt || !compat_task_state(prev));
	}
	s = state_of_task(next, &known);
	if (!s)
		return 0;
	here[cpu].known = (u64)next->pid << 32 | known;
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
	u32 known;
	u64 now;

	if (!active || !task)
		return 0;
	s = state_of_task(task, &known);
	if (!s || !s->off_ns || s->off_runnable)
		return 0;
	now = bpf_ktime_get_ns();
	cycle_add_off(s, now);
	s->off_ns = now;
	s->off_runnable = 1;
	return 0;
}

char LICENSE[] SEC("license") __weak = "GPL";
