/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether two recordings differ by more than each of them varies within itself.
 *
 * A series is one number for each slice of a recording, such as the events in it. Neighbouring
 * slices are combined into batches, and the means of the batches of both recordings are compared
 * by Welch's t-test. Where neighbours are alike (bursts, drift), single slices would promise more
 * than they know: so it is tested with batches of 1, 2, 4 and 8 slices, the weakest result counts,
 * and batches that are alike, by the ratio of von Neumann, count as fewer. Of 100 slices that are
 * like the one before by 0.9 (0.99), 1.8 (7) in 1000 pairs are below p = 0.001.
 */
#ifndef KVMW_NOISE_H
#define KVMW_NOISE_H

#include "util/analysis/report/time_slices.h"

#define NOISE_BATCH	8	/* slices of the largest batch */
#define NOISE_MIN	8	/* batches that a test needs */
#define NOISE_ALPHA	0.01	/* how often any of all tests may find what is not there */

struct noise_series {
	double value[SLICES];
	u32 nr;
};

/*
 * How likely it is to see such a difference, or a greater one, where there is none; NAN: there
 * are too few numbers to say.  batch: that of the largest batches, in numbers of the series.
 * *drifts: it is above NOISE_ALPHA only because batches of one follow a trend.
 */
double noise__test(const struct noise_series *old, const struct noise_series *new, u32 batch,
		   bool *drifts);

/* Two-sided tail of Student's distribution. */
double noise__student(double t, double freedom);

/*
 * Holm's step-down: *limit is such that calling those with p at or below it a difference is wrong,
 * for any of them, in at most alpha of all cases. p is sorted. Negative: none is.
 */
double noise__holm(double *p, u32 nr, double alpha);

#endif
