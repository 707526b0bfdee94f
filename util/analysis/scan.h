/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads a whole recording: one thread reads frames and takes in what they say of
 * the recording, workers decode the EVENTS frames, each into an aggregate of
 * its own; these are merged at the end.  A few frames are in memory at a time.
 */
#ifndef KVMW_SCAN_H
#define KVMW_SCAN_H

#include "util/analysis/recording.h"

/*
 * Takes the reader (and closes it).  rec->window leaves rows out.  threads: 0
 * for as many as there are CPUs.  sums: sum up the time in the guest and in the VMM
 * too, which is a third of the work, and in vain where the kernel's totals cover
 * all rows (agg_table__covers()).  0, or -1: out of memory (error() said so).
 * What is damaged, or could not be read, is in rec; what was read is in out.
 */
int scan__read(struct data_reader *r, struct recording *rec, u32 threads, bool sums,
	       struct agg_table *out);

#endif
