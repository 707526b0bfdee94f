/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The exact totals of a vCPU, by event and reason.  After compat.bpf.h; tests/unit/test_sums.c
 * compiles this as well.
 */
#ifndef KVMW_SUMS_BPF_H
#define KVMW_SUMS_BPF_H

/* Sums of the parts exist only if the parts do. */
static __noinline int sum_start(struct kvmw_sum *sum, u64 key, u32 event)
{
	if (!sum)
		return 0;
	if (event == KVMW_EVENT_EXIT && !config.parts)
		sum->halt_ns = sum->poll_ns = sum->wait_ns = sum->block_ns = KVMW_NONE;
	if (event == KVMW_EVENT_EXIT && !(config.parts && compat_tells_throttled()))
		sum->throttled_ns = KVMW_NONE;
	/* The recorder may look. */
	barrier();
	sum->key = key;
	return 0;
}

/* The sum of a key, and in *at its index; the reasons of an event that find no place share one. */
static __always_inline struct kvmw_sum *sum_of(struct kvmw_vcpu_state *s, u32 event, u32 isa,
					       u32 reason, u32 *at)
{
	u64 key = KVMW_SUM_KEY(event, isa, reason);
	u32 hash = reason + event * 41;
	struct kvmw_sum *sum;

	for (u32 probe = 0; probe < 16; probe++) {
		u32 i = (hash + probe) & (KVMW_MAX_SUMS - 1);

		sum = &s->sums[i];
		if (sum->key != key) {
			if (sum->key)
				continue;
			sum_start(sum, key, event);
		}
		*at = i;
		return sum;
	}
	*at = KVMW_MAX_SUMS + (event != KVMW_EVENT_EXIT);
	sum = &s->sums[*at];
	if (!sum->key)
		sum_start(sum, KVMW_SUM_KEY(event, isa, KVMW_REASON_OTHER), event);
	return sum;
}

static __always_inline struct kvmw_sum *sum_at(struct kvmw_vcpu_state *s, u32 i)
{
	/* Opaque, or the compiler drops the bound that the verifier needs. */
	barrier_var(i);
	return &s->sums[i < KVMW_NR_SUMS ? i : KVMW_MAX_SUMS];
}

#endif
