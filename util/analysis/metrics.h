/* SPDX-License-Identifier: GPL-2.0 */
/* The metrics of kvmw stat for Prometheus: counters of each VM, since the beginning. */
#ifndef KVMW_METRICS_H
#define KVMW_METRICS_H

#include "util/analysis/kind_counts.h"

#define METRICS_TAKERS	16	/* by KVMW_holder_* */

/* Who had the CPUs that a VM's vCPUs waited for. */
struct metrics_waits {
	u32 key;		/* id of the VM */
	u64 taker_ns[METRICS_TAKERS];
};

/* Events that are in no counter of a VM. */
struct metrics_gaps {
	u64 no_room;		/* of vCPUs beyond those that can be counted at a time */
	u64 missed;		/* at most: programs that the kernel skipped, on the whole host */
};

struct metrics {
	const struct recording *rec;
	const struct report *by_reason;	/* sorted by VM, vCPU if it is wanted, and reason */
	const struct report *by_vcpu;	/* likewise without reason */
	struct hash_table waits;	/* of struct metrics_waits */
	struct kind_counts kinds;	/* of families */
	struct metrics_gaps gaps;
	u64 start_realtime_ns;
};

/* The keys of the two reports. */
void metrics__options(struct report_options *opt, u32 event, bool vcpus, bool reasons);
/* Both reports outlive it.  0, or -1 out of memory (error() said so); in both cases to be freed. */
int metrics__make(struct metrics *m, const struct report *by_reason, const struct report *by_vcpu,
		  const struct metrics_gaps *gaps);
void metrics__free(struct metrics *m);

/* The VM of a row, and its vCPU if rows are of vCPUs; NULL: unknown. */
const struct rec_vm *metrics__vm(const struct report *rep, const struct report_row *row);
const struct rec_vcpu *metrics__vcpu(const struct report *rep, const struct report_row *row);

#endif
