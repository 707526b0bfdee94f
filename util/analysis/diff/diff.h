/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The model of `kvmw diff`: two reports, row by row.  Rows are the same if their labels are.
 * Counts and times are per second of a vCPU's life, so recordings of any length compare.
 */
#ifndef KVMW_DIFF_H
#define KVMW_DIFF_H

#include "util/analysis/diff/settings.h"
#include "util/analysis/findings/findings.h"
#include "util/analysis/report/report.h"

#define DIFF_MIN_EVENTS	20	/* of a row, in both together, below which it is not tested */
#define DIFF_P50_EVENTS	20	/* of each batch, below which its percentile is not tested */
#define DIFF_P99_EVENTS	500
/* percent: less is not called a change; of percentiles a bucket, see hist.h */
#define DIFF_RATE_LEAST 1.0
#define DIFF_PERCENTILE_LEAST (100.0 / HIST_SUB)
#define DIFF_GROSS	20.0	/* percent: what differs by more is never passed over as noise */

enum diff_side { DIFF_OLD, DIFF_NEW, NR_DIFF_SIDES };

/* The tested ones come first. */
enum diff_measure { DIFF_COST, DIFF_COUNT, DIFF_P50, DIFF_P99, NR_DIFF_TESTED,
		    DIFF_TIME = NR_DIFF_TESTED, DIFF_MEAN, DIFF_P90, DIFF_MAX, NR_DIFF_MEASURES };

struct diff_value {
	/* ns; events; of cost, count, time: per second of vCPU time; NAN: unknown */
	double of[NR_DIFF_SIDES];
	double percent;			/* of the old value; INFINITY: that was 0; NAN: unknown */
	double p;			/* see noise__test(); NAN: not tested */
	bool changed;			/* by more than noise */
	bool drifts;
	bool unsure;			/* a gross difference that may be noise */
};

struct diff_row {
	const struct report_row *row[NR_DIFF_SIDES];	/* NULL: it has none */
	char *label;			/* of all keys: "io", "io, 4711/0"; "total" */
	struct diff_value value[NR_DIFF_MEASURES];
};

struct diff {
	const struct report *rep[NR_DIFF_SIDES];
	double vcpu_s[NR_DIFF_SIDES];	/* time of all vCPUs */
	/* by what it explains of the cost: greatest difference first */
	struct diff_row *row;
	u32 nr_rows;
	struct diff_row total;
	u32 nr_tests, nr_changed;	/* of all rows without the total; rows that changed */
	u32 nr_drift, nr_unsure;	/* rows */
	char no_cost[160];		/* why costs are not compared; "" */
	char untested[160];		/* why nothing was tested, or not all; "" */
	struct settings settings[NR_DIFF_SIDES];
	const struct finding *appeared[FINDINGS_MAX], *went[FINDINGS_MAX];
	u32 nr_appeared, nr_went;
};

/*
 * reps and findings must outlive it; findings: NULL: not known.  Reports must be made with
 * opt.slices and be of the same event.  0, or -1 (error() said why); to be freed in both cases.
 */
int diff__make(struct diff *d, const struct report *const rep[NR_DIFF_SIDES],
	       const struct findings *const findings[NR_DIFF_SIDES]);
void diff__free(struct diff *d);

const char *diff_measure__name(enum diff_measure measure);
/* Adds the values of another row of the same exit reason; what is no sum must be of one row. */
void diff_row__join(struct diff_row *row, const struct diff_row *other);
/* Whether it is per second of vCPU time: counts and sums, unlike durations of events. */
static inline bool diff_measure__is_rate(enum diff_measure measure)
{
	return measure == DIFF_COST || measure == DIFF_COUNT || measure == DIFF_TIME;
}

/* condition.c: of --fail-if, such as "p99(io) > +20%". */
struct diff_condition {
	const char *text;
	enum diff_measure measure;
	char key[REPORT_LABEL_MAX];
	enum { DIFF_ABOVE, DIFF_NOT_BELOW, DIFF_BELOW, DIFF_NOT_ABOVE } op;
	bool relative;		/* value is a change, in percent */
	double value;
};

/* 0, or EINVAL (error() said why). */
int diff_condition__parse(struct diff_condition *c, const char *text);
/*
 * The row that it is about: a copy, or several rows of one exit reason together; it may be used as
 * long as both c and d. Its label is NULL if the key is an exit reason that did not occur. 0, or
 * -1: it is no key, or of several rows that have no such measure together (error() said so).
 */
int diff_condition__find(const struct diff_condition *c, const struct diff *d,
			 struct diff_row *row);
/* Whether it holds of this row. */
bool diff_condition__holds(const struct diff_condition *c, const struct diff_row *row);

#endif
