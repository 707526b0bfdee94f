// SPDX-License-Identifier: GPL-2.0
/*
 * Provider "stack": where the vCPU's thread was while its guest did not run.
 *
 * The stack of a cycle, of a return to the VMM, of a page fault's handling or of an ioctl is taken
 * when the thread first falls asleep; if it does not, when its CPU is first taken away.  If neither
 * happens, that of a cycle or return is taken when KVM_RUN returns; its user stack is then that of
 * the VMM's call.  A cycle that KVM handles without sleeping or returning has no stack and no row.
 * The row is made when the cycle ends, so its duration decides whether it is wanted. The stacks and
 * rows of faults and ioctls are completed where these end: fault.bpf.c, ioctl.bpf.c.
 *
 * These programs run on the same tracepoints as those of exit and userspace, before or after
 * them: a cycle that has ended by then is still in the state.
 */
#include "fault.bpf.h"
#include "sched.bpf.h"
#include "stack.bpf.h"

#define SAMPLE_NS	(1000000000 / KVMW_SAMPLE_HZ)

/* Whether stacks of this kind are wanted, and an event in progress has none that is as good. */
static __always_inline bool lacks_stack(const struct kvmw_stack_ids *ids, u32 kind, u32 from,
					bool in_progress)
{
	return wants_stack(kind) && in_progress && ids->from < from;
}

/* The vCPU that the thread runs.  Does not use here[], which is for threads that run vCPUs. */
static __always_inline struct kvmw_vcpu_state *vcpu_of_thread(u32 tid)
{
	struct thread *thread = bpf_map_lookup_elem(&threads, &tid);

	return thread && thread->start_ns == thread_start() ?
	       known_state(thread->known, tid) : NULL;
}

/* The ioctl that the thread is in. */
static __always_inline struct kvmw_call *call_of_thread(u32 tid)
{
	struct kvmw_call *call =
		wants_stack(KVMW_stack_IOCTL) ? bpf_map_lookup_elem(&calls, &tid) : NULL;

	return call && call_wants_stack(call) ? call : NULL;
}

/* The thread leaves its CPU. */
SEC("tp_btf/sched_switch")
int stack_switch(u64 *ctx)
{
	u32 tid = bpf_get_current_pid_tgid(),
	    from = ctx[0] & 1 ? KVMW_STACK_PREEMPTED : KVMW_STACK_ASLEEP;
	struct kvmw_stack_ids ids = { .from = from };
	bool exit = false, user = false, fault = false, in_call;
	struct kvmw_vcpu_state *s;
	struct kvmw_call *call;

	if (!active)
		return 0;
	s = vcpu_of_thread(tid);
	if (s) {
		exit = lacks_stack(&s->stack[KVMW_STACK_OF_EXIT], KVMW_stack_EXIT, from,
				   s->exit_open);
		user = lacks_stack(&s->stack[KVMW_STACK_OF_USERSPACE], KVMW_stack_USERSPACE, from,
				   s->user_open);
		fault = lacks_stack(&s->stack[KVMW_STACK_OF_FAULT], KVMW_stack_FAULT, from,
				    fault_now(s));
	}
	call = call_of_thread(tid);
	in_call = call && lacks_stack(&call->stack, KVMW_stack_IOCTL, from, true);
	if (!exit && !user && !fault && !in_call)
		return 0;
	ids.kernel = stack_id(ctx, 0);
	ids.user = stack_id(ctx, BPF_F_USER_STACK);
	if (exit)
		s->stack[KVMW_STACK_OF_EXIT] = ids;
	if (user)
		s->stack[KVMW_STACK_OF_USERSPACE] = ids;
	if (fault)
		s->stack[KVMW_STACK_OF_FAULT] = ids;
	if (in_call)
		call->stack = ids;
	return 0;
}

SEC("tp/kvm/kvm_userspace_exit")
int stack_userspace_exit(void *ctx)
{
	struct kvmw_stack_ids ids = { .from = KVMW_STACK_RETURN, .kernel = -1 };
	struct kvmw_vcpu_state *s;
	bool exit;

	if (!active)
		return PASS_ON;
	s = state_of_thread(false);
	if (!s)
		return PASS_ON;
	exit = wants_stack(KVMW_stack_EXIT) && s->exit_open && !s->stack[KVMW_STACK_OF_EXIT].from;
	if (!exit && !wants_stack(KVMW_stack_USERSPACE))
		return PASS_ON;
	ids.user = stack_id(ctx, BPF_F_USER_STACK);
	if (exit)
		s->stack[KVMW_STACK_OF_EXIT] = ids;
	if (wants_stack(KVMW_stack_USERSPACE))
		s->stack[KVMW_STACK_OF_USERSPACE] = ids;
	return PASS_ON;
}

static __always_inline void entered(void)
{
	struct kvmw_vcpu_state *s = state_of_thread(false);
	const struct kvmw_exit *e;
	struct kvmw_ring_row row;

	if (!s || !s->stack[KVMW_STACK_OF_EXIT].from)
		return;
	e = &s->exit.e;
	stack_fill(&row, s, KVMW_stack_EXIT, &s->stack[KVMW_STACK_OF_EXIT]);
	row.e.time_ns = e->time_ns;
	row.e.span_ns = s->exit_open ? bpf_ktime_get_ns() - e->time_ns : e->total_ns;
	if (!reason_wanted(e->reason) || !detail_wanted(e->detail_kind, e->detail))
		return;
	row.value[VALUE(stack, reason)] = e->reason;
	row.value[VALUE(stack, isa)] = e->isa;
	point_send(s, &row, stack, EXIT);
}

SEC("tp_btf/kvm_entry")
int BPF_PROG(stack_entry_btf, struct kvm_vcpu *vcpu)
{
	if (active)
		entered();
	return 0;
}

SEC("tp/kvm/kvm_entry")
int stack_entry(void *ctx)
{
	if (active)
		entered();
	return PASS_ON;
}

/* KVM_RUN is called: the VMM's time ends. */
SEC("kprobe/kvm_arch_vcpu_ioctl_run")
int BPF_KPROBE(stack_run, struct kvm_vcpu *vcpu)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s;
	u64 time_ns;

	if (!active)
		return 0;
	s = state_of_thread(false);
	if (!s || !s->stack[KVMW_STACK_OF_USERSPACE].from)
		return 0;
	time_ns = s->user.e.time_ns;
	stack_fill(&row, s, KVMW_stack_USERSPACE, &s->stack[KVMW_STACK_OF_USERSPACE]);
	row.e.time_ns = time_ns;
	row.e.span_ns = s->user_open ? bpf_ktime_get_ns() - time_ns : s->user.e.user_ns;
	row.value[VALUE(stack, reason)] = s->user.e.reason;
	row.value[VALUE(stack, isa)] = KVMW_ISA_NONE;
	point_send(s, &row, stack, USERSPACE);
	return 0;
}

/* The state of the current thread of a VMM; NULL: it is none of a recorded VM. */
static __always_inline struct kvmw_vcpu_state *state_of_vmm_thread(u32 tgid, u32 tid)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct kvmw_vcpu_state *s;

	if (!tid || !is_vm(tgid, task))
		return NULL;
	s = vcpu_of_thread(tid);
	return s || config.vcpu_filter ? s : state_of_other(tgid, 0, task);
}

/*
 * The CPU's time is sampled, by an interrupt.  All maps of the programs that it may have
 * interrupted can be used then; here[] is left to these.
 */
SEC("perf_event")
int stack_sample(void *ctx)
{
	u64 pid_tgid = bpf_get_current_pid_tgid();
	struct kvmw_stack_ids ids = {};
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s;

	if (!active)
		return 0;
	s = state_of_vmm_thread(pid_tgid >> 32, pid_tgid);
	if (!s || running_vcpu())
		return 0;
	row_count(&s->kinds[SUM_OF(stack, VMM)], SAMPLE_NS);
	if (!spared()) {
		__sync_fetch_and_add(&s->kinds[SUM_OF(stack, VMM)].filtered, 1);
		return 0;
	}
	ids.kernel = stack_id(ctx, 0);
	ids.user = stack_id(ctx, BPF_F_USER_STACK);
	if (s->role != KVMW_ROLE_VCPU)
		name_task(s, pid_tgid, (void *)bpf_get_current_task());
	stack_fill(&row, s, KVMW_stack_VMM, &ids);
	row.e.span_ns = SAMPLE_NS;
	row_put(s, &row, SUM_OF(stack, VMM), 8 + sizeof(struct kvmw_stack));
	return 0;
}

char LICENSE[] SEC("license") __weak = "GPL";
