/* SPDX-License-Identifier: GPL-2.0 */
/* Clocks that the recorder reads. */
#ifndef KVMW_CLOCKS_H
#define KVMW_CLOCKS_H

#include <time.h>

#include "util/types.h"

/* CLOCK_MONOTONIC, as in rows. */
static inline u64 monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* CPU time of all threads of this process so far. */
static inline u64 cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

#endif
