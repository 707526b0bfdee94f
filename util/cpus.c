// SPDX-License-Identifier: GPL-2.0
#include "util/cpus.h"

u32 cpus__of(u32 tid, struct cpus *cpus)
{
	CPU_ZERO_S(sizeof(cpus->set), cpus->set);
	return sched_getaffinity(tid, sizeof(cpus->set), cpus->set) ? 0 :
	       CPU_COUNT_S(sizeof(cpus->set), cpus->set);
}

u32 cpus__workers(u32 max)
{
	struct cpus cpus;
	u32 nr = cpus__of(0, &cpus) ?: 1;

	return nr < max ? nr : max;
}
