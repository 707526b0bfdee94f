/* SPDX-License-Identifier: GPL-2.0 */
/* BPF maps as memory, and as queues that the programs take from. */
#ifndef KVMW_MAPS_H
#define KVMW_MAPS_H

#include <stddef.h>
#include <sys/types.h>

#include "util/capture/group_find.h"
#include "util/types.h"

struct bpf_map;

/* The values of an array that can be mapped, size bytes, live, read-only. NULL: error(). */
void *maps__values(const struct bpf_map *map, size_t size);
void maps__unmap(void *values, size_t size);	/* NULL: nothing */

/* Puts the numbers below nr into an empty queue.  0, or -1: error() said why. */
int maps__fill_queue(const struct bpf_map *map, u32 nr);

/* Chosen processes, all with this value, and control groups (or NULL) into maps. 0; -1: error(). */
int maps__choose(const struct bpf_map *map, const pid_t *pids, u32 nr, const void *value);
int maps__choose_groups(const struct bpf_map *map, const struct group_choices *groups);

/*
 * New rings as elements of an array of rings, and their fds. 0, or -1: error() said why; fds of
 * those there are stay.
 */
int maps__rings(const struct bpf_map *rings, u32 nr, u64 bytes, int *fds);

/*
 * How many rings of how many bytes: one per four CPUs, as a ring has one lock; all together, no
 * more than bytes.
 */
void maps__plan_rings(u64 bytes, u32 *nr, u64 *each);

#endif
