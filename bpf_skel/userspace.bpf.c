// SPDX-License-Identifier: GPL-2.0
/*
 * Provider "userspace": KVM_RUN returns to the VMM and is called again.  These two moments also
 * give the provider "exit" its time in the VMM.
 *
 * The call is seen by the best of run_fentry, run_kprobe and run_syscall that this kernel lets
 * the recorder attach.
 */
#include "cycle.bpf.h"
#include "ioctl.bpf.h"

/* Counts and sends; user_ns KVMW_NONE: the next KVM_RUN was missed. */
static __always_inline void user_end(struct kvmw_vcpu_state *s, u64 now, u64 user_ns)
{
	struct kvmw_sum *sum = sum_at(s, s->user_sum);

	s->user_open = 0;
	s->user.e.user_ns = user_ns;
	if (user_ns != KVMW_NONE) {
		sum->done++;
		sum->span_ns += user_ns;
		sum->user_ns += user_ns;
	}
	if (!row_wanted(user_ns, KVMW_NONE) || !spared()) {
		sum->filtered++;
	} else if (!emit(s, &s->user, sizeof(s->user))) {
		sum->lost++;
		count_lost(s, KVMW_EVENT_USERSPACE, now);
	}
}

static __always_inline void user_begin(struct kvmw_vcpu_state *s, u64 now, u32 reason, s32 err)
{
	struct kvmw_userspace *e = &s->user.e;
	struct kvmw_sum *sum;
	u32 at;

	/* KVM_RUN was missed: a program is skipped on a CPU where it is preempted. */
	if (s->user_open)
		user_end(s, now, KVMW_NONE);

	e->time_ns = now;
	e->run_ns = s->run_ns ? now - s->run_ns : KVMW_NONE;
	e->reason = reason;
	e->error = err;
	sum = sum_of(s, KVMW_EVENT_USERSPACE, KVMW_ISA_NONE, reason, &at);
	s->user_sum = at;
	sum->count++;
	if (s->run_ns)
		sum->gap_ns += e->run_ns;
	s->run_ns = 0;
	s->user_open = 1;
}

/* KVM_RUN is called. */
static __always_inline void run_begin(struct kvmw_vcpu_state *s)
{
	u64 now;

	if (!s)
		return;
	now = cycle_user_end(s);
	if (wants(KVMW_EVENT_USERSPACE) && s->user_open)
		user_end(s, now, now - s->user.e.time_ns);
	s->run_ns = now;
}

static __always_inline void run(u64 vcpu)
{
	run_begin(state_of_vcpu(vcpu, bpf_get_smp_processor_id()));
}

SEC("fentry/kvm_arch_vcpu_ioctl_run")
int BPF_PROG(run_fentry, struct kvm_vcpu *vcpu)
{
	run_begin(state_of_running(state_found_on(vcpu->cpu), vcpu));
	return 0;
}

SEC("kprobe/kvm_arch_vcpu_ioctl_run")
int BPF_KPROBE(run_kprobe, struct kvm_vcpu *vcpu)
{
	if (active)
		run((u64)vcpu);
	return 0;
}

SEC("tp/syscalls/sys_enter_ioctl")
int run_syscall(struct ioctl_args *ctx)
{
	struct kvmw_vcpu_state *s;
	struct file *file;
	u64 vcpu;

	if (!active || (u32)ctx->cmd != KVM_RUN)
		return PASS_ON;
	file = file_of(ctx->fd);
	vcpu = (u64)BPF_CORE_READ(file, private_data);
	s = state_of_thread(false);
	if ((s && s->vcpu == vcpu) || fd_kind(file) == FD_VCPU)
		run(vcpu);
	return PASS_ON;
}

/* The same on all kernels; the recorder checks it. */
struct userspace_exit_args {
	u64 common;
	u32 reason;
	s32 error;
};

/* KVM_RUN returns. */
static __always_inline void returns(struct kvmw_vcpu_state *s, u32 reason, s32 err)
{
	u64 now;

	if (!s)
		return;
	now = cycle_user_begin(s);
	if (only_counts() && !wants(KVMW_EVENT_USERSPACE))
		return;
	if (err < 0)
		reason = KVMW_REASON_ERRNO + (u32)-err;
	if (s->exit_open && s->exit.e.user_reason == NO_USER)
		s->exit.e.user_reason = reason;
	if (wants(KVMW_EVENT_USERSPACE))
		user_begin(s, now, reason, err);
}

/* Saves the kernel from building a trace record; needs the BTF of kvm.ko. */
SEC("tp_btf/kvm_userspace_exit")
int BPF_PROG(userspace_exit_btf, u32 reason, int err)
{
	returns(state_of_typed_thread(wants(KVMW_EVENT_USERSPACE)), reason, err);
	return 0;
}

SEC("tp/kvm/kvm_userspace_exit")
int kvm_userspace_exit(struct userspace_exit_args *ctx)
{
	if (active)
		returns(state_of_thread(wants(KVMW_EVENT_USERSPACE)), ctx->reason, ctx->error);
	return PASS_ON;
}

char LICENSE[] SEC("license") __weak = "GPL";
