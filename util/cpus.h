/* SPDX-License-Identifier: GPL-2.0 */
/*
 * On which CPUs a thread may run. A cpu_set_t of the C library has 1,024, and where the host could
 * have more, sched_getaffinity(2) fails with it.
 */
#ifndef KVMW_CPUS_H
#define KVMW_CPUS_H

#include <sched.h>

#include "util/types.h"

#define CPUS_MAX	8192	/* NR_CPUS of every kernel is at most this */

struct cpus {
	cpu_set_t set[CPUS_MAX / CPU_SETSIZE];	/* for CPU_ISSET_S() */
};

/* The online CPUs of thread tid; 0: of this one. Returns their number; 0: unknown. */
u32 cpus__of(u32 tid, struct cpus *cpus);
/* How many threads to run at once: one for each CPU, at least 1 and at most max. */
u32 cpus__workers(u32 max);

#endif
