/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest page faults by what the guest tried and what is there, by where they were, and at
 * which levels pages were mapped.  Memory is bounded by AGG_MAX_KEYS, of each; what is
 * beyond is in over_limit.
 */
#ifndef KVMW_MODEL_FAULT_H
#define KVMW_MODEL_FAULT_H

#include "util/analysis/report/report.h"
#include "util/recording/scan.h"

#define FAULT_UNTOLD	UINT16_MAX	/* access, mmio and level: not told */
#define FAULT_LEVELS	3		/* 4 KiB, 2 MiB, 1 GiB */

struct fault_access {
	u16 access;		/* bits: 1 read, 2 write, 4 execute */
	u16 mmio;		/* 0, 1 */
	struct hist span;
	u64 count;		/* those without a span too */
};

/* 2 MiB of RAM, aligned; or a page where there is none, as devices lie close together. */
struct fault_range {
	u32 vm;			/* id; REC_NO_VM: unknown */
	u16 mmio;
	u64 gpa, size;
	u64 count;
	struct hist span;
	/* The memory slot of the greatest part of it, KVMW_NONE: none is known. */
	u64 slot;
	u64 slot_gpa, slot_size;
};

struct fault_model {
	const struct report_options *opt;
	struct agg_table accesses, ranges, slots, levels;	/* as read */
	/* Of fault_model__finish(): the most frequent first. */
	struct fault_access *access;
	u32 nr_accesses;
	struct fault_range *range;
	u32 nr_ranges;
	u64 count, span_ns;	/* of all page faults */
	u64 no_gpa;		/* those in no range: shadow paging */
	/* [level]: faults that ended with such a mapping, and mappings made; [0]: not told. */
	u64 faults[FAULT_LEVELS + 1], mapped[FAULT_LEVELS + 1];
	u64 over_limit, slots_over_limit;
	bool several_vms;
};

/* Its arg is the const struct report_options *; its state a struct fault_model. */
extern const struct scan_consumer fault_consumer;

/* Once, after the scan. 0, or -1 out of memory (error() said so). */
int fault_model__finish(struct fault_model *v, const struct recording *rec);

/* Fills in the slot of a range that is shown: it looks through all slots. */
void fault_model__find_slot(const struct fault_model *v, const struct recording *rec,
			   struct fault_range *r);

#endif
