/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that the host took from VMs (rows of kind invalidate): by what, how often, how much,
 * where. Only REFAULTS_MAX_TAKEN rows are looked at.
 */
#ifndef KVMW_MODEL_MMU_H
#define KVMW_MODEL_MMU_H

#include "util/analysis/models.h"
#include "util/analysis/refaults.h"

#define MMU_CAUSES	64	/* by name; the rest is one more */
#define MMU_RANGES	10	/* shown without --top */
#define MMU_RANGES_MAX	(128 * 1024)

struct mmu_cause {
	char how[REFAULTS_HOW], by[THREAD_NAME_MAX];
	u64 cause, syscall;	/* KVMW_NONE: unknown, or several */
	u64 count, bytes, max_bytes;
	u64 first_ns, last_ns;
	/* Of rows that are about guest memory, as far as the memory slots are known. */
	u64 guest_count, guest_bytes;
};

/* 2 MiB of guest memory, aligned, or all that one row took. */
struct mmu_range {
	struct { u32 vm, pad; u64 gpa, size; } key;
	u64 count, bytes;
};

struct mmu_model {
	struct mmu_cause cause[MMU_CAUSES + 1];	/* the most frequent first */
	u32 nr_causes;
	struct mmu_range *range;	/* those shown, the most frequent first */
	u32 nr_ranges, hidden;
	u64 count, bytes, guest_count, guest_bytes;
	u64 from_ns, to_ns;	/* what the report is of */
	u64 over_limit;		/* rows not looked at */
	bool slots_known;
	bool no_addresses;	/* where it was is not recorded, and how much */
};

extern const struct report_model mmu_report_model;

#endif
