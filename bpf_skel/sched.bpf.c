// SPDX-License-Identifier: GPL-2.0
/*
 * Provider "sched": VM threads on and off their CPUs; for "halt": when a vCPU's thread fell
 * asleep and who woke it.
 *
 * All use BTF tracepoints: the kernel skips a classic program while it interrupts another one.
 */
#include "compat.bpf.h"
#include "sched.bpf.h"

#define TASK_DEAD	0x80	/* include/linux/sched.h: the thread will not run again */

static __always_inline void sched_begin(struct kvmw_ring_row *row, const struct kvmw_vcpu_state *s,
					u32 kind, u64 now, u32 tid, u32 cpu)
{
	row_begin(row, s, KVMW_EVENT_SCHED, kind, NR_VALUES(sched));
	row->e.time_ns = now;
	row->e.tid = tid;
	row->e.cpu = cpu;
}

/* Threads that are not vCPUs only have names. */
static __always_inline void name_other(struct kvmw_vcpu_state *s, struct task_struct *task)
{
	if (s->role != KVMW_ROLE_VCPU)
		name_task(s, task->pid, task);
}

static __always_inline void out_row(struct kvmw_vcpu_state *s, const struct runner *r, u64 now,
				    struct task_struct *prev, struct task_struct *next, u64 state)
{
	struct kvmw_ring_row row;

	sched_begin(&row, s, KVMW_sched_OUT, now, prev->pid, bpf_get_smp_processor_id());
	if (r && r->on_ns)
		row.e.span_ns = now - r->on_ns;
	row.value[VALUE(sched, other)] = next->pid;
	row.value[VALUE(sched, state)] = state;
	name_task(s, next->pid, next);
	name_other(s, prev);
	point_send(s, &row, sched, OUT);
}

static __always_inline void switched_out(struct task_struct *prev, struct task_struct *next,
					 u64 now, u64 state)
{
	struct kvmw_vcpu_state *s = state_of_vm_thread(prev, wants(KVMW_EVENT_SCHED));
	u32 tid = prev->pid;
	struct runner *r;

	if (!s)
		return;
	r = runner_of(tid);
	if (wants(KVMW_EVENT_SCHED))
		out_row(s, r, now, prev, next, state);
	if (!r)
		return;
	if (state & TASK_DEAD) {
		bpf_map_delete_elem(&runners, &tid);
		return;
	}
	r->on_ns = 0;
	r->ready_ns = state ? 0 : now;
	r->off_ns = state ? now : 0;
	r->offs[r->nr_offs++ & (NR_OFFS - 1)].out_ns = now;
}

static __always_inline void in_row(struct kvmw_vcpu_state *s, const struct runner *r, u64 now,
				   struct task_struct *prev, struct task_struct *next)
{
	struct kvmw_ring_row row;

	sched_begin(&row, s, KVMW_sched_IN, now, next->pid, bpf_get_smp_processor_id());
	if (r && r->ready_ns)
		row.e.span_ns = now - r->ready_ns;
	row.value[VALUE(sched, other)] = prev->pid;
	name_task(s, prev->pid, prev);
	point_send(s, &row, sched, IN);
}

static __always_inline void switched_in(struct task_struct *prev, struct task_struct *next, u64 now)
{
	struct kvmw_vcpu_state *s = state_of_vm_thread(next, wants(KVMW_EVENT_SCHED));
	struct runner *r;

	if (!s)
		return;
	r = runner_of(next->pid);
	if (wants(KVMW_EVENT_SCHED))
		in_row(s, r, now, prev, next);
	if (!r)
		return;
	r->offs[(r->nr_offs - 1) & (NR_OFFS - 1)].in_ns = now;
	r->on_ns = now;
	r->ready_ns = 0;
	r->off_ns = 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(sched_switched, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	u64 now, state;

	if (!active || !prev || !next)
		return 0;
	now = bpf_ktime_get_ns();
	state = compat_switch_state(ctx, prev);
	switched_out(prev, next, now, preempt ? 0 : state);
	switched_in(prev, next, now);
	return 0;
}

/* Runs in the waker's context, unlike sched_wakeup. */
SEC("tp_btf/sched_waking")
int BPF_PROG(sched_waker, struct task_struct *task)
{
	struct kvmw_vcpu_state *s;
	struct runner *r;
	u64 waker;

	if (!active || !task)
		return 0;
	s = state_of_vm_thread(task, wants(KVMW_EVENT_SCHED));
	r = s ? runner_of(task->pid) : NULL;
	if (!r)
		return 0;
	waker = who();
	r->waker = waker;
	r->waking_ns = bpf_ktime_get_ns();
	if (waker && waker != KVMW_NONE)
		name_task(s, waker, (void *)bpf_get_current_task());
	return 0;
}

static __always_inline void wakeup_row(struct kvmw_vcpu_state *s, const struct runner *r, u64 now,
				       struct task_struct *task)
{
	struct kvmw_ring_row row;

	sched_begin(&row, s, KVMW_sched_WAKEUP, now, task->pid, compat_task_cpu(task));
	if (r && r->off_ns)
		row.e.span_ns = now - r->off_ns;
	else if (r && (r->on_ns || r->ready_ns))
		row.e.span_ns = 0;	/* it had not fallen asleep yet */
	if (r && r->waking_ns)
		row.value[VALUE(sched, other)] = r->waker;
	name_other(s, task);
	point_send(s, &row, sched, WAKEUP);
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(sched_woken, struct task_struct *task)
{
	struct kvmw_vcpu_state *s;
	struct runner *r;
	u64 now;

	if (!active || !task)
		return 0;
	s = state_of_vm_thread(task, true);
	if (!s)
		return 0;
	now = bpf_ktime_get_ns();
	r = runner_of(task->pid);
	wakeup_row(s, r, now, task);
	/* If it was not seen to sleep it may be on a CPU, and about to leave it. */
	if (r && !r->on_ns && !r->ready_ns) {
		r->ready_ns = now;
		r->off_ns = 0;
	}
	return 0;
}

SEC("tp_btf/sched_migrate_task")
int BPF_PROG(sched_migrated, struct task_struct *task, int cpu)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s;
	u64 mover;

	if (!active || !task)
		return 0;
	s = state_of_vm_thread(task, true);
	if (!s)
		return 0;
	mover = who();
	sched_begin(&row, s, KVMW_sched_MIGRATE, bpf_ktime_get_ns(), task->pid, cpu);
	row.value[VALUE(sched, other)] = mover;
	row.value[VALUE(sched, from_cpu)] = compat_task_cpu(task);
	if (mover && mover != KVMW_NONE)
		name_task(s, mover, (void *)bpf_get_current_task());
	name_other(s, task);
	point_send(s, &row, sched, MIGRATE);
	return 0;
}

char LICENSE[] SEC("license") __weak = "GPL";
