/* SPDX-License-Identifier: GPL-2.0 */
/* The durations of a row as a small histogram, on one logarithmic axis for all rows. */
#ifndef KVMW_DIST_H
#define KVMW_DIST_H

#include "util/analysis/hist.h"
#include "util/render/screen.h"

#define DIST_MAX	24	/* characters */
#define DIST_USUAL	16	/* on a screen that is not wide */
#define DIST_BYTES	(DIST_MAX * 4 + 1)

struct dist_axis {
	u32 width;		/* characters, at most DIST_MAX */
	u32 low, high;		/* first and last power of two that occurs */
	u32 step;		/* powers of two of one character */
};

/* total: all durations that will be shown; most: characters. */
struct dist_axis dist_axis__make(const struct hist *total, u32 most);
/* One character per axis.step powers of two, relative to the row's greatest; no end blanks. */
void dist__bar(const struct screen *s, const struct dist_axis *axis, const struct hist *h,
	       char *buf);
/* Where the axis begins and ends, as wide as it, to stand above the bars: "16us   4.2ms". */
void dist__ends(const struct dist_axis *axis, char *buf, size_t size);

#define DIST_WORDS	160	/* bytes */
/* " dist: from 16us to 4.2ms, each character twice as long as the one before."  Returns buf. */
const char *dist__legend(const struct dist_axis *axis, char *buf);

#endif
