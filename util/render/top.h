/* SPDX-License-Identifier: GPL-2.0 */
/* kvmw top: the lines that its screen and its log are made of. */
#ifndef KVMW_RENDER_TOP_H
#define KVMW_RENDER_TOP_H

#include "util/analysis/top.h"
#include "util/render/screen.h"

#define TOP_HEAD_LINES	3	/* that render__top_head() prints */

struct top_page {
	const struct top *top;
	const struct top_choice *choice;
	const struct top_list *list;
	const char *state;	/* "paused"; or "" */
	bool log;		/* its rows go down to: */
	enum top_level deepest;
};

/* Whether rows can be sorted by what is shown of them. */
bool render__top_has(const struct screen *s, const struct top_page *page, enum top_column column);

/* When, how much, and where the time went; where in the tree this is, and how it is sorted. */
void render__top_head(const struct screen *s, const struct top_page *page);
/* The line above the rows. */
void render__top_columns(const struct screen *s, const struct top_page *page);
/* indent: how many columns more to the right its name begins. */
void render__top_row(const struct screen *s, const struct top_page *page, const struct top_row *row,
		     u32 indent);
/* A line or more for each finding; none if there is none. */
void render__top_findings(const struct screen *s, const struct top *top);
/*
 * The same as lines of a log: all rows of chosen levels, those of the next one below each. 0, or -1
 * out of memory.
 */
int render__top_batch(const struct screen *s, const struct top *top, enum top_level deepest,
		      enum top_column sort);

#endif
