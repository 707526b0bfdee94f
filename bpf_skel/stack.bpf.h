/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stacks, for stack.bpf.c and for programs that end an event with a stack (--stack).  Those not
 * requested cost nothing: the configuration is constant, so the verifier drops their code.
 *
 * The ids of kernel and user stacks share one space: they are hashes of the addresses.  A stack
 * whose id another one has goes into a second map; a third such stack is unknown.
 */
#ifndef KVMW_STACK_BPF_H
#define KVMW_STACK_BPF_H

#include "point.bpf.h"

struct stack_map {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, KVMW_MAX_STACKS / 2);
	__uint(key_size, sizeof(u32));
	__uint(value_size, KVMW_MAX_FRAMES * sizeof(u64));
};
struct stack_map stacks __weak SEC(".maps");
struct stack_map more_stacks __weak SEC(".maps");

#define EEXIST 17

/* < 0: unknown. */
static __always_inline s32 stack_id(void *ctx, u64 flags)
{
	s32 id;

	if (none_spared())
		return -1;
	id = bpf_get_stackid(ctx, &stacks, flags);
	if (id != -EEXIST)
		return id;
	id = bpf_get_stackid(ctx, &more_stacks, flags);
	return id < 0 ? id : id + KVMW_MAX_STACKS / 2;
}

static __always_inline bool wants_stack(u32 kind)
{
	return config.stacks >> kind & 1;
}

/* KVM_RUN is covered by exit and userspace. */
static __always_inline bool call_wants_stack(const struct kvmw_call *call)
{
	return wants_stack(KVMW_stack_IOCTL) && call->row.value[VALUE(ioctl, cmd)] != KVM_RUN;
}

/* At the end of an event that took span_ns, in which the thread did not leave its CPU. */
static __always_inline void stack_take_late(void *ctx, struct kvmw_stack_ids *ids, u64 span_ns,
					    bool kernel)
{
	if (ids->from)
		return;
	ids->kernel = ids->user = -1;
	if (span_ns < config.filter.min_ns)
		return;
	if (kernel)
		ids->kernel = stack_id(ctx, 0);
	ids->user = stack_id(ctx, BPF_F_USER_STACK);
}

/* Sends a row with these stacks, and forgets them. */
static __always_inline void stack_fill(struct kvmw_ring_row *row, const struct kvmw_vcpu_state *s,
				       u32 kind, struct kvmw_stack_ids *ids)
{
	row_begin(row, s, KVMW_EVENT_STACK, kind, NR_VALUES(stack));
	row->value[VALUE(stack, kernel)] = (s64)ids->kernel;
	row->value[VALUE(stack, user)] = (s64)ids->user;
	ids->from = KVMW_STACK_NONE;
}

#endif
