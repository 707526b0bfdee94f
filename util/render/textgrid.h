/* SPDX-License-Identifier: GPL-2.0 */
/* A table of text whose columns are as wide as they need to be: for views of families. */
#ifndef KVMW_TEXTGRID_H
#define KVMW_TEXTGRID_H

#include "util/render/screen.h"

#define TEXTGRID_CELL	80	/* bytes of a cell that are enough for most, NUL included */
#define TEXTGRID_MAX	48	/* columns; at most 64 */

struct textgrid_col {
	const char *group;	/* a heading over neighbours of the same one; or NULL */
	const char *head;
	u32 from;		/* shown on screens of at least this width */
	bool left;
	bool give;		/* the first to shrink, instead of the leftmost one of the left */
	bool dull;		/* omitted if it has nothing but 0 and unknown */
	bool with_last;		/* dropped together with the column before */
	bool sum;		/* of durations, by textgrid__ns() */
};

struct textgrid_cell {
	char *text;		/* NULL: it is of a duration */
	u64 ns;
};

/* Of a table that is printed in parts, one below the other: all zero before the first one. */
struct textgrid_parts {
	u32 width[TEXTGRID_MAX];	/* they only grow; 0: not shown yet */
	u32 nr;				/* parts since the headings were printed */
};

struct textgrid {
	const struct textgrid_col *col;
	u32 nr_cols;
	/* of each column: 0, or dropped sooner the greater it is; or NULL */
	const u8 *drop;
	struct textgrid_cell *cell;	/* row by row */
	u32 nr_cells, room;
	bool failed;		/* out of memory */
	struct textgrid_parts *parts;	/* or NULL: it is whole */
	u64 shown;		/* columns that textgrid__finish() printed, as bits */
};

void textgrid__init(struct textgrid *g, const struct textgrid_col *col, u32 nr_cols);
/* The next cell, row by row; there is one for each column, shown or not. */
void textgrid__add(struct textgrid *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/*
 * A duration, with "-" where none was captured; a count; a share.  Durations of neighbouring
 * columns of one group have one unit, which is printed above them, and so have sums.
 */
void textgrid__ns(struct textgrid *g, u64 ns);
void textgrid__count(struct textgrid *g, u64 count);
void textgrid__percent(struct textgrid *g, u64 part, u64 whole);
/* Between the headings of a table in parts; as many as perf stat has. */
#define TEXTGRID_PARTS	25
/*
 * Prints it and frees what it holds.  It is never wider than the screen: first columns are
 * dropped by their rank (if more than one has the greatest, the last of them), then the one to give
 * way, or the leftmost one aligned to the left, shrinks, then the last columns are dropped.
 * In parts, the headings are printed again where there are other columns, and after some parts.
 * 0, or -1: a cell could not be added, out of memory (error() said so).
 */
int textgrid__finish(struct textgrid *g, const struct screen *s);

#endif
