/* SPDX-License-Identifier: GPL-2.0 */
/* Stacks of the kernel and of the VMM as one number: the kernel's id above the VMM's. */
#ifndef KVMW_KEY_STACK_H
#define KVMW_KEY_STACK_H

#include "util/analysis/report/report.h"

/* Below 0: there is none, for whatever reason. */
static inline u64 stack_pair__of(u64 kernel, u64 user)
{
	return ((s64)kernel < 0 ? UINT32_MAX : (u64)(u32)kernel) << 32 |
	       ((s64)user < 0 ? UINT32_MAX : (u32)user);
}

/* The first pair that is in one row with it. */
u64 stack_pair__same(const struct report *rep, u64 pair);
/* The first stack with the same innermost function, the kernel's if there is one; below 0: none. */
u32 stack_pair__innermost(const struct report *rep, u64 pair);

#endif
