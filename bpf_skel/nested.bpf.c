// SPDX-License-Identifier: GPL-2.0
/*
 * Provider "nested": nested guests.  An exit from L2 that is injected into L1 is sent when L1
 * runs L2 again, with the time that L1 took.
 */
#include "point.bpf.h"

#define INJECT_SUM	SUM_OF(nested, INJECT)

static __always_inline void enter(struct kvmw_vcpu_state *s, const struct kvmw_ring_row *row)
{
	struct kvmw_held *held = &s->held[KVMW_HELD_NESTED];

	if (held->size)
		row_release(s, held, INJECT_SUM, row->e.time_ns - held->row.e.time_ns);
}

SEC("tp/kvm/kvm_nested_vmenter")
int kvm_nested_vmenter(void *ctx)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s = point_begin(&row, KVMW_EVENT_NESTED, nested, ENTER,
					  kvm_nested_vmenter, ctx);

	if (!s)
		return PASS_ON;
	enter(s, &row);
	point_send(s, &row, nested, ENTER);
	return PASS_ON;
}

/* The older name: x86/arch.bpf.h. */
SEC("tp/kvm/kvm_nested_vmrun")
int kvm_nested_vmrun(void *ctx)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s = point_begin(&row, KVMW_EVENT_NESTED, nested, ENTER,
					  kvm_nested_vmrun, ctx);

	if (!s)
		return PASS_ON;
	enter(s, &row);
	point_send(s, &row, nested, ENTER);
	return PASS_ON;
}

SEC("tp/kvm/kvm_nested_vmexit_inject")
int kvm_nested_vmexit_inject(void *ctx)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s = point_begin(&row, KVMW_EVENT_NESTED, nested, INJECT,
					  kvm_nested_vmexit_inject, ctx);
	struct kvmw_held *held;

	if (!s)
		return PASS_ON;
	if (s->role != KVMW_ROLE_VCPU) {
		point_send(s, &row, nested, INJECT);
		return PASS_ON;
	}
	held = &s->held[KVMW_HELD_NESTED];
	if (held->size)
		row_release(s, held, INJECT_SUM, KVMW_NONE);
	row_hold(s, held, &row, INJECT_SUM, 8 + sizeof(struct kvmw_nested));
	return PASS_ON;
}

POINT_PROGRAM(KVMW_EVENT_NESTED, nested, EXIT, kvm, kvm_nested_vmexit)
POINT_PROGRAM(KVMW_EVENT_NESTED, nested, INTERCEPTS, kvm, kvm_nested_intercepts)
POINT_PROGRAM(KVMW_EVENT_NESTED, nested, INTR, kvm, kvm_nested_intr_vmexit)
POINT_PROGRAM(KVMW_EVENT_NESTED, nested, INVLPGA, kvm, kvm_invlpga)
POINT_PROGRAM(KVMW_EVENT_NESTED, nested, SKINIT, kvm, kvm_skinit)
POINT_PROGRAM(KVMW_EVENT_NESTED, nested, FAILED, kvm, kvm_nested_vmenter_failed)

char LICENSE[] SEC("license") __weak = "GPL";
