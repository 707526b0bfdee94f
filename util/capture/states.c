// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stddef.h>
#include <string.h>

#include "util/capture/states.h"

#include "bpf_skel/kvmw.skel.h"

#define COPY_TRIES	16
/* Each CPU takes 128 free elements of an LRU map (LOCAL_FREE_TARGET, kernel/bpf/bpf_lru_list.c). */
#define LRU_OF_CPU	256

bool states__copy(struct kvmw_vcpu_state *to, const struct kvmw_vcpu_state *live)
{
	const size_t size = offsetof(struct kvmw_vcpu_state, lost);

	for (u32 tries = 0; tries < COPY_TRIES; tries++) {
		memcpy(to, live, size);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!memcmp(to, live, size))
			return true;
	}
	return false;
}

/* The programs have removed a vCPU's entry; others had to be found until now. */
static void forget_other(struct kvmw_bpf *skel, const struct kvmw_vcpu_state *state)
{
	const struct { u64 kvm; u32 tgid, pad; } key = { .tgid = state->tgid };
	int fd = bpf_map__fd(skel->maps.other_states);
	u32 id;

	if (!bpf_map_lookup_elem(fd, &key, &id) && id == state->exit.e.vcpu)
		bpf_map_delete_elem(fd, &key);
}

static void forget_process(struct kvmw_bpf *skel, const struct kvmw_vcpu_state *state)
{
	int fd = bpf_map__fd(skel->maps.vms);
	struct kvmw_process process;

	if (!bpf_map_lookup_elem(fd, &state->tgid, &process) && process.gone_ns &&
	    process.start_ns == state->start_ns)
		bpf_map_delete_elem(fd, &state->tgid);
}

void states__size_maps(struct kvmw_bpf *skel, u32 nr)
{
	struct bpf_map *const maps[] = {
		skel->maps.states, skel->maps.free_states, skel->maps.latencies,
		skel->maps.vcpu_states,
		skel->maps.other_states, skel->maps.vm_ids, skel->maps.vms, skel->maps.charges,
		skel->maps.threads, skel->maps.runners, skel->maps.apic_timers,
	}, *const of_lru[] = { skel->maps.threads, skel->maps.apic_timers };
	int cpus = libbpf_num_possible_cpus();
	u32 least = cpus > 0 ? cpus * LRU_OF_CPU : 0;

	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		bpf_map__set_max_entries(maps[i],
					 bpf_map__max_entries(maps[i]) / KVMW_DEFAULT_VCPUS * nr);
	for (size_t i = 0; i < ARRAY_SIZE(of_lru); i++)
		if (bpf_map__max_entries(of_lru[i]) < least)
			bpf_map__set_max_entries(of_lru[i], least);
}

u64 states__memory(u32 nr, bool latencies)
{
	return (u64)(nr ?: KVMW_DEFAULT_VCPUS) *
	       (sizeof(struct kvmw_vcpu_state) + (latencies ? sizeof(struct kvmw_latencies) : 0));
}

void states__choose_maps(struct kvmw_bpf *skel, u32 events, bool taken, bool latencies)
{
	const struct { struct bpf_map *map; bool used; } maps[] = {
		{ skel->maps.stacks, events & BIT(KVMW_EVENT_STACK) },
		{ skel->maps.more_stacks, events & BIT(KVMW_EVENT_STACK) },
		{ skel->maps.latencies, latencies },
		{ skel->maps.taken_sums, taken },
		{ skel->maps.taken_places, taken },
		{ skel->maps.free_taken, taken },
		{ skel->maps.asserted, events & BIT(KVMW_EVENT_IRQ) },
		{ skel->maps.vectors, events & BIT(KVMW_EVENT_IRQ) },
		{ skel->maps.delivering, events & BIT(KVMW_EVENT_IRQ) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		bpf_map__set_autocreate(maps[i].map, maps[i].used);
}

void states__lose(struct kvmw_bpf *skel)
{
	for (size_t cpu = 0; cpu < ARRAY_SIZE(skel->bss->here); cpu++) {
		__atomic_store_n(&skel->bss->here[cpu].known, 0, __ATOMIC_SEQ_CST);
		__atomic_store_n(&skel->bss->here[cpu].state, ~0U, __ATOMIC_SEQ_CST);
	}
}

/* Of state i; a map that was not made has none. */
static int clear_latencies(struct kvmw_bpf *skel, u32 i)
{
	static const struct kvmw_latencies none;
	int fd = bpf_map__fd(skel->maps.latencies);

	return fd < 0 ? 0 : bpf_map_update_elem(fd, &i, &none, BPF_ANY);
}

void states__free(struct kvmw_bpf *skel, const struct kvmw_vcpu_state *states, u32 i,
		  bool ends_seen)
{
	static const struct kvmw_vcpu_state fresh;
	u32 id = states[i].exit.e.vcpu + KVMW_MAX_VCPUS;

	if (states[i].role == KVMW_ROLE_VMM)
		forget_other(skel, &states[i]);
	if (ends_seen)
		forget_process(skel, &states[i]);
	/* What cannot be cleared is not used again. */
	if (!clear_latencies(skel, i) &&
	    !bpf_map_update_elem(bpf_map__fd(skel->maps.states), &i, &fresh, BPF_ANY) &&
	    !bpf_map_update_elem(bpf_map__fd(skel->maps.free_states), NULL, &id, BPF_ANY))
		__atomic_fetch_sub(&skel->bss->states_used, 1, __ATOMIC_RELAXED);
}
