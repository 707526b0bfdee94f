/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How often each exit reason occurred over the whole recording, and how long it took: in a few
 * equal steps of time, of the first page. Steps begin short, since it turns out while it is read
 * how long a recording is; where there would be too many, two become one, as in time_slices.h.
 */
#ifndef KVMW_SPARKS_H
#define KVMW_SPARKS_H

#include "util/recording/scan.h"

#define SPARK_STEPS	16

struct report;

/* arg: struct report_options.  Its state is a struct sparks. */
extern const struct scan_consumer sparks__scan;
struct sparks;

/*
 * Steps of a report. All have the same length, but for the last one, which extends to the end: it
 * is longer, or shorter, by half of a step at most.
 */
struct spark_steps {
	u64 from_ns;		/* CLOCK_MONOTONIC */
	u64 step_ns, last_ns;	/* length of the last one */
	u32 nr;			/* at most SPARK_STEPS; 0: not known */
};

/* Of one row, the events that began in each step. */
struct row_sparks {
	u64 count[SPARK_STEPS];
	double per_second[SPARK_STEPS];
	u64 p99_ns[SPARK_STEPS];	/* KVMW_NONE: none was completed */
	double most_per_second;	/* of these; 0: none */
	u64 most_p99_ns;
};

/* Gives rows their sparks, unless there were too many keys. 0, or -1 out of memory. */
int report__add_sparks(struct report *rep, const struct sparks *sparks);

#endif
