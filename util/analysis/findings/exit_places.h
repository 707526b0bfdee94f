/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For each vCPU, where in the guest it was when the host interrupted it: the only thing that exits
 * show of a guest that causes none.  And what no sum by reason and detail shows: which page
 * faults are of protection, of one page and instruction, of neighbouring pages; exits of nested
 * guests; failures of KVM; what polling saw; how far away the guest set its timers.
 */
#ifndef KVMW_EXIT_PLACES_H
#define KVMW_EXIT_PLACES_H

#include "util/analysis/deadlines.h"
#include "util/hash_table.h"
#include "util/recording/scan.h"

#define PLACE_SHIFT	7	/* a place is 128 bytes: a loop of a few instructions */
#define NR_PLACES	8	/* kept of each vCPU */

/* Where something was. */
struct place {
	u64 at, gpa;		/* rip >> PLACE_SHIFT and 0; of faults rip, gpa >> 12 */
	u64 count;		/* 0: free */
};

/* Failures of KVM_RUN that end a guest: KVM_EXIT_* of linux/kvm.h. */
enum run_failure { FAILURE_SHUTDOWN, FAILURE_ENTRY, FAILURE_INTERNAL, NR_RUN_FAILURES };

struct vcpu_places {
	struct { u32 vcpu; } key;	/* an id */
	u64 exits;
	u64 by_host;		/* interrupts and NMIs of the host among them */
	u64 faults, protect;	/* page faults on memory; of them, those of write protection */
	/*
	 * And those of the same page and instruction as the fault before: it mapped nothing, as
	 * while memory is taken (mmu_invalidate_in_progress), or the page was taken at once.
	 */
	u64 again;
	u64 last_rip, last_gfn;	/* of the last fault */
	/*
	 * The most frequent ones of by_host, and of faults, by Misra and Gries: the real number is
	 * at most by_host / (NR_PLACES + 1) greater.
	 */
	struct place *place, *fault;	/* NR_PLACES, or NULL: none, or no memory left */
	u64 failed[NR_RUN_FAILURES];
	/* exits of nested guests, their cost; time in these */
	u64 nested, nested_ns, nested_guest_ns;
	u64 enters, enters_ns;	/* exits by which L1 runs a nested guest, their cost */
	u64 polls, paid;	/* exits with polling; of them, those that it ended */
	/* HLTs that did not halt; of them, those that the VMM got */
	u64 no_halt, no_halt_vmm;
	u64 ipis;		/* exits by which it sent an interrupt */
	/* likewise the most frequent values written for that, of a register */
	struct place *ipi;
	/* Those whose halt ended after polling, but within as much time again; what they polled. */
	u64 just_missed, just_missed_ns;
};

#define RANGE_SHIFT	21	/* 2 MiB: what one huge page maps */
#define NR_RANGES	4096	/* 8 GiB; faults of more are not looked at */

/* Page faults of one vCPU in 2 MiB of guest memory. */
struct fault_range_pages {
	struct { u32 vcpu, unused; u64 range; } key;
	u64 faults;
	u64 page[512 / 64];	/* a bit for each page that had one */
};

struct exit_places {
	struct hash_table vcpus;	/* of struct vcpu_places */
	struct hash_table ranges;	/* of struct fault_range_pages */
	struct deadlines deadlines;
};

/* Of two vCPUs together, or of the same in two parts of the recording; but for places. */
void vcpu_places__add(struct vcpu_places *v, const struct vcpu_places *more);

/* How many pages had a fault. */
u32 fault_range_pages__nr(const struct fault_range_pages *r);
/* The address of the first of them, or of the range if there is none. */
u64 fault_range_pages__first(const struct fault_range_pages *r);

/* Counts one more in one of NR_PLACES places, or count. */
void places__add(struct place *place, u64 at, u64 gpa, u64 count);
/* The most frequent of them, also of NULL; never NULL. */
const struct place *places__most(const struct place *place);

/* Gives a struct exit_places. */
extern const struct scan_consumer exit_places__scan;

/* The place where it was most often, and the one beside it; its count, 0 if there is none. */
u64 vcpu_places__most(const struct vcpu_places *v, u64 *rip);

#endif
