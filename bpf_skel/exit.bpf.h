/* SPDX-License-Identifier: GPL-2.0 */
/* One record per cycle of a vCPU: stashed at kvm_exit, completed and sent at kvm_entry. */
#ifndef KVMW_EXIT_BPF_H
#define KVMW_EXIT_BPF_H

#include "arch.bpf.h"
#include "cycle.bpf.h"

#define NESTED_UNKNOWN	0xffff

/* By state; created only if wanted. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, KVMW_DEFAULT_VCPUS);
	__type(key, u32);
	__type(value, struct kvmw_latencies);
} latencies __weak SEC(".maps");

static const u8 log2_of[256] = {
	0, 0, 1, 1, [4 ... 7] = 2, [8 ... 15] = 3, [16 ... 31] = 4, [32 ... 63] = 5,
	[64 ... 127] = 6, [128 ... 255] = 7,
};

/* Which count of struct kvmw_latencies a duration belongs to. */
static __always_inline u32 latency_of(u64 ns)
{
	u32 log2 = 0;

	ns >>= KVMW_LATENCY_FIRST;
	if (ns >> (KVMW_LATENCIES - 1))
		return KVMW_LATENCIES - 1;
	while (ns > 255) {
		log2 += 8;
		ns >>= 8;
	}
	/* The mask must stay: the verifier does not know what was compared. */
	barrier_var(ns);
	return log2 + log2_of[ns & 255];
}

/* sum: the index of its sum. */
static __always_inline void count_latency(struct kvmw_vcpu_state *s, u32 sum, u64 ns)
{
	u32 index = KVMW_STATE(s->exit.e.vcpu), at = sum * KVMW_LATENCIES + latency_of(ns);
	struct kvmw_latencies *l = bpf_map_lookup_elem(&latencies, &index);

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

/* Sends the cycle that ended at now; total_ns KVMW_NONE: its entry was missed. */
static __always_inline void cycle_send(struct kvmw_vcpu_state *s, struct kvmw_sum *sum, u64 now,
				       u64 total_ns)
{
	s->exit.e.total_ns = total_ns;
	if (config.selects && (!cycle_wanted(s) || !spared())) {
		sum->filtered++;
	} else if (!cycle_put(s)) {
		sum->lost++;
		count_lost(s, KVMW_EVENT_EXIT, now);
	}
}

/* The entry was missed. */
static __always_inline void cycle_missed(struct kvmw_vcpu_state *s, u64 now)
{
	s->exit_open = 0;
	if (!only_counts())
		cycle_send(s, sum_at(s, s->exit_sum), now, KVMW_NONE);
}

/* The cycle ends with an entry on this CPU: it is counted and sent. */
static __always_inline void cycle_end(struct kvmw_vcpu_state *s, u64 now, u32 cpu)
{
	u64 total_ns = now - s->exit.e.time_ns;
	struct kvmw_sum *sum = sum_at(s, s->exit_sum);

	/* First: the recorder looks at it before and after the sums (util/capture/counters.c). */
	s->exit_open = 0;
	sum->done++;
	sum->span_ns += total_ns;
	sum->user_ns += s->exit.e.user_ns;
	add_parts(sum, s);
	if (only_counts()) {
		count_latency(s, s->exit_sum, total_ns);
		return;
	}
	s->exit.e.entry_cpu = cpu;
	cycle_send(s, sum, now, total_ns);
}

/* The guest runs: its open cycle is over, and the next one begins. */
static __always_inline void cycle_enter(struct kvmw_vcpu_state *s, u64 now, u32 cpu)
{
	cycle_end(s, now, cpu);
	if (s->parted)
		cycle_clear(s);
	s->entry_ns = now;
}

/* One exit, with the fields of the tracepoint. */
struct exit_info {
#define MEMBER(type, name, field, offset) type name;
	KVM_EXIT_FIELDS(MEMBER)
};

/*
 * Fills in what only a record has; a counter needs just the reason.  vcpu, typed: as for
 * guest_reg().
 */
static __always_inline void exit_describe(struct kvmw_exit *e, const struct exit_info *info,
					  const struct kvm_vcpu *vcpu, const bool typed)
{
	e->reason = info->reason;
	e->isa = info->isa;
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

/* The guest time before the exit of a vCPU that was steady in its guest. */
static __always_inline u64 exit_steady(struct kvmw_vcpu_state *s, u64 now, u32 cpu)
{
	struct kvmw_exit *e = &s->exit.e;

	e->exit_cpu = cpu;
	e->guest_ns = now - s->entry_ns;
	return e->guest_ns;
}

/*
 * The same for any other vCPU, whose thread is known, on this CPU; 0: unknown.  Sets *now to when
 * it left the guest, which is earlier if the thread lost its CPU since.
 */
static __always_inline u64 exit_other(struct kvmw_vcpu_state *s, u64 *now, u32 cpu)
{
	struct kvmw_exit *e = &s->exit.e;

	/* The entry was missed, or was one that x86/exit_reenter.bpf.c would have seen. */
	if (s->exit_open)
		cycle_missed(s, *now);
	/* Without an entry before, the parts collected so far belong to no cycle. */
	if (!s->entry_ns) {
		cycle_clear(s);
		s->user_ns = 0;
	}
	if (s->parted && s->out_ns)
		*now = s->out_ns;
	else
		e->exit_cpu = cpu;
	cycle_mark(s);
	make_steady(s, cpu);
	e->guest_ns = s->entry_ns ? *now - s->entry_ns : KVMW_NONE;
	return s->entry_ns ? e->guest_ns : 0;
}

/* guest_ns: as these return it. */
static __always_inline void exit_begin(struct kvmw_vcpu_state *s, u64 now, u64 guest_ns,
				       const struct exit_info *info)
{
	struct kvmw_exit *e = &s->exit.e;
	struct kvmw_sum *sum;
	u32 at;

	e->time_ns = now;
	e->user_ns = 0;
	sum = sum_of(s, KVMW_EVENT_EXIT, info->isa, info->reason, &at);
	s->exit_sum = at;
	sum->count++;
	sum->gap_ns += guest_ns;
	s->exit_open = 1;
	s->entry_ns = 0;
}

#endif
