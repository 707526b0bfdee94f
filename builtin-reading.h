/* SPDX-License-Identifier: GPL-2.0 */
/* A recording read for a report: by one command once, by another twice. */
#ifndef KVMW_BUILTIN_READING_H
#define KVMW_BUILTIN_READING_H

#include "builtin-common.h"
#include "util/analysis/findings/findings.h"
#include "util/analysis/models.h"
#include "util/analysis/report/report.h"

/* What a recording was read into; all zero but for model in the beginning. */
struct reading {
	struct recording *rec;
	struct agg_table aggs, fine;	/* fine: of the details of exit reasons, */
	struct report_options by_detail;	/* by these options */
	struct findings_input input;	/* all NULL: not read */
	struct findings findings;
	struct sparks *sparks;		/* NULL: not read */
	const struct report_model *model;	/* to be read; or NULL */
	void *state;			/* of the model; NULL: not read */
	struct kept_rows kept;		/* by the model */
};

/* Whoever reads takes the reader, and closes it. */
static inline struct data_reader *take_reader(struct data_reader **from)
{
	struct data_reader *r = *from;

	*from = NULL;
	return r;
}

/* Findings need all exits. */
static inline bool report_options__wants_findings(const struct report_options *opt)
{
	return opt->details && !opt->reasons.nr && !opt->where;
}

/*
 * Once.  sums: see report_scan__init(); the reader is closed.  0, or -1 (error() said why); in both
 * cases to be freed.
 */
int reading__read(struct reading *in, struct common_args *common, struct report_options *opt,
		  struct data_reader *reader, bool sums);
/* What makes up the rows of a report of exits, and what stands out. 0, or -1 out of memory. */
int reading__add_details(struct reading *in, struct report *rep);
/* It can be read again then. */
void reading__free(struct reading *in);

#endif
