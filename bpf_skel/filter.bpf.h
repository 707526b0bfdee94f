/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which records are sent.  Unused filters cost nothing: the configuration is constant, so the
 * verifier drops their code.
 */
#ifndef KVMW_FILTER_BPF_H
#define KVMW_FILTER_BPF_H

#include "identity.bpf.h"

static __always_inline bool in_range(const volatile struct kvmw_range *range, u64 value)
{
	return value >= range->from && value <= range->to;
}

static __always_inline bool reason_wanted(u32 reason)
{
	if (!config.filter.nr_reasons)
		return true;
#pragma unroll
	for (u32 i = 0; i < KVMW_MAX_FILTER_REASONS; i++)
		if (i < config.filter.nr_reasons && config.filter.reasons[i] == reason)
			return true;
	return false;
}

static __always_inline bool detail_wanted(u32 kind, u64 detail)
{
	if (!config.filter.port.set && !config.filter.gpa.set && !config.filter.msr.set)
		return true;
	switch (kind) {
	case KVMW_DETAIL_PIO_IN:
	case KVMW_DETAIL_PIO_OUT:
		return config.filter.port.set && in_range(&config.filter.port, detail);
	case KVMW_DETAIL_MMIO_READ:
	case KVMW_DETAIL_MMIO_WRITE:
	case KVMW_DETAIL_FAST_MMIO:
	case KVMW_DETAIL_FAULT_READ:
	case KVMW_DETAIL_FAULT_WRITE:
	case KVMW_DETAIL_FAULT_EXEC:
		return config.filter.gpa.set && in_range(&config.filter.gpa, detail);
	case KVMW_DETAIL_MSR_READ:
	case KVMW_DETAIL_MSR_WRITE:
		return config.filter.msr.set && in_range(&config.filter.msr, detail);
	default:
		return false;
	}
}

/* One in N of the cycles that pass all other filters. */
static __always_inline bool sampled(struct kvmw_vcpu_state *s)
{
	if (config.filter.sample <= 1)
		return true;
	if (++s->unsampled < config.filter.sample)
		return false;
	s->unsampled = 0;
	return true;
}

/*
 * Whether --cpu-limit keeps a row that is otherwise wanted.  By chance: if events alternate, taking
 * every Nth, with N even, would always pick the same one.
 */
static __always_inline bool spared(void)
{
	u32 below;

	if (!config.thins)
		return true;
	below = thin;
	return below == KVMW_THIN_NOT || bpf_get_prandom_u32() < below;
}

/* A completed cycle; one whose end was missed (total_ns KVMW_NONE) passes --min-duration. */
static __always_inline bool cycle_wanted(struct kvmw_vcpu_state *s)
{
	const struct kvmw_exit *e = &s->exit.e;

	return reason_wanted(e->reason) && e->total_ns >= config.filter.min_ns &&
	       detail_wanted(e->detail_kind, e->detail) && sampled(s);
}

/* A row of a family; gpa: its guest physical address, KVMW_NONE: it has none. */
static __always_inline bool row_wanted(u64 span_ns, u64 gpa)
{
	if (span_ns != KVMW_NONE && span_ns < config.filter.min_ns)
		return false;
	return gpa == KVMW_NONE || !config.filter.gpa.set || in_range(&config.filter.gpa, gpa);
}

#endif
