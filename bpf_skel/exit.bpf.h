/* SPDX-License-Identifier: GPL-2.0 */
/* One record per cycle of a vCPU: stashed at kvm_exit, completed and sent at kvm_entry. */
#ifndef KVMW_EXIT_BPF_H
#define KVMW_EXIT_BPF_H

#include "arch.bpf.h"
#include "cycle.bpf.h"

#define NESTED_UNKNOWN	0xffff

/* By state; made only if it is wanted. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, KVMW_DEFAULT_VCPUS);
	__type(key, u32);
	__type(value, struct kvmw_latencies);
} latencies __weak SEC(".maps");

#define LOG2_DIGITS	0x3333333322221100ULL	/* that of 0 to 15: a digit each */

/* Which count of struct kvmw_latencies a duration belongs to. */
static __always_inline u32 latency_of(u64 ns)
{
	u32 log2 = 0;

	ns >>= KVMW_LATENCY_FIRST;
	if (ns >> (KVMW_LATENCIES - 1))
		return KVMW_LATENCIES - 1;
	while (ns > 15) {
		log2 += 4;
		ns >>= 4;
	}
	return log2 + (LOG2_DIGITS >> (ns * 4) & 15);
}

static __always_inline void count_latency(struct kvmw_vcpu_state *s, u64 ns)
{
	u32 index = KVMW_STATE(s->exit.e.vcpu), at;
	struct kvmw_latencies *l;

	if (!config.latencies)
		return;
	l = bpf_map_lookup_elem(&latencies, &index);
	at = s->exit_sum * KVMW_LATENCIES + latency_of(ns);
	barrier_var(at);
	if (l && at < KVMW_MAX_LATENCIES)
		l->count[at]++;
}

/* Most cycles have no parts. */
static __always_inline void add_parts(struct kvmw_sum *sum, const struct kvmw_vcpu_state *s)
{
	const struct kvmw_exit *e = &s->exit.e;

	if (!s->parted || !config.parts)
		return;
	sum->halt_ns += e->halt_ns;
	sum->poll_ns += e->poll_ns;
	sum->wait_ns += e->wait_ns;
	sum->block_ns += e->block_ns;
	/* Neither 0 nor KVMW_NONE. */
	if (compat_tells_throttled() && e->throttled_ns + 1 > 1)
		sum->throttled_ns += e->throttled_ns;
}

/*
 * Puts the cycle behind those that wait to be sent; false: it is lost, because these are a batch,
 * and it did not fit into the ring. The recorder reads them at the same time:
 * util/capture/pending.c.
 */
static __always_inline bool cycle_put(struct kvmw_vcpu_state *s)
{
	u32 n = s->exits_put - s->exits.first;

	if (n >= KVMW_BATCH) {
		if (!emit_for(s->exits.vcpu, &s->exits, sizeof(s->exits), true))
			return false;
		s->exits.first = s->exits_put;
		barrier();
		n = 0;
	}
	/* The mask must stay: compat.bpf.h, scalar spill. */
	barrier_var(n);
	s->exits.rows[n & (KVMW_BATCH - 1)] = s->exit.e;
	barrier();
	s->exits_put++;
	return true;
}

/* Counts the cycle and sends it; total_ns KVMW_NONE: its entry, on this CPU, was missed. */
static __always_inline void cycle_end(struct kvmw_vcpu_state *s, u64 now, u64 total_ns, u32 cpu)
{
	struct kvmw_sum *sum = sum_at(s, s->exit_sum);

	s->exit_open = 0;
	s->exit.e.total_ns = total_ns;
	if (total_ns != KVMW_NONE) {
		sum->done++;
		sum->span_ns += total_ns;
		sum->user_ns += s->exit.e.user_ns;
		add_parts(sum, s);
		count_latency(s, total_ns);
		s->exit.e.entry_cpu = cpu;
	}
	if (only_counts())
		return;
	if (config.selects && (!cycle_wanted(s) || !spared())) {
		sum->filtered++;
	} else if (!cycle_put(s)) {
		sum->lost++;
		count_lost(s, KVMW_EVENT_EXIT, now);
	}
}

/* The guest runs: any cycle is over, and the next one begins. */
static __always_inline void cycle_enter(struct kvmw_vcpu_state *s, u64 now, u32 cpu)
{
	if (!s->exit_open) {
		cycle_clear(s);
	} else {
		cycle_end(s, now, now - s->exit.e.time_ns, cpu);
		if (s->parted)
			cycle_clear(s);
	}
	s->entry_ns = now;
}

/* One exit, with the fields of the tracepoint. */
struct exit_info {
#define MEMBER(type, name, field, offset) type name;
	KVM_EXIT_FIELDS(MEMBER)
};

/* What only the record has. */
static __always_inline void exit_describe(struct kvmw_exit *e, const struct exit_info *info,
					  const struct kvm_vcpu *vcpu, const bool typed)
{
	if (only_counts())
		return;
	e->rip = info->rip;
	e->info1 = info->info1;
	e->info2 = info->info2;
	e->intr_info = info->intr_info;
	e->error_code = info->error_code;
	e->user_reason = NO_USER;
	e->entry_cpu = NO_CPU;
	e->nested = config.nested ? 0 : NESTED_UNKNOWN;
	e->written = KVMW_NONE;
	arch_exit_detail(e, vcpu, typed);
}

/* vcpu, typed: of which vCPU, as for guest_reg(); cpu: that of the host. */
static __always_inline void exit_begin(struct kvmw_vcpu_state *s, u64 now,
				       const struct exit_info *info, const struct kvm_vcpu *vcpu,
				       const bool typed, u32 cpu)
{
	struct kvmw_exit *e = &s->exit.e;
	struct kvmw_sum *sum;
	u64 entry_ns;
	u32 at;

	/* The entry was missed, or was one that x86/exit_reenter.bpf.c would have seen. */
	if (s->exit_open)
		cycle_end(s, now, KVMW_NONE, cpu);
	/* Without an entry before, the parts collected so far belong to no cycle. */
	entry_ns = s->entry_ns;
	if (!entry_ns) {
		cycle_clear(s);
		s->user_ns = 0;
	}
	if (s->parted && s->out_ns)
		now = s->out_ns;
	else
		e->exit_cpu = cpu;

	e->time_ns = now;
	e->guest_ns = entry_ns ? now - entry_ns : KVMW_NONE;
	e->user_ns = 0;
	e->reason = info->reason;
	e->isa = info->isa;
	exit_describe(e, info, vcpu, typed);
	cycle_mark(s);

	sum = sum_of(s, KVMW_EVENT_EXIT, info->isa, info->reason, &at);
	s->exit_sum = at;
	sum->count++;
	if (entry_ns)
		sum->gap_ns += now - entry_ns;
	s->exit_open = 1;
	s->entry_ns = 0;
}

#endif
