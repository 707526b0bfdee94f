// SPDX-License-Identifier: GPL-2.0
/*
 * Provider "userspace": KVM_RUN returns to the VMM and is called again.  These two moments also
 * give the provider "exit" its time in the VMM.
 *
 * The call is seen by the best of run_kprobe, run_fentry and run_syscall that this kernel lets
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
	if (!row_wanted(user_ns, KVMW_NONE)) {
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

	/* KVM_RUN was missed: a program is skipped on a CPU where it is preempted. */
	if (s->user_open)
		user_end(s, now, KVMW_NONE);

	e->time_ns = now;
	e->run_ns = s->run_ns ? now - s->run_ns : KVMW_NONE;
	e->reason = reason;
	e->error = err;
	s->user_sum = sum_index(s, KVMW_EVENT_USERSPACE, KVMW_ISA_NONE, reason);
	sum = sum_at(s, s->user_sum);
	sum->count++;
	if (s->run_ns)
		sum->gap_ns += e->run_ns;
	s->run_ns = 0;
	s->user_open = 1;
}

/*
 * The state of a thread whose vCPU id is unknown here.  With --vcpu none is made, for it would
 * be recorded whichever vCPU it is.
 */
static __always_inline struct kvmw_vcpu_state *state_of_unknown(void)
{
	return state_of_thread(wants(KVMW_EVENT_USERSPACE) && !config.vcpu_filter);
}

/* KVM_RUN is called. */
static __always_inline void run(u32 vcpu_id, s32 fd)
{
	struct kvmw_vcpu_state *s;
	u64 now;

	if (!active)
		return;
	if (wants(KVMW_EVENT_USERSPACE) && vcpu_id != KVMW_VCPU_UNKNOWN)
		s = state_of_vcpu(vcpu_id);
	else
		s = state_of_unknown();
	if (!s)
		return;
	now = cycle_user_end(s);
	cycle_mark(s);
	if (fd >= 0)
		s->run_fd = fd;
	if (s->user_open)
		user_end(s, now, now - s->user.e.time_ns);
	s->run_ns = now;
}

static __always_inline u32 id_of(const struct kvm_vcpu *vcpu)
{
	if (wants(KVMW_EVENT_USERSPACE) && bpf_core_field_exists(vcpu->vcpu_id))
		return BPF_CORE_READ(vcpu, vcpu_id);
	return KVMW_VCPU_UNKNOWN;
}

SEC("fentry/kvm_arch_vcpu_ioctl_run")
int BPF_PROG(run_fentry, struct kvm_vcpu *vcpu)
{
	run(id_of(vcpu), -1);
	return 0;
}

SEC("kprobe/kvm_arch_vcpu_ioctl_run")
int BPF_KPROBE(run_kprobe, struct kvm_vcpu *vcpu)
{
	run(id_of(vcpu), -1);
	return 0;
}

SEC("tp/syscalls/sys_enter_ioctl")
int run_syscall(struct ioctl_args *ctx)
{
	if ((u32)ctx->cmd != KVM_RUN)
		return PASS_ON;
	run(KVMW_VCPU_UNKNOWN, ctx->fd);
	return PASS_ON;
}

/* The same on all kernels; the recorder checks it. */
struct userspace_exit_args {
	u64 common;
	u32 reason;
	s32 error;
};

SEC("tp/kvm/kvm_userspace_exit")
int kvm_userspace_exit(struct userspace_exit_args *ctx)
{
	struct kvmw_vcpu_state *s;
	u32 reason = ctx->reason;
	u64 now;

	if (!active)
		return PASS_ON;
	s = state_of_unknown();
	if (!s)
		return PASS_ON;
	now = cycle_user_begin(s);
	if (ctx->error < 0)
		reason = KVMW_REASON_ERRNO + (u32)-ctx->error;
	if (s->exit_open && s->exit.e.user_reason == NO_USER)
		s->exit.e.user_reason = reason;
	if (wants(KVMW_EVENT_USERSPACE))
		user_begin(s, now, reason, ctx->error);
	return PASS_ON;
}

char LICENSE[] SEC("license") __weak = "GPL";
