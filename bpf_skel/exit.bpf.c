// SPDX-License-Identifier: GPL-2.0
/*
 * Provider "exit": one record per cycle of a vCPU, stashed at kvm_exit, completed
 * and sent at kvm_entry.
 */
#include "cycle.bpf.h"
#include "x86/detail.bpf.h"

/* Not captured: no sum either. */
static __always_inline void add_parts(struct kvmw_sum *sum, const struct kvmw_exit *e)
{
	if (config.parts) {
		sum->halt_ns += e->halt_ns;
		sum->poll_ns += e->poll_ns;
		sum->wait_ns += e->wait_ns;
		sum->block_ns += e->block_ns;
	} else {
		sum->halt_ns = sum->poll_ns = sum->wait_ns = sum->block_ns = KVMW_NONE;
	}
}

/* Counts, then sends the cycle; total_ns KVMW_NONE: its entry was never seen. */
static __always_inline void cycle_end(struct kvmw_vcpu_state *s, u64 now, u64 total_ns)
{
	struct kvmw_sum *sum = sum_at(s, s->exit_sum);

	s->exit_open = 0;
	s->exit.e.total_ns = total_ns;
	if (total_ns != KVMW_NONE) {
		sum->done++;
		sum->span_ns += total_ns;
		sum->user_ns += s->exit.e.user_ns;
		add_parts(sum, &s->exit.e);
		s->exit.e.entry_cpu = bpf_get_smp_processor_id();
	}
	if (!cycle_wanted(s)) {
		sum->filtered++;
	} else if (!emit(s, &s->exit, sizeof(s->exit))) {
		sum->lost++;
		count_lost(s, KVMW_EVENT_EXIT, now);
	}
}

/* One exit as the tracepoint tells it. */
struct exit_info {
#define MEMBER(type, name, field, offset) type name;
	KVM_EXIT_FIELDS(MEMBER)
};

/*
 * A program reaches its context at fixed offsets only, so where the running kernel's
 * format is another one, fields come from a copy.  In assembly, lest the compiler turn
 * the choice of values into a choice of pointers.
 */
#define LOAD(type, name, field, offset) ({				\
	u64 value;							\
	asm volatile("%0 = *(" #type " *)(%1 + " #offset ")" :		\
		     "=r"(value) : "r"(ctx));				\
	info.name = value; });
#define COPY(type, name, field, offset) info.name = *(type *)(raw + config.exit.name);

static __always_inline void exit_begin(struct kvmw_vcpu_state *s, u64 now, const struct exit_info *info)
{
	struct kvmw_exit *e = &s->exit.e;
	struct kvmw_sum *sum;

	/* Some kernels' VMX fast path runs the guest again without a kvm_entry. */
	if (s->exit_open)
		cycle_end(s, now, KVMW_NONE);
	/* Without an entry before, what is there belongs to no cycle. */
	if (!s->entry_ns)
		cycle_clear(s);
	if (s->out_ns)
		now = s->out_ns;
	else
		e->exit_cpu = bpf_get_smp_processor_id();

	e->time_ns = now;
	e->guest_ns = s->entry_ns ? now - s->entry_ns : KVMW_NONE;
	e->user_ns = 0;
	e->rip = info->rip;
	e->info1 = info->info1;
	e->info2 = info->info2;
	e->intr_info = info->intr_info;
	e->error_code = info->error_code;
	e->reason = info->reason;
	e->isa = info->isa;
	e->user_reason = NO_USER;
	e->entry_cpu = NO_CPU;
	if (info->isa == KVMW_ISA_SVM)
		detail_svm(s, e);
	else
		detail_vmx(s, e);
	cycle_mark(s);

	s->exit_sum = sum_index(s, KVMW_EVENT_EXIT, info->isa, info->reason);
	sum = sum_at(s, s->exit_sum);
	sum->count++;
	if (s->entry_ns)
		sum->gap_ns += e->guest_ns;
	s->exit_open = 1;
	s->entry_ns = 0;
}

SEC("tp/kvm/kvm_exit")
int kvm_exit(void *ctx)
{
	char raw[128] __attribute__((aligned(8)));
	u64 now = bpf_ktime_get_ns();
	struct exit_info info;
	struct kvmw_vcpu_state *s;

	if (!active)
		return PASS_ON;
	if (config.exit.fixed) {
		KVM_EXIT_FIELDS(LOAD)
	} else {
		if (config.exit.size > sizeof(raw) ||
		    bpf_probe_read_kernel(raw, config.exit.size, ctx))
			return PASS_ON;
		KVM_EXIT_FIELDS(COPY)
	}
	s = state_of_vcpu(info.vcpu_id);
	if (!s)
		return PASS_ON;
	exit_begin(s, now, &info);
	return PASS_ON;
}

/*
 * The VMCB: part of its control area, and RIP in its state save area.  AMD64 Architecture
 * Programmer's Manual, volume 2, appendix B.
 */
#define VMCB_EXITCODE	0x70
#define VMCB_RIP	0x578
struct vmcb_exit {
	u64 exitcode, exitinfo1, exitinfo2;
	u32 exitintinfo, exitintinfo_error;
};
#define EXITINTINFO_EV	(1U << 11)	/* an error code was pushed */
#define EXITINTINFO_V	(1U << 31)

/*
 * SVM leaves all that kvm_exit tells in memory (svm_get_exit_info() in
 * arch/x86/kvm/svm/svm.c), so the making of a trace record can be spared.  VMX keeps
 * it in the VMCS, out of a program's reach.
 */
SEC("tp_btf/kvm_exit")
int BPF_PROG(exit_svm, struct kvm_vcpu *vcpu, u32 isa)
{
	u64 now = bpf_ktime_get_ns();
	struct vcpu_svm *svm;
	struct vmcb_exit vmcb;
	struct exit_info info;
	struct kvmw_vcpu_state *s;
	void *page;

	if (!active || !vcpu)
		return 0;
	s = state_of_vcpu(vcpu->vcpu_id);
	if (!s)
		return 0;
	svm = (void *)vcpu - bpf_core_field_offset(struct vcpu_svm, vcpu);
	page = BPF_CORE_READ(svm, vmcb);
	if (bpf_probe_read_kernel(&vmcb, sizeof(vmcb), page + VMCB_EXITCODE) ||
	    bpf_probe_read_kernel(&info.rip, sizeof(info.rip), page + VMCB_RIP))
		return 0;
	info.info1 = vmcb.exitinfo1;
	info.info2 = vmcb.exitinfo2;
	info.intr_info = vmcb.exitintinfo;
	info.error_code = (vmcb.exitintinfo & (EXITINTINFO_V | EXITINTINFO_EV)) ==
			  (EXITINTINFO_V | EXITINTINFO_EV) ? vmcb.exitintinfo_error : 0;
	info.reason = vmcb.exitcode;
	info.isa = isa;
	exit_begin(s, now, &info);
	return 0;
}

/* vcpu: KVM's own, or 0 where it is not at hand. */
static __always_inline void entry(u32 vcpu_id, u64 vcpu)
{
	struct kvmw_vcpu_state *s = state_of_vcpu(vcpu_id);
	u64 now;

	if (!s)
		return;
	s->vcpu = vcpu;
	/* Without exits to record, that is all: which thread runs which vCPU. */
	if (!wants(KVMW_EVENT_EXIT))
		return;
	/* If KVM_RUN itself was not seen, the VMM's time ends here. */
	now = s->user_ns ? cycle_user_end(s) : bpf_ktime_get_ns();
	if (s->exit_open)
		cycle_end(s, now, now - s->exit.e.time_ns);
	cycle_clear(s);
	s->entry_ns = now;
}

/* Spares the kernel the making of a trace record; needs BTF of kvm.ko (5.11). */
SEC("tp_btf/kvm_entry")
int BPF_PROG(entry_btf, struct kvm_vcpu *vcpu)
{
	/* From 6.12 on the verifier takes the pointer for one that may be NULL. */
	if (active && vcpu)
		entry(vcpu->vcpu_id, (u64)vcpu);
	return 0;
}

SEC("tp/kvm/kvm_entry")
int kvm_entry(void *ctx)
{
	u32 vcpu_id;

	if (active && !bpf_probe_read_kernel(&vcpu_id, 4, ctx + config.entry.vcpu_id))
		entry(vcpu_id, 0);
	return PASS_ON;
}

char LICENSE[] SEC("license") __weak = "GPL";
