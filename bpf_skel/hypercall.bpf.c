// SPDX-License-Identifier: GPL-2.0
/*
 * Provider "hypercall": hypercalls.  Those of KVM and Xen are sent when
 * kvm_emulate_hypercall() returns, with the time it took and its result.
 */
#include "arch.bpf.h"
#include "point.bpf.h"

static __always_inline void release(struct kvmw_vcpu_state *s, u64 span_ns)
{
	struct kvmw_held *held = &s->held[KVMW_HELD_HYPERCALL];

	if (held->row.e.kind == KVMW_hypercall_XEN)
		row_release(s, held, SUM_OF(hypercall, XEN), span_ns);
	else
		row_release(s, held, SUM_OF(hypercall, KVM), span_ns);
}

/* A hypercall begins; where its return cannot be seen, the row is sent at once. */
static __always_inline void begin(struct kvmw_vcpu_state *s, struct kvmw_ring_row *row, u32 sum)
{
	u32 size = 8 + sizeof(struct kvmw_hypercall);
	struct kvmw_held *held = &s->held[KVMW_HELD_HYPERCALL];

	if (!config.hypercall_return || s->role != KVMW_ROLE_VCPU) {
		row_send(s, row, sum, size);
		return;
	}
	/* Hypercalls of TDX do not pass through kvm_emulate_hypercall(). */
	if (held->size)
		release(s, KVMW_NONE);
	row_hold(s, held, row, sum, size);
}

SEC("tp/kvm/kvm_hypercall")
int kvm_hypercall(void *ctx)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s = point_begin(&row, KVMW_EVENT_HYPERCALL, hypercall, KVM,
					  kvm_hypercall, ctx);

	if (s)
		begin(s, &row, SUM_OF(hypercall, KVM));
	return PASS_ON;
}

SEC("tp/kvm/kvm_xen_hypercall")
int kvm_xen_hypercall(void *ctx)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s = point_begin(&row, KVMW_EVENT_HYPERCALL, hypercall, XEN,
					  kvm_xen_hypercall, ctx);

	if (s)
		begin(s, &row, SUM_OF(hypercall, XEN));
	return PASS_ON;
}

static __always_inline void returned(int ret)
{
	struct kvmw_vcpu_state *s;

	if (!active)
		return;
	s = state_of_thread(false);
	if (!s || !s->held[KVMW_HELD_HYPERCALL].size)
		return;
	/* 0: the VMM completes the hypercall and sets the result. */
	if (ret)
		s->held[KVMW_HELD_HYPERCALL].row.value[VALUE(hypercall, result)] =
			arch_hypercall_result();
	release(s, bpf_ktime_get_ns() - s->held[KVMW_HELD_HYPERCALL].row.e.time_ns);
}

SEC("fexit/kvm_emulate_hypercall")
int BPF_PROG(hypercall_fexit, struct kvm_vcpu *vcpu, int ret)
{
	returned(ret);
	return 0;
}

SEC("kretprobe/kvm_emulate_hypercall")
int BPF_KRETPROBE(hypercall_kretprobe, int ret)
{
	returned(ret);
	return 0;
}

SEC("tp/kvm/kvm_hv_hypercall")
int kvm_hv_hypercall(void *ctx)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s = point_begin(&row, KVMW_EVENT_HYPERCALL, hypercall, HYPERV,
					  kvm_hv_hypercall, ctx);

	if (!s)
		return PASS_ON;
	if (s->role == KVMW_ROLE_VCPU)
		s->hyperv_ns = row.e.time_ns;
	point_send(s, &row, hypercall, HYPERV);
	return PASS_ON;
}

SEC("tp/kvm/kvm_hv_hypercall_done")
int kvm_hv_hypercall_done(void *ctx)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s = point_begin(&row, KVMW_EVENT_HYPERCALL, hypercall, HYPERV_DONE,
					  kvm_hv_hypercall_done, ctx);

	if (!s)
		return PASS_ON;
	if (s->role == KVMW_ROLE_VCPU && s->hyperv_ns) {
		row.e.span_ns = row.e.time_ns - s->hyperv_ns;
		s->hyperv_ns = 0;
	}
	point_send(s, &row, hypercall, HYPERV_DONE);
	return PASS_ON;
}

char LICENSE[] SEC("license") __weak = "GPL";
