/* SPDX-License-Identifier: GPL-2.0 */
/* The page fault that a thread handles, for programs that learn something about it. */
#ifndef KVMW_FAULT_BPF_H
#define KVMW_FAULT_BPF_H

#include "point.bpf.h"

/* The fault that this thread handles; NULL: none. */
static __always_inline struct kvmw_held *fault_now(struct kvmw_vcpu_state *s)
{
	struct kvmw_held *held;

	if (!s || s->role != KVMW_ROLE_VCPU)
		return NULL;
	held = &s->held[KVMW_HELD_FAULT];
	return held->size ? held : NULL;
}

/* Our number for what a handler returned. */
static __always_inline u64 fault_ret_pf(s32 result)
{
	u32 last = KVMW_MAX_RET_PF - 1, number = result;

	if (result < 0)
		return KVMW_RET_PF_ERROR;
	number = number < last ? number : last;
	barrier_var(number);
	return config.fault.ret_pf[number & last] ?: KVMW_NONE;
}

/* The handler of this thread's fault returned. */
static __always_inline void fault_handled(s32 result)
{
	struct kvmw_held *held = fault_now(active ? state_of_thread(false) : NULL);

	if (held)
		held->row.value[VALUE(fault, ret_pf)] = fault_ret_pf(result);
}

/* KVM emulates the instruction: if no probed handler said so, one without a probe did. */
static __always_inline void fault_emulated(void)
{
	struct kvmw_held *held = fault_now(active ? state_of_thread(false) : NULL);

	if (held && held->row.value[VALUE(fault, ret_pf)] == KVMW_NONE)
		held->row.value[VALUE(fault, ret_pf)] = KVMW_RET_PF_EMULATE;
}

#endif
