/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every provider uses: the configuration, the states of vCPUs, their sums, and the rings.
 * Which state an event belongs to: identity.bpf.h.
 *
 * Maps are weak: each provider's object has them, and the linker keeps one.
 */
#ifndef KVMW_COMMON_BPF_H
#define KVMW_COMMON_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "shared.h"

const volatile struct kvmw_config config __weak = {};

/*
 * What a program on a tracepoint returns.  Zero would hide the event from all perf
 * users of that tracepoint (trace_call_bpf(), kernel/trace/bpf_trace.c).
 */
#define PASS_ON 1

/* Records are made only between the moment when all programs are attached and the end. */
u32 active __weak = 0;
/*
 * Events of vCPUs for which no state was free, or whose process has its share already; they are
 * not recorded.
 */
u64 no_state __weak = 0, over_share __weak = 0;
u32 over_share_tgid __weak = 0;	/* the last such process */
u32 states_used __weak = 0;	/* not in free_states; the recorder subtracts what it frees */
/* By state: the process that it is charged to, also after it was freed. */
u32 charged_to[KVMW_MAX_VCPUS] __weak = {};
/* How often a state got a new vCPU or process, thread, VM or end: the recorder looks then. */
u64 changes __weak = 0;

/* --cpu-limit: how many of 2^32 wanted rows are sent; the recorder sets it. */
u32 thin __weak = KVMW_THIN_NOT;

/* No row is sent: then what only rows contain need not be known. */
static __always_inline bool none_spared(void)
{
	return config.thins && !thin;
}

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, KVMW_DEFAULT_VCPUS);
	__type(key, u32);
	__type(value, struct kvmw_vcpu_state);
} states __weak SEC(".maps");

/*
 * Ids for new states, that is, of free places; filled by the recorder.  A queue:
 * compat.bpf.h.
 */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, KVMW_DEFAULT_VCPUS);
	__uint(value_size, sizeof(u32));
} free_states __weak SEC(".maps");

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, KVMW_MAX_RINGS);
	__type(key, u32);
	__array(values, struct ring);
} rings __weak SEC(".maps");

static __always_inline struct kvmw_vcpu_state *state_at(u32 index)
{
	return bpf_map_lookup_elem(&states, &index);
}

/* No record is sent, so what only records contain need not be known. */
static __always_inline bool only_counts(void)
{
	return !config.nr_rings;
}

/*
 * Copies a record into the ring of a vCPU; false: the ring is full.  A vCPU always uses the same
 * ring, so its records stay in order. The recorder polls; check: wake it if the ring fills faster
 * than that.
 */
static __always_inline bool emit_for(u32 vcpu, void *record, u32 size, bool check)
{
	u32 index = vcpu & (config.nr_rings - 1);
	u64 flags = BPF_RB_NO_WAKEUP;
	void *ring;

	ring = bpf_map_lookup_elem(&rings, &index);
	if (!ring)
		return false;
	if (check && bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) >= config.wakeup_bytes)
		flags = BPF_RB_FORCE_WAKEUP;
	return !bpf_ringbuf_output(ring, record, size, flags);
}

/* Sends a record of this state; every eighth one checks the fill level. */
static __always_inline bool emit(struct kvmw_vcpu_state *s, void *record, u32 size)
{
	if (only_counts())
		return true;
	return emit_for(s->role == KVMW_ROLE_VCPU ? s->exit.e.vcpu : bpf_get_smp_processor_id(),
			record, size, !(s->sent++ & (KVMW_BATCH - 1)));
}

static __always_inline bool wants(u32 event)
{
	return config.events >> event & 1;
}

/* Counts a record that did not fit into the ring. */
static __always_inline void count_lost(struct kvmw_vcpu_state *s, u32 event, u64 now)
{
	__sync_fetch_and_add(&s->lost[event & (KVMW_MAX_EVENTS - 1)].count, 1);
	s->lost[event & (KVMW_MAX_EVENTS - 1)].last_ns = now;
}

#endif
