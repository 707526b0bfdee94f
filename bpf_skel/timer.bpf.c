// SPDX-License-Identifier: GPL-2.0
/*
 * Provider "timer": timers and clocks.
 *
 * The APIC timer is one of the host's high-resolution timers, recognized by its function.  Timers
 * expire in interrupts of unrelated threads, so the vCPU of a timer is remembered when its thread
 * starts the timer.
 */
#include "context.bpf.h"
#include "point.bpf.h"

POINT_PROGRAM(KVMW_EVENT_TIMER, timer, HV_STATE, kvm, kvm_hv_timer_state)
POINT_PROGRAM(KVMW_EVENT_TIMER, timer, WAIT_EXPIRE, kvm, kvm_wait_lapic_expire)
POINT_PROGRAM(KVMW_EVENT_TIMER, timer, PVCLOCK, kvm, kvm_pvclock_update)
POINT_PROGRAM(KVMW_EVENT_TIMER, timer, MASTERCLOCK, kvm, kvm_update_master_clock)
POINT_PROGRAM(KVMW_EVENT_TIMER, timer, TRACK_TSC, kvm, kvm_track_tsc)
POINT_PROGRAM(KVMW_EVENT_TIMER, timer, TSC_OFFSET, kvm, kvm_write_tsc_offset)

/* Id of the vCPU's state for each APIC timer (address of its struct hrtimer). */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4 * KVMW_DEFAULT_VCPUS);
	__type(key, u64);
	__type(value, u32);
} apic_timers SEC(".maps");

static __always_inline struct kvmw_vcpu_state *timer_state(u64 timer)
{
	u32 *id = bpf_map_lookup_elem(&apic_timers, &timer);

	return id ? state_of_id(*id) : NULL;
}

/* The vCPU whose thread starts the timer; a periodic timer restarts itself in an interrupt. */
static __always_inline struct kvmw_vcpu_state *timer_started(u64 timer)
{
	struct kvmw_vcpu_state *s;
	u64 thread = who();

	s = thread && thread != KVMW_NONE ? state_of_thread(false) : NULL;
	if (!s)
		return timer_state(timer);
	bpf_map_update_elem(&apic_timers, &timer, &s->exit.e.vcpu, BPF_ANY);
	return s;
}

static __always_inline void timer_row(struct kvmw_ring_row *row, struct kvmw_vcpu_state *s,
				      u32 kind, u64 expires)
{
	row_begin(row, s, KVMW_EVENT_TIMER, kind, NR_VALUES(timer));
	row->e.tid = s->tid;
	row->value[VALUE(timer, expires_ns)] = expires;
}

SEC("tp_btf/hrtimer_start")
int BPF_PROG(apic_start, struct hrtimer *timer)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s;

	if (!active || !timer || (u64)timer->function != config.timer_fn)
		return 0;
	s = timer_started((u64)timer);
	if (!s)
		return 0;
	timer_row(&row, s, KVMW_timer_APIC_START, timer->node.expires);
	point_send(s, &row, timer, APIC_START);
	return 0;
}

SEC("tp_btf/hrtimer_expire_entry")
int BPF_PROG(apic_expire, struct hrtimer *timer)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s;
	u64 expires;

	if (!active || !timer || (u64)timer->function != config.timer_fn)
		return 0;
	s = timer_state((u64)timer);
	if (!s)
		return 0;
	expires = timer->node.expires;
	timer_row(&row, s, KVMW_timer_APIC_EXPIRE, expires);
	row.e.span_ns = row.e.time_ns > expires ? row.e.time_ns - expires : 0;
	point_send(s, &row, timer, APIC_EXPIRE);
	return 0;
}

char LICENSE[] SEC("license") __weak = "GPL";
