/* SPDX-License-Identifier: GPL-2.0 */
/* kvmw top: what was asked for, and the screen with its keys. */
#ifndef KVMW_BUILTIN_TOP_H
#define KVMW_BUILTIN_TOP_H

#include "builtin-common.h"
#include "builtin-stat.h"
#include "util/analysis/top.h"
#include "util/render/screen.h"
#include "util/render/terminal.h"

struct top_options {
	struct stat_options stat;	/* of what is counted */
	struct common_args common;	/* common.input: of -i; NULL: live */
	u64 delay_ns;
	u64 iterations;			/* 0: no limit */
	enum top_level per;
	enum top_column sort;
	bool batch, has_per;
};

/* What is shown, and where. */
struct top_ui {
	const struct top_options *opt;
	struct top top;
	struct screen screen;
	struct terminal terminal;
	struct top_choice choice;
	struct top_key cursor;		/* the row that is marked; none: the first one */
	u32 first;			/* row on the screen */
	char filter[48];
	bool typing, paused, help;
	bool over;			/* no interval follows */
	u64 nr_shown;
	char message[160];		/* until the next key; or "" */
};

/* Opens the terminal, unless --batch.  0 or -1. */
int top_ui__open(struct top_ui *ui, const struct top_options *opt);
void top_ui__free(struct top_ui *ui);
/* Shows all that there is now.  0 or -1. */
int top_ui__draw(struct top_ui *ui);
/* An interval, which top__take() has.  0; 1: it was the last one to be shown; -1 */
int top_ui__interval(struct top_ui *ui);
/* All keys that were pressed.  0; 1: to quit; -1 */
int top_ui__keys(struct top_ui *ui);

#endif
