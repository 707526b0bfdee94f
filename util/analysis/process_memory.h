/* SPDX-License-Identifier: GPL-2.0 */
/* Where the memory of VMs' processes is, from the rows of table "vm_memory". */
#ifndef KVMW_PROCESS_MEMORY_H
#define KVMW_PROCESS_MEMORY_H

#include "util/recording/recording.h"

struct process_memory {
	/* at the end, else at the start; KVMW_NONE: unknown */
	const struct kvmw_vm_memory *row;
	const char *huge_unknown, *nodes_unknown;	/* why; safe to print, "" if they are known */
	/* of the same moment, by node; memory of the list */
	const struct kvmw_vm_memory **node;
	u32 nr_nodes;
};

struct process_memories {
	struct process_memory *process;		/* by pid */
	u32 nr;
	const struct kvmw_vm_memory **row;
};

/* 0, or -1 out of memory (error() said so); to be freed in both cases. rec must outlive it. */
int process_memories__make(struct process_memories *list, const struct recording *rec);
void process_memories__free(struct process_memories *list);

#endif
