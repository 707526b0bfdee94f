// SPDX-License-Identifier: GPL-2.0
/* Provider "halt": halts; for provider "exit": their share of a cycle. */
#include "cycle.bpf.h"
#include "sched.bpf.h"

/* A vCPU may halt before its first entry: one that waits to be started has not run yet. */
static __always_inline struct kvmw_vcpu_state *halted_state(void)
{
	return state_of_thread(wants(KVMW_EVENT_HALT));
}

SEC("tp/kvm/kvm_halt_poll_ns")
int kvm_halt_poll_ns(void *ctx)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s;

	if (!active || !halted_state())
		return PASS_ON;
	s = point_begin(&row, KVMW_EVENT_HALT, halt, WINDOW, kvm_halt_poll_ns, ctx);
	if (!s)
		return PASS_ON;
	/* The halt that is about to end has polled with the old window. */
	s->poll_window = row.value[VALUE(halt, old_window_ns)] + 1;
	s->next_window = row.value[VALUE(halt, window_ns)] + 1;
	point_send(s, &row, halt, WINDOW);
	return PASS_ON;
}

/* The same on all kernels; the recorder checks it. */
struct wakeup_args {
	u64 common, ns;
	bool waited, valid;
};

/*
 * For a halt that slept, the time until its thread first left the CPU; unknown where that is
 * too many context switches ago.  start is a little late, because KVM reads the clock before we
 * do; whether a switch was within the halt is decided by when the thread came back.
 */
static __always_inline u64 poll_ns(const struct runner *r, u64 start)
{
	u64 first = KVMW_NONE;

#pragma unroll
	for (u32 i = 0; i < NR_OFFS; i++)
		/* Asleep when the recording began: since when is unknown. */
		if (r->offs[i].in_ns > start && r->offs[i].out_ns && r->offs[i].out_ns < first)
			first = r->offs[i].out_ns;
	/* The oldest known switch is within the halt: there may have been earlier ones. */
	if (first == KVMW_NONE || r->offs[r->nr_offs & (NR_OFFS - 1)].in_ns > start)
		return KVMW_NONE;
	return first > start ? first - start : 0;
}

static __always_inline void halt_row(struct kvmw_vcpu_state *s, u64 now,
				     const struct wakeup_args *args)
{
	u32 tid = bpf_get_current_pid_tgid();
	u64 start = now - args->ns;
	struct kvmw_ring_row row;
	struct runner *r;

	row_begin(&row, s, KVMW_EVENT_HALT, KVMW_halt_WAKEUP, NR_VALUES(halt));
	row.e.time_ns = now;
	row.e.span_ns = args->ns;
	row.value[VALUE(halt, slept)] = args->waited;
	row.value[VALUE(halt, valid)] = args->valid;
	if (!args->waited) {
		row.value[VALUE(halt, poll_ns)] = args->ns;
	} else {
		r = bpf_map_lookup_elem(&runners, &tid);
		if (s->poll_window == 1)
			row.value[VALUE(halt, poll_ns)] = 0;
		else if (r)
			row.value[VALUE(halt, poll_ns)] = poll_ns(r, start);
		if (r && r->waking_ns >= start)
			row.value[VALUE(halt, waker)] = r->waker;
	}
	point_send(s, &row, halt, WAKEUP);
}

/*
 * KVM sets the window of the next halt at the end of this one (kvm_vcpu_halt()).  It is read
 * from the vCPU where possible, otherwise taken from the tracepoint kvm_halt_poll_ns.
 */
static __always_inline void remember_window(struct kvmw_vcpu_state *s)
{
	const struct kvm_vcpu *vcpu = (void *)s->vcpu;
	unsigned int window;

	if (vcpu && bpf_core_field_exists(vcpu->halt_poll_ns) &&
	    !bpf_core_read(&window, sizeof(window), &vcpu->halt_poll_ns))
		s->poll_window = window + 1;
	else if (s->next_window)
		s->poll_window = s->next_window;
}

/* The end of a halt, ns after it began. */
SEC("tp/kvm/kvm_vcpu_wakeup")
int kvm_vcpu_wakeup(struct wakeup_args *ctx)
{
	u64 now = bpf_ktime_get_ns();
	struct kvmw_vcpu_state *s = active ? halted_state() : NULL;

	if (!s)
		return PASS_ON;
	if (wants(KVMW_EVENT_EXIT))
		cycle_halted(s, now, ctx->ns, ctx->waited);
	if (wants(KVMW_EVENT_HALT))
		halt_row(s, now, ctx);
	remember_window(s);
	return PASS_ON;
}

char LICENSE[] SEC("license") __weak = "GPL";
