// SPDX-License-Identifier: GPL-2.0
/*
 * Provider "stack": where the vCPU's thread was while its guest did not run.
 *
 * The stack of a cycle, or of a return to the VMM, is taken when the thread first leaves its
 * CPU.  If it does not, it is taken when KVM_RUN returns; its user stack is then that of the
 * VMM's call.  A cycle that KVM handles without sleeping or returning has no stack and no row.
 * The row is made when the cycle ends, so its duration decides whether it is wanted.
 *
 * The ids of kernel and user stacks share one space: they are hashes of the addresses.  A stack
 * whose id another one has goes into a second map; a third such stack is unknown.
 *
 * These programs run on the same tracepoints as those of exit and userspace, before or after
 * them: a cycle that has ended by then is still in the state.
 */
#include "filter.bpf.h"
#include "point.bpf.h"

struct stack_map {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, KVMW_MAX_STACKS / 2);
	__uint(key_size, sizeof(u32));
	__uint(value_size, KVMW_MAX_FRAMES * sizeof(u64));
};
struct stack_map stacks SEC(".maps");
struct stack_map more_stacks SEC(".maps");

#define EEXIST 17

/* < 0: unknown. */
static __always_inline s32 stack_id(void *ctx, u64 flags)
{
	s32 id = bpf_get_stackid(ctx, &stacks, flags);

	if (id != -EEXIST)
		return id;
	id = bpf_get_stackid(ctx, &more_stacks, flags);
	return id < 0 ? id : id + KVMW_MAX_STACKS / 2;
}

static __always_inline bool wants_stack(u32 kind)
{
	return config.stacks >> kind & 1;
}

/* The thread leaves its CPU. */
SEC("tp_btf/sched_switch")
int stack_switch(u64 *ctx)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct thread *thread;
	struct kvmw_vcpu_state *s;
	bool exit, user;
	s32 kernel, vmm;

	if (!active)
		return 0;
	/* Does not use here[], which is for threads that run vCPUs. */
	thread = bpf_map_lookup_elem(&threads, &tid);
	if (!thread || thread->start_ns != thread_start())
		return 0;
	s = known_state(thread->known, tid);
	if (!s)
		return 0;
	exit = wants_stack(KVMW_stack_EXIT) && s->exit_open &&
	       s->stack[0].from != KVMW_STACK_SWITCH;
	user = wants_stack(KVMW_stack_USERSPACE) && s->user_open &&
	       s->stack[1].from != KVMW_STACK_SWITCH;
	if (!exit && !user)
		return 0;
	kernel = stack_id(ctx, 0);
	vmm = stack_id(ctx, BPF_F_USER_STACK);
	if (exit) {
		s->stack[0].kernel = kernel;
		s->stack[0].user = vmm;
		s->stack[0].from = KVMW_STACK_SWITCH;
	}
	if (user) {
		s->stack[1].kernel = kernel;
		s->stack[1].user = vmm;
		s->stack[1].from = KVMW_STACK_SWITCH;
	}
	return 0;
}

SEC("tp/kvm/kvm_userspace_exit")
int stack_userspace_exit(void *ctx)
{
	struct kvmw_vcpu_state *s;
	bool exit;
	s32 vmm;

	if (!active)
		return PASS_ON;
	s = state_of_thread(false);
	if (!s)
		return PASS_ON;
	exit = wants_stack(KVMW_stack_EXIT) && s->exit_open && !s->stack[0].from;
	if (!exit && !wants_stack(KVMW_stack_USERSPACE))
		return PASS_ON;
	vmm = stack_id(ctx, BPF_F_USER_STACK);
	if (exit) {
		s->stack[0].kernel = -1;
		s->stack[0].user = vmm;
		s->stack[0].from = KVMW_STACK_RETURN;
	}
	if (wants_stack(KVMW_stack_USERSPACE)) {
		s->stack[1].kernel = -1;
		s->stack[1].user = vmm;
		s->stack[1].from = KVMW_STACK_RETURN;
	}
	return PASS_ON;
}

static __always_inline void fill(struct kvmw_ring_row *row, struct kvmw_vcpu_state *s, u32 which,
				 u32 kind, u64 time_ns, u64 span_ns)
{
	row_begin(row, s, KVMW_EVENT_STACK, kind, NR_VALUES(stack));
	row->e.time_ns = time_ns;
	row->e.span_ns = span_ns;
	row->value[VALUE(stack, kernel)] = (s64)s->stack[which].kernel;
	row->value[VALUE(stack, user)] = (s64)s->stack[which].user;
	s->stack[which].from = KVMW_STACK_NONE;
}

static __always_inline void entered(void)
{
	struct kvmw_vcpu_state *s = state_of_thread(false);
	const struct kvmw_exit *e;
	struct kvmw_ring_row row;

	if (!s || !s->stack[0].from)
		return;
	e = &s->exit.e;
	fill(&row, s, 0, KVMW_stack_EXIT, e->time_ns,
	     s->exit_open ? bpf_ktime_get_ns() - e->time_ns : e->total_ns);
	if (!reason_wanted(e->reason) || !detail_wanted(e->detail_kind, e->detail))
		return;
	row.value[VALUE(stack, reason)] = e->reason;
	row.value[VALUE(stack, isa)] = e->isa;
	point_send(s, &row, stack, EXIT);
}

SEC("tp_btf/kvm_entry")
int BPF_PROG(stack_entry_btf, struct kvm_vcpu *vcpu)
{
	if (active && wants_stack(KVMW_stack_EXIT))
		entered();
	return 0;
}

SEC("tp/kvm/kvm_entry")
int stack_entry(void *ctx)
{
	if (active && wants_stack(KVMW_stack_EXIT))
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

	if (!active || !wants_stack(KVMW_stack_USERSPACE))
		return 0;
	s = state_of_thread(false);
	if (!s || !s->stack[1].from)
		return 0;
	time_ns = s->user.e.time_ns;
	fill(&row, s, 1, KVMW_stack_USERSPACE, time_ns,
	     s->user_open ? bpf_ktime_get_ns() - time_ns : s->user.e.user_ns);
	row.value[VALUE(stack, reason)] = s->user.e.reason;
	row.value[VALUE(stack, isa)] = KVMW_ISA_NONE;
	point_send(s, &row, stack, USERSPACE);
	return 0;
}

char LICENSE[] SEC("license") __weak = "GPL";
