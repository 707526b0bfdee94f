/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who had the CPUs while vCPUs waited for them, as the kernel counted it: exact, however many
 * records were lost, but not of a window of time.
 */
#ifndef KVMW_CPU_HOLDERS_H
#define KVMW_CPU_HOLDERS_H

#include "util/analysis/thread_names.h"

struct cpu_holder {
	u32 kind;		/* KVMW_holder_*, or a newer one */
	u32 vcpu_id;		/* of the vCPU that waited, or of the first of several */
	u32 waiters;		/* vCPUs that waited */
	u32 tid, pid;		/* all ones: of no thread */
	u32 number;		/* of the vCPU that it runs; all ones: none, or unknown */
	const char *vm;		/* name of its VM, or of that one's VMM; "": unknown, or none */
	u64 turns, time_ns;
	char name[THREAD_NAME_MAX];
};

struct cpu_holders {
	struct cpu_holder *each;	/* of each vCPU, the longest first */
	u32 nr_each;
	struct cpu_holder *line;	/* of all vCPUs together, the longest first */
	u32 nr_lines;
	u64 time_ns;		/* sum */
	u64 wait_ns, throttled_ns;	/* of completed cycles; KVMW_NONE: unknown */
	u64 over_limit;		/* rows of holders beyond the limit */
};

/* "process", "vm"; NULL: unknown. */
const char *cpu_holder__kind(u32 kind);

/* Of the vCPUs that the report selects.  0, or -1 out of memory (error() said so). */
int cpu_holders__make(struct cpu_holders *h, const struct thread_names *names);
void cpu_holders__free(struct cpu_holders *h);

#endif
