/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest page faults by attempted access, by what their handlers returned, by place, and the
 * levels at which pages were mapped. Memory is bounded by SPAN_TABLE_MAX keys of each; rows beyond
 * are in over_limit.
 */
#ifndef KVMW_MODEL_FAULT_H
#define KVMW_MODEL_FAULT_H

#include "util/analysis/hist.h"
#include "util/analysis/models.h"
#include "util/analysis/refaults.h"
#include "util/analysis/retries.h"

#define FAULT_UNKNOWN	UINT16_MAX	/* access, ret_pf, mmio and level */
#define FAULT_LEVELS	3		/* 4 KiB, 2 MiB, 1 GiB */
#define FAULT_RANGES	10		/* shown without --top */

/* Those of one access (bits: 1 read, 2 write, 4 execute), or result (KVMW_RET_PFS). */
struct fault_class {
	u16 value;
	u16 mmio;		/* 0, 1 */
	struct duration_stats span;
	u64 count;		/* those without a span too */
};

/* 2 MiB of RAM, aligned; or a page of MMIO, as devices lie close together. */
struct fault_range {
	u32 vm;			/* id; REC_NO_VM: unknown */
	u16 mmio;
	u64 gpa, size;
	u64 count;
	struct duration_stats span;
	/* The memory slot of the greatest part of it; KVMW_NONE: unknown. */
	u64 slot;
	u64 slot_gpa, slot_size;
};

struct fault_model {
	struct fault_class *access, *result;	/* the most frequent first */
	u32 nr_accesses, nr_results;
	struct fault_range *range;	/* those shown, the most frequent first */
	u32 nr_ranges, hidden;		/* hidden: ranges beyond them */
	u64 count, span_ns;	/* of all page faults */
	u64 no_gpa;		/* those without an address: shadow paging */
	/* [level]: faults that ended with such a mapping, and mappings made; [0]: unknown. */
	u64 faults[FAULT_LEVELS + 1], mapped[FAULT_LEVELS + 1];
	u64 over_limit, slots_over_limit;
	struct refaults refaults;
	struct retries retries;
	/* rows of memory that the host took; 0: causes are unknown */
	u64 taken;
	u64 no_refault, no_taken;	/* rows beyond REFAULTS_MAX_FAULTS, REFAULTS_MAX_TAKEN */
	bool several_vms;
};

extern const struct report_model fault_report_model;

#endif
