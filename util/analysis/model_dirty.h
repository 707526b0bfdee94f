/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages made dirty, as `kvmw report -e dirty` shows them: how many, how often, how fast,
 * where, and by whom.
 *
 * A mark is a row of kind page.  Only marks on slots with dirty logging on mean that a page
 * became dirty for someone; others are only counted.  Memory is bounded by the report's budget,
 * DIRTY_MAX_PAGES and DIRTY_MAX_MARKS; marks beyond are counted too.
 */
#ifndef KVMW_MODEL_DIRTY_H
#define KVMW_MODEL_DIRTY_H

#include "util/analysis/migration.h"
#include "util/analysis/models.h"

#define DIRTY_MAX_PAGES	(16u << 20)	/* distinct (vCPU, slot, gfn) */
#define DIRTY_MAX_MARKS	(16u << 20)	/* marks whose times are kept */
#define DIRTY_MAX_SLOTS	(64u << 10)	/* rows of memory slots that are kept */
#define DIRTY_WINDOWS	4
#define DIRTY_RANGES	10
#define DIRTY_BY	256		/* vCPUs listed */
#define DIRTY_TOP_BY	16		/* of them, in text */

/* Pages seen in a window of time, one after another since the first mark. */
struct dirty_window {
	u64 ns;
	u64 whole;		/* windows that ended before the last mark */
	double mean;		/* of these; undefined if there is none */
	u64 max;		/* of all */
};

/* Neighbouring pages of one VM and slot, about as many marks on each of them. */
struct dirty_range {
	u32 vm;			/* REC_NO_VM: unknown */
	u32 slot;		/* address space << 16, id; UINT32_MAX: unknown */
	u64 gfn, pages, marks;
	bool has_slot;		/* the recording has a row of it: */
	u64 slot_gpa, slot_size, slot_hva;
};

struct dirty_by {
	u32 vcpu;		/* id of IDENT */
	u64 marks;
	char label[REPORT_LABEL_MAX];
};

struct dirty_model {
	/* Of marks, --vcpu and --pid applied. */
	u64 marks;		/* logging on */
	u64 unlogged;		/* logging off */
	u64 unknown;		/* whether it is on, or which page, is unknown */
	/* Of those with logging on: */
	u64 pages;		/* distinct (VM, address space, gfn) */
	u64 again;		/* pages with two marks or more */
	u64 no_page;		/* marks beyond DIRTY_MAX_PAGES: pages is too small */
	u64 no_time;		/* marks beyond DIRTY_MAX_MARKS: of windows and rates */
	u64 first_ns, last_ns;	/* of the marks whose times are known */
	u64 timed;		/* how many they are; 0: no windows, no rates */
	struct dirty_window window[DIRTY_WINDOWS];
	struct dirty_range range[DIRTY_RANGES];	/* most marks first */
	u32 nr_ranges;
	u64 all_ranges;
	struct dirty_by by[DIRTY_BY];	/* most marks first */
	u32 nr_by;
	u64 by_others;		/* marks of vCPUs beyond DIRTY_BY */
	u64 beyond_top;		/* the same beyond DIRTY_TOP_BY */
	const struct dirty_mark *mark;	/* by time, for dirty_model__rates() */
	struct migration_replay migration;	/* of the VM of the marks, if there is one */
};

extern const struct report_model dirty_report_model;

/*
 * Marks in up to nr equal buckets of time from the first mark to the last; *used is how
 * many there are.  Returns the length of a bucket in ns, 1 ms or more.
 */
u64 dirty_model__rates(const struct dirty_model *v, u64 *marks, u32 nr, u32 *used);

#endif
