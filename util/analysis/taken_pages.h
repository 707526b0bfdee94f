/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages of VMMs, and which row of memory taken covered each of them last.
 *
 * Where a guest's page is in its VMM, the memory slots say.  The pages of interest are added
 * first and then sorted; after that rows cover them, in order of time.
 */
#ifndef KVMW_TAKEN_PAGES_H
#define KVMW_TAKEN_PAGES_H

#include "util/memory.h"
#include "util/recording/recording.h"

#define TAKEN_PAGE_SHIFT	12

struct vmm_slot;

/* All zero but for the budget in the beginning. */
struct vmm_slots {
	struct budget *budget;
	struct vmm_slot *slot;
	u32 nr, room;
};

/* The slots of address space 0. 0, or -1 out of memory. */
int vmm_slots__make(struct vmm_slots *s, const struct recording *rec);
/* The number of a VM's page in its VMM; KVMW_NONE: in no known slot. */
u64 vmm_slots__page(const struct vmm_slots *s, u32 vm, u64 gfn);
void vmm_slots__free(struct vmm_slots *s);

struct taken_page;

/* All zero but for the budget in the beginning. */
struct taken_pages {
	struct budget *budget;
	struct taken_page *page;
	u32 *latest;		/* a tree over page */
	size_t nodes;
	u32 nr, room;
};

/* Stands for all of a process: each row of it covers this one. */
#define TAKEN_ANY_PAGE	KVMW_NONE

/* 0, or -1 out of memory. */
int taken_pages__add(struct taken_pages *p, u32 pid, u64 page);
int taken_pages__sort(struct taken_pages *p);
/* Row number row (1 or more, ascending) covers the addresses from start up to end. */
void taken_pages__cover(struct taken_pages *p, u32 pid, u64 start, u64 end, u32 row);
/* The last row that covered a page that was added; 0: none. */
u32 taken_pages__last(const struct taken_pages *p, u32 pid, u64 page);
void taken_pages__free(struct taken_pages *p);

#endif
