// SPDX-License-Identifier: GPL-2.0
#include "util/analysis/report/key_stack.h"

/*
 * Numbers of stacks are hashes of all their addresses: those that differ only in what a
 * recorder does not keep (its own programs, values that are not return addresses) are one.
 */
u64 stack_pair__same(const struct report *rep, u64 pair)
{
	const struct rec_stack *kernel = recording__stack(rep->rec, pair >> 32);
	const struct rec_stack *user = recording__stack(rep->rec, pair);
	bool by_function = rep->opt->functions;
	u64 above = !kernel ? pair >> 32 : by_function ? kernel->functions : kernel->same;

	return above << 32 | (!user ? (u32)pair : by_function ? user->vmm_functions : user->same);
}

u32 stack_pair__innermost(const struct report *rep, u64 pair)
{
	u32 kernel = pair >> 32, id = (s32)kernel < 0 ? (u32)pair : kernel;
	const struct rec_stack *stack = (s32)id < 0 ? NULL : recording__stack(rep->rec, id);

	return stack ? stack->innermost : id;
}
