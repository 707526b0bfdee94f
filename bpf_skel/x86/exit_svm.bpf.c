// SPDX-License-Identifier: GPL-2.0
/* Provider "exit": kvm_exit of SVM without a trace record. */
#include "exit.bpf.h"

/* arch/x86/kvm/svm/svm.h */
struct vcpu_svm {
	struct kvm_vcpu vcpu;
	void *vmcb;
} __attribute__((preserve_access_index));

/* Of the control area of the VMCB: AMD64 Architecture Programmer's Manual, volume 2, appendix B. */
#define VMCB_EXITCODE	0x70
struct vmcb_exit {
	u64 exitcode, exitinfo1, exitinfo2;
	u32 exitintinfo, exitintinfo_error;
};
#define EXITINTINFO_EV	(1U << 11)	/* an error code was pushed */
#define EXITINTINFO_V	(1U << 31)

static __always_inline void *read_vmcb(const struct kvm_vcpu *vcpu)
{
	const struct vcpu_svm *svm =
		(const void *)vcpu - bpf_core_field_offset(struct vcpu_svm, vcpu);

	return BPF_CORE_READ(svm, vmcb);
}

/*
 * The VMCB that the vCPU ran with.  While it runs no nested guest, that is the one it was made with
 * (svm_switch_vmcb(), arch/x86/kvm/svm/svm.c), and need not be read again: its read costs as much
 * as that of its content. Linux 5.14 and later show whether it runs one.
 */
static __always_inline void *vmcb_of(struct kvmw_vcpu_state *s, const struct kvm_vcpu *vcpu)
{
	if (!bpf_core_field_exists(vcpu->stat.guest_mode) || vcpu->stat.guest_mode)
		return read_vmcb(vcpu);
	if (!s->exit_page)
		s->exit_page = (u64)read_vmcb(vcpu);
	return (void *)s->exit_page;
}

static __always_inline bool read_exitcode(u32 *to, const void *page)
{
	u64 code;

	if (compat_reads_words()) {
		*to = compat_words(page + VMCB_EXITCODE)[0];
		return true;
	}
	if (bpf_probe_read_kernel(&code, sizeof(code), page + VMCB_EXITCODE))
		return false;
	*to = code;
	return true;
}

static __always_inline bool read_exit(struct vmcb_exit *to, const void *page)
{
	const u64 *words;

	if (!compat_reads_words())
		return !bpf_probe_read_kernel(to, sizeof(*to), page + VMCB_EXITCODE);
	words = compat_words(page + VMCB_EXITCODE);
	to->exitcode = words[0];
	to->exitinfo1 = words[1];
	to->exitinfo2 = words[2];
	to->exitintinfo = words[3];
	to->exitintinfo_error = words[3] >> 32;
	return true;
}

/* svm_vcpu_run() has copied it from the VMCB; the tracepoint reports the same. */
static __always_inline u64 guest_rip(const struct kvm_vcpu *vcpu)
{
	return bpf_core_field_exists(vcpu->arch.rip) ? vcpu->arch.rip : typed_reg(vcpu, GUEST_RIP);
}

/*
 * SVM leaves all information about an exit in memory (svm_get_exit_info() in
 * arch/x86/kvm/svm/svm.c), so no trace record needs to be built.  VMX keeps it in the VMCS, which
 * a program cannot read.
 */
SEC("tp_btf/kvm_exit")
int BPF_PROG(exit_svm, struct kvm_vcpu *vcpu)
{
	u64 now = bpf_ktime_get_ns(), guest_ns;
	struct exit_info info = { .isa = KVMW_ISA_SVM };
	struct kvmw_vcpu_state *s;
	struct vmcb_exit vmcb;
	void *page;
	u32 cpu;

	if (!vcpu)
		return 0;
	cpu = vcpu->cpu;
	s = state_found_on(cpu);
	if (s && s->steady == (u64)vcpu && s->entry_ns) {
		guest_ns = exit_steady(s, now, cpu);
	} else {
		s = active ? state_of_vcpu((u64)vcpu, cpu) : NULL;
		if (!s)
			return 0;
		guest_ns = exit_other(s, &now, cpu);
	}
	page = vmcb_of(s, vcpu);
	if (only_counts()) {
		if (!read_exitcode(&info.reason, page))
			return 0;
		exit_begin(s, now, guest_ns, &info);
		return 0;
	}
	if (!read_exit(&vmcb, page))
		return 0;
	info.rip = guest_rip(vcpu);
	info.info1 = vmcb.exitinfo1;
	info.info2 = vmcb.exitinfo2;
	info.intr_info = vmcb.exitintinfo;
	info.error_code = (vmcb.exitintinfo & (EXITINTINFO_V | EXITINTINFO_EV)) ==
			  (EXITINTINFO_V | EXITINTINFO_EV) ? vmcb.exitintinfo_error : 0;
	info.reason = vmcb.exitcode;
	exit_describe(&s->exit.e, &info, vcpu, true);
	exit_begin(s, now, guest_ns, &info);
	return 0;
}

char LICENSE[] SEC("license") __weak = "GPL";
