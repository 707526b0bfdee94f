/* SPDX-License-Identifier: GPL-2.0 */
/* What the recorder costs by itself. */
#ifndef KVMW_CPU_TIME_H
#define KVMW_CPU_TIME_H

#include <time.h>

#include "util/types.h"

/* CPU time of all threads of this process so far. */
static inline u64 cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

#endif
