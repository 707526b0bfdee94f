/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The model of `kvmw report -e sched`: how long each thread of the VMs was on a CPU, waited
 * for one and slept, and who took its CPU.
 */
#ifndef KVMW_MODEL_SCHED_H
#define KVMW_MODEL_SCHED_H

#include "util/analysis/models.h"
#include "util/analysis/thread_names.h"

#define SCHED_THREADS	4096	/* kept; those that waited least are dropped */

struct sched_thread {
	u32 tid, vcpu;		/* vcpu: id; of a vCPU if any of its rows is */
	bool several;		/* its rows are of several vCPUs */
	char name[THREAD_NAME_MAX];
	/*
	 * Within the report's time.  What it was in at the end is part of these where its
	 * rows tell; it ended when the vCPU died.
	 */
	u64 on_ns, wait_ns, asleep_ns;
	/* since the start, and until the end; KVMW_NONE, 0: it did not die */
	u64 died_ns, gone_ns;
	struct duration_stats wait;	/* of the waits that ended, each whole */
	u64 switches;		/* off a CPU */
	u64 preempted, moved;
	struct view_top by;	/* who took its CPU most often; count 0: no one */
	/* The last that is known of it; 0: nothing. */
	u64 last_ns;
	u32 last;
};

struct sched_model {
	struct sched_thread *thread;	/* the one that waited longest first */
	u32 nr, more;		/* more: beyond SCHED_THREADS */
	u64 from_ns, to_ns;	/* what the report is of */
	u64 over_limit;		/* rows of threads beyond the limit */
};

extern const struct report_model sched_report_model;

#endif
