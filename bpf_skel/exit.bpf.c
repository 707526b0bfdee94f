// SPDX-License-Identifier: GPL-2.0
/*
 * Provider "exit": one record per cycle of a vCPU, stashed at kvm_exit, completed
 * and sent at kvm_entry.
 */
#include "common.bpf.h"

/* Counts, then sends the cycle; total_ns KVMW_NONE: its entry was never seen. */
static __always_inline void cycle_end(struct kvmw_slot *s, u64 now, u64 total_ns)
{
	struct kvmw_sum *sum = sum_at(s, s->exit_sum);

	s->exit_open = 0;
	s->exit.e.total_ns = total_ns;
	if (total_ns != KVMW_NONE) {
		sum->done++;
		sum->span_ns += total_ns;
		sum->user_ns += s->exit.e.user_ns;
	}
	if (!emit(s->exit.e.vcpu, &s->exit, sizeof(s->exit))) {
		sum->lost++;
		s->exit_lost++;
		s->exit_lost_ns = now;
	}
}

#define AT(type, offset) (*(type *)(raw + (offset)))

SEC("tp/kvm/kvm_exit")
int kvm_exit(void *ctx)
{
	/* Field offsets are the verifier's constants, so one copy, then loads. */
	char raw[128] __attribute__((aligned(8)));
	struct kvmw_slot *s;
	struct kvmw_exit *e;
	struct kvmw_sum *sum;
	u64 now;

	if (!active)
		return PASS_ON;
	now = bpf_ktime_get_ns();
	if (config.exit.size > sizeof(raw) ||
	    bpf_probe_read_kernel(raw, config.exit.size, ctx))
		return PASS_ON;
	s = slot_of_vcpu(AT(u32, config.exit.vcpu_id));
	if (!s)
		return PASS_ON;

	/* Before 5.12 VMX runs the guest again from its fast path untraced. */
	if (s->exit_open)
		cycle_end(s, now, KVMW_NONE);

	e = &s->exit.e;
	e->time_ns = now;
	e->guest_ns = s->entry_ns ? now - s->entry_ns : KVMW_NONE;
	e->user_ns = 0;
	e->reason = AT(u32, config.exit.reason);
	e->isa = AT(u32, config.exit.isa);
	e->rip = AT(u64, config.exit.rip);
	e->info1 = AT(u64, config.exit.info1);
	e->info2 = AT(u64, config.exit.info2);
	e->intr_info = AT(u32, config.exit.intr_info);
	e->error_code = AT(u32, config.exit.error_code);

	s->exit_sum = sum_index(s, KVMW_EVENT_EXIT, e->isa, e->reason);
	sum = sum_at(s, s->exit_sum);
	sum->count++;
	if (s->entry_ns)
		sum->gap_ns += e->guest_ns;
	s->entry_ns = 0;
	s->exit_open = 1;
	return PASS_ON;
}

SEC("tp/kvm/kvm_entry")
int kvm_entry(void *ctx)
{
	struct kvmw_slot *s;
	u32 vcpu_id;
	u64 now;

	if (!active || bpf_probe_read_kernel(&vcpu_id, 4, ctx + config.entry.vcpu_id))
		return PASS_ON;
	s = slot_of_vcpu(vcpu_id);
	if (!s)
		return PASS_ON;
	now = bpf_ktime_get_ns();
	if (s->user_ns) {
		/* KVM_RUN itself was not seen: the VMM's time ends here. */
		s->exit.e.user_ns += now - s->user_ns;
		s->user_ns = 0;
	}
	if (s->exit_open)
		cycle_end(s, now, now - s->exit.e.time_ns);
	s->entry_ns = now;
	return PASS_ON;
}

char LICENSE[] SEC("license") __weak = "GPL";
