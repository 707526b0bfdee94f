/* SPDX-License-Identifier: GPL-2.0 */
/* kvmw diff. The rules of render.h apply. */
#ifndef KVMW_RENDER_DIFF_H
#define KVMW_RENDER_DIFF_H

#include "util/analysis/diff/diff.h"
#include "util/render/screen.h"

/* A condition of --fail-if that holds of one of the new recordings. */
struct diff_failure {
	const struct diff_condition *condition;
	const struct diff *diff;
	struct diff_row row;
};

/* top: rows at most; 0: all. */
int render__diff(const struct screen *s, const struct diff *d, u32 top);
/* Of all new recordings. */
int render__diff_json(const struct screen *s, const struct diff *const *list, u32 nr,
		      const struct diff_failure *failure, u32 nr_failures);
int render__diff_csv(const struct screen *s, const struct diff *const *list, u32 nr);
/* "4.63ms", "1234", "-" of a value; buf holds UNITS_MAX bytes and is returned. */
const char *diff__value(enum diff_measure measure, double value, char *buf);
/* "+10.2%", "new", "gone", "-"; likewise. */
const char *diff__change(const struct diff_row *row, enum diff_measure measure, char *buf);

#endif
