/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Of each vCPU, where in the guest it was when the host interrupted it: what the exits say of a
 * guest that itself causes none.  And how many page faults were writes to pages that were mapped,
 * but write-protected.
 */
#ifndef KVMW_EXIT_PLACES_H
#define KVMW_EXIT_PLACES_H

#include "util/hash_table.h"
#include "util/recording/scan.h"

#define PLACE_SHIFT	7	/* a place is 128 bytes: a loop of a few instructions */
#define NR_PLACES	8	/* kept of each vCPU */

struct vcpu_places {
	struct { u32 vcpu; } key;	/* an id */
	u64 exits;
	u64 by_host;		/* interrupts and NMIs of the host among them */
	u64 faults, protect;	/* page faults on memory; of them, those of write protection */
	/*
	 * Of by_host, the most frequent ones, by Misra and Gries: the real number is at most
	 * by_host / (NR_PLACES + 1) greater.
	 */
	struct place {
		u64 at;		/* rip >> PLACE_SHIFT */
		u64 count;	/* 0: free */
	} place[NR_PLACES];
};

struct exit_places {
	struct hash_table vcpus;	/* of struct vcpu_places */
};

/* Gives a struct exit_places. */
extern const struct scan_consumer exit_places__scan;

/* The place where it was most often, and the one beside it; its count, 0 if there is none. */
u64 vcpu_places__most(const struct vcpu_places *v, u64 *rip);

#endif
