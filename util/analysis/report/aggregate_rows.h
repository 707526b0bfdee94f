/* SPDX-License-Identifier: GPL-2.0 */
/* Reading for a report: the rows of its event become aggregates, by scan.h. */
#ifndef KVMW_AGGREGATE_ROWS_H
#define KVMW_AGGREGATE_ROWS_H

#include "util/analysis/report/report.h"
#include "util/recording/scan.h"

/* Columns that matter only where a row is not completed; of returns to the VMM only the first. */
enum { LAZY_TIME, LAZY_KIND, LAZY_DETAIL, NR_LAZY };

struct report_scan {
	struct scan_consumer consumer;
	struct scan_event event[2];
	const char *names[2][COLUMNS_MAX];
	const char *lazy[2][NR_LAZY + 1];
	bool sums;
	const struct sort_key *key[NR_REPORT_KEYS];	/* those that are not counted */
	u32 nr_keys;
	const struct report_options *opt;
	bool nested_isa;	/* which names the exit reasons of nested guests */
};

/*
 * Fills in rs->consumer, to be handed to scan__read(); its result is for
 * report_scan__take_result().  rs must outlive the scan.
 * sums: sum up the parts of the time too, which is a third of the work, and in vain
 * where the kernel's totals cover all rows (agg_table__covers()).
 */
void report_scan__init(struct report_scan *rs, const struct report_options *opt, bool sums);
/* *out is for report__make(), then for agg_table__free(). */
void report_scan__take_result(void *result, struct agg_table *out);

#endif
