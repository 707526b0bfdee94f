/* SPDX-License-Identifier: GPL-2.0 */
/* The columns of --fields, in any table of report's rows. */
#ifndef KVMW_RENDER_CHOSEN_H
#define KVMW_RENDER_CHOSEN_H

#include "util/render/dist.h"
#include "util/render/render.h"
#include "util/render/textgrid.h"
#include "util/render/units.h"

#define SHARES_GROUP	"% of vCPU time"
#define CYCLE_GROUP	"exit-entry"

/* The axis of distributions is the caller's. */
struct chosen {
	const struct screen *s;
	const struct report *rep;
	const struct dist_axis *axis;
	const char *ends;
	char head[NR_REPORT_COLUMNS][UNITS_MAX];
};

/* Describes the columns in col[0] and so on, and their drop of struct textgrid. How many. */
u32 chosen__describe(struct chosen *c, struct textgrid_col *col, u8 *drop);
/* After the grid is printed: those for which there was no room; first: where they begin in it. */
void chosen__missing(const struct chosen *c, const struct textgrid *g, u32 first);
/* The cells of a row. */
void chosen__add(const struct chosen *c, struct textgrid *g, const struct report_row *row);

/* Cells that are alike wherever they are. */
void textgrid__rate(struct textgrid *g, const struct report *rep, const struct report_row *row);
void textgrid__share(struct textgrid *g, const struct report *rep, const struct report_row *row,
		     u64 part);
void textgrid__dist(struct textgrid *g, const struct screen *s, const struct dist_axis *axis,
		    const struct report_row *row);

#endif
