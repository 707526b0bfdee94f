/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What findings look at in the families of events, if these were recorded: for each vCPU, how
 * long interrupts waited for their injection, pages made dirty, changes of the polling window, page
 * faults that mapped nothing, exits of nested guests that L1 got, and kernel stacks.
 */
#ifndef KVMW_FAMILY_SUMS_H
#define KVMW_FAMILY_SUMS_H

#include "util/analysis/findings/exit_places.h"

#define INJECTION_LONG	1000000		/* ns from acceptance to injection */

struct vcpu_families {
	struct { u32 vcpu; } key;	/* an id */
	u64 injections;		/* with a known waiting time */
	u64 late, late_ns, late_max_ns;	/* of them, those that waited INJECTION_LONG or longer */
	u64 logged;		/* marks of pages on slots with dirty logging */
	u64 grew, shrank;	/* changes of the polling window */
	u64 handled;		/* page faults with a known result of the handler */
	u64 nothing;		/* of them, those that mapped nothing and had nothing emulated */
	u64 nested, forwarded;	/* exits of nested guests; of them, those that L1 got */
	struct place place[NR_PLACES];	/* of nothing, as exit_places has those of all faults */
	/* Kernel stacks of threads that left their CPU during exits: ids; count: time in ns. */
	struct place stack[NR_PLACES];
};

struct family_sums {
	struct hash_table vcpus;	/* of struct vcpu_families */
};

/* Of two vCPUs together, or of the same in two parts of the recording. */
void vcpu_families__add(struct vcpu_families *v, const struct vcpu_families *more);

/* Gives a struct family_sums. */
extern const struct scan_consumer family_sums__scan;

#endif
