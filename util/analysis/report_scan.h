/* SPDX-License-Identifier: GPL-2.0 */
/* Reading for a report: rows of one event become aggregates, by scan.h. */
#ifndef KVMW_REPORT_SCAN_H
#define KVMW_REPORT_SCAN_H

#include "util/analysis/report.h"
#include "util/analysis/scan.h"

struct report_scan {		/* all zero: not begun */
	struct scan_consumer consumer;
	struct scan_event event[2];
	const char *names[2][COLUMNS_MAX];
	const char *lazy[2];
};

/*
 * Makes rs->consumer, whose result is a struct agg_table *, for report__make().
 * sums: sum up the parts of the time too, which is a third of the work, and in vain
 * where the kernel's totals cover all rows (agg_table__covers()).
 * rs must outlive the scan, opt the reading.
 */
void report_scan__init(struct report_scan *rs, const struct report_options *opt, bool sums);

/*
 * The whole way for a report alone: as scan__read(), *out is to be freed with
 * agg_table__free().  rec->window has been set.
 */
int report__read(struct data_reader *r, struct recording *rec, const struct report_options *opt,
		 u32 threads, bool sums, struct agg_table *out);

#endif
