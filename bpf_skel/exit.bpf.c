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
	u64 now = bpf_ktime_get_ns(), guest_ns;
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
	guest_ns = exit_other(s, &now, bpf_get_smp_processor_id());
	if (!only_counts())
		exit_describe(&s->exit.e, &info, (void *)s->vcpu, false);
	exit_begin(s, now, guest_ns, &info);
	return PASS_ON;
}

/* What the entry of a steady vCPU ends: a cycle without time in the VMM. */
static __always_inline bool ends_steady(const struct kvmw_vcpu_state *s)
{
	return s->exit_open && !s->user_ns;
}

/* The entry of any other, whose thread is known, on this CPU; false: it ends no cycle. */
static __always_inline bool entry_other(struct kvmw_vcpu_state *s, u32 cpu, u64 *now)
{
	/* If exits are not recorded, this only tracks which thread runs which vCPU. */
	if (!s || !wants(KVMW_EVENT_EXIT))
		return false;
	/* If the call of KVM_RUN was missed, the VMM's time ends here. */
	*now = s->user_ns ? cycle_user_end(s) : bpf_ktime_get_ns();
	make_steady(s, cpu);
	if (s->exit_open)
		return true;
	cycle_clear(s);
	s->entry_ns = *now;
	return false;
}

/* Saves the kernel from building a trace record; needs the BTF of kvm.ko. */
SEC("tp_btf/kvm_entry")
int BPF_PROG(entry_btf, struct kvm_vcpu *vcpu)
{
	struct kvmw_vcpu_state *s;
	u32 cpu;
	u64 now;

	if (!vcpu)
		return 0;
	cpu = vcpu->cpu;
	s = state_found_on(cpu);
	if (s && s->steady == (u64)vcpu && ends_steady(s)) {
		now = bpf_ktime_get_ns();
	} else {
		s = state_of_running(s, vcpu);
		if (!entry_other(s, cpu, &now))
			return 0;
	}
	cycle_enter(s, now, cpu);
	return 0;
}

SEC("tp/kvm/kvm_entry")
int kvm_entry(void *ctx)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct kvmw_vcpu_state *s;
	u64 now;

	if (!active)
		return PASS_ON;
	s = state_of_thread(false);
	if (s && s->steady && ends_steady(s)) {
		now = bpf_ktime_get_ns();
	} else {
		s = state_of_vcpu(loaded_vcpu(), cpu);
		if (!entry_other(s, cpu, &now))
			return PASS_ON;
	}
	cycle_enter(s, now, cpu);
	return PASS_ON;
}

char LICENSE[] SEC("license") __weak = "GPL";
