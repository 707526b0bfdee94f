// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/capture/pending.h"

void pending__find(struct pending *p, const struct kvmw_vcpu_state *states, u32 nr, u64 changes)
{
	if (changes == p->changes)
		return;
	p->changes = changes;
	p->nr_vcpus = 0;
	for (u32 i = 0; i < nr; i++)
		if (states[i].tid && states[i].role == KVMW_ROLE_VCPU)
			p->vcpus[p->nr_vcpus++] = i;
}

u32 pending__taken(struct pending *p, const struct kvmw_exits *batch)
{
	u64 *next = &p->next[KVMW_STATE(batch->vcpu)], first = batch->first,
	    end = first + KVMW_BATCH;
	u64 taken = *next > first ? *next - first : 0;

	if (*next < end)
		*next = end;
	return taken < KVMW_BATCH ? taken : KVMW_BATCH;
}

/*
 * The programs write a cycle, then count it in exits_put; they write over none before exits.first
 * has passed it.
 */
u32 pending__take(struct pending *p, u32 i, const struct kvmw_vcpu_state *states,
		  struct kvmw_exit *rows)
{
	const struct kvmw_vcpu_state *state = &states[i];
	u64 first = __atomic_load_n(&state->exits.first, __ATOMIC_ACQUIRE);
	u64 put = __atomic_load_n(&state->exits_put, __ATOMIC_ACQUIRE), from = p->next[i];

	/* More than a batch: it was sent between the two loads. */
	if (from < first || put <= from || put - first > KVMW_BATCH)
		return 0;
	memcpy(rows, &state->exits.rows[from - first], (put - from) * sizeof(*rows));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (__atomic_load_n(&state->exits.first, __ATOMIC_RELAXED) != first)
		return 0;
	p->next[i] = put;
	return put - from;
}

void pending__forget(struct pending *p, u32 i)
{
	p->next[i] = 0;
}
