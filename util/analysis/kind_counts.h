/* SPDX-License-Identifier: GPL-2.0 */
/* What the programs counted of families: events of each kind, by VM or vCPU or in all. */
#ifndef KVMW_KIND_COUNTS_H
#define KVMW_KIND_COUNTS_H

#include "util/analysis/report/report.h"

enum kind_counts_of { KINDS_OF_ALL, KINDS_OF_VM, KINDS_OF_VCPU };

struct kind_count {
	struct { u32 event, kind, vm, vcpu; } key;	/* vm, vcpu: ids; all ones: of all */
	u64 count;
	u64 done, span_ns;		/* of those that have a duration */
};

struct kind_counts {
	struct kind_count *each;	/* by event, kind, VM and vCPU */
	u32 nr;
};

/* Of rec->totals.  0, or -1 out of memory (error() said so); to be freed in both cases. */
int kind_counts__make(const struct recording *rec, enum kind_counts_of of,
		      struct kind_counts *counts);
void kind_counts__free(struct kind_counts *counts);

#endif
