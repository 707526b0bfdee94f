// SPDX-License-Identifier: GPL-2.0
/* Provider "exit": where a vCPU leaves its guest, and enters it again. */
#include "exit.bpf.h"

/*
 * A program can read its context at fixed offsets only, so where the running kernel has
 * another format, the fields are read from a copy.  LOAD is assembly to keep the compiler from
 * turning the choice of values into a choice of pointers.
 */
#define LOAD(type, name, field, offset) ({				\
	u64 value;							\
	asm volatile("%0 = *(" #type " *)(%1 + " #offset ")" :		\
		     "=r"(value) : "r"(ctx));				\
	info.name = value; });
#define COPY(type, name, field, offset) info.name = *(type *)(raw + config.exit.name);

/* A thread that has entered a guest still runs that vCPU. */
static __always_inline struct kvmw_vcpu_state *state_of_exit(void)
{
	struct kvmw_vcpu_state *s = state_of_thread(false);

	return s && s->entry_ns ? s : state_of_vcpu(loaded_vcpu(), bpf_get_smp_processor_id());
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
	s = state_of_exit();
	if (!s)
		return PASS_ON;
	exit_begin(s, now, &info, (void *)s->vcpu, false, bpf_get_smp_processor_id());
	return PASS_ON;
}

static __always_inline void entry(struct kvmw_vcpu_state *s, u32 cpu)
{
	u64 now;

	if (!s)
		return;
	/* If exits are not recorded, this only tracks which thread runs which vCPU. */
	if (!wants(KVMW_EVENT_EXIT))
		return;
	/* If the call of KVM_RUN was missed, the VMM's time ends here. */
	now = s->user_ns ? cycle_user_end(s) : bpf_ktime_get_ns();
	cycle_enter(s, now, cpu);
}

/* Saves the kernel from building a trace record; needs the BTF of kvm.ko. */
SEC("tp_btf/kvm_entry")
int BPF_PROG(entry_btf, struct kvm_vcpu *vcpu)
{
	u32 cpu;

	if (active && vcpu) {
		cpu = vcpu->cpu;
		entry(state_of_running(vcpu, cpu), cpu);
	}
	return 0;
}

SEC("tp/kvm/kvm_entry")
int kvm_entry(void *ctx)
{
	u32 cpu;

	if (active) {
		cpu = bpf_get_smp_processor_id();
		entry(state_of_vcpu(loaded_vcpu(), cpu), cpu);
	}
	return PASS_ON;
}

char LICENSE[] SEC("license") __weak = "GPL";
