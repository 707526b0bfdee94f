/* SPDX-License-Identifier: GPL-2.0 */
/* Where the memory of VMs' processes is, and how much of it in huge pages: rows of "vm_memory". */
#ifndef KVMW_VM_MEMORY_H
#define KVMW_VM_MEMORY_H

#include "util/capture/interned.h"
#include "util/event_desc.h"

/*
 * The kernel holds a process's mmap_lock while it goes through its pages, for 25 ms per GiB of
 * small ones: so much is looked through at one moment, of all VMs.
 */
#define VM_MEMORY_WALK	(4ULL << 30)
#define VM_MEMORY_NODES	1024		/* the most that Linux can be built for */

struct vm_memories {			/* all zero: empty */
	struct kvmw_vm_memory *row;	/* of the moment that was read last */
	u32 nr, room;
	u64 walked;			/* bytes, at that moment */
};

/* Where the memory of nodes comes from, for nodes_from. */
enum { NODES_UNKNOWN, NODES_ONLY_ONE, NODES_OF_CGROUP, NODES_OF_MAPS };

struct node_bytes {
	u64 bytes[VM_MEMORY_NODES];
};

void vm_memory__begin(struct vm_memories *memories);
/*
 * Adds the rows of one process, at this moment (KVMW_vm_memory_*); none, if it is gone. 0, or -1:
 * out of memory (error() said so).
 */
int vm_memory__read(struct vm_memories *memories, u32 kind, u32 pid, struct interned *names);
void vm_memory__free(struct vm_memories *memories);

/*
 * Parts of it.  What cannot be read, or does not say it: false, and errno.
 * Anonymous and shared memory by node: memory.numa_stat of cgroup v2.
 */
bool numa_stat__read(const char *path, struct node_bytes *nodes);
/* All pages by node: /proc/PID/numa_maps. */
bool numa_maps__read(const char *path, struct node_bytes *nodes);
/* /proc/PID/status and smaps_rollup: what they have of a row's fields; else these are KVMW_NONE. */
bool vm_memory__status(const char *path, struct kvmw_vm_memory *row);
bool vm_memory__rollup(const char *path, struct kvmw_vm_memory *row);
/* The only one of "0"; -1: there are several, as in "0-1,4", or it cannot be read. */
int only_node(const char *path);

#endif
