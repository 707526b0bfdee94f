/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Details of an exit that are not in its own fields, but that KVM traces while it handles the
 * exit.
 */
#ifndef KVMW_EXIT_DETAIL_BPF_H
#define KVMW_EXIT_DETAIL_BPF_H

#include "cycle.bpf.h"

static __always_inline void detail_set(struct kvmw_exit *e, u32 kind, u64 value, u32 size)
{
	e->detail_kind = kind;
	e->detail = value;
	e->detail_size = size;
}

/* The record of the current cycle of this thread. */
static __always_inline struct kvmw_exit *cycle_now(void)
{
	struct kvmw_vcpu_state *s = active ? state_of_thread(false) : NULL;

	return s && s->exit_open ? &s->exit.e : NULL;
}

/* A page fault may turn out to be MMIO; if there are several accesses, the first one counts. */
static __always_inline void mmio(u32 kind, u64 gpa, u32 size)
{
	struct kvmw_exit *e = cycle_now();

	if (e && (e->detail_kind == KVMW_DETAIL_NONE ||
		  (e->detail_kind >= KVMW_DETAIL_FAULT_READ &&
		   e->detail_kind <= KVMW_DETAIL_FAULT_EXEC)))
		detail_set(e, kind, gpa, size);
}

/* Adds the number that a detail of this kind lacks so far. */
static __always_inline void fill(u32 kind, u64 value)
{
	struct kvmw_exit *e = cycle_now();

	if (e && e->detail_kind == kind && e->detail == KVMW_NONE)
		e->detail = value;
}

#endif
