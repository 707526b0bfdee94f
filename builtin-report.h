/* SPDX-License-Identifier: GPL-2.0 */
/* The options of kvmw report. */
#ifndef KVMW_BUILTIN_REPORT_H
#define KVMW_BUILTIN_REPORT_H

#include "builtin-common.h"
#include "builtin-guess.h"
#include "util/analysis/models.h"
#include "util/analysis/report/report.h"
#include "util/render/render.h"

/* What the command line asks for; input of report_argp. */
struct report_args {
	struct common_args common;
	struct report_options opt;
	u32 width;
	enum color_when color;
	bool hist, verbose;
	bool no_time_key;	/* the command has no intervals */
	u32 outliers;		/* chains of so many, instead of the report; 0: none */
	bool sort, event, order, top, interval;	/* were given */
	const char *key[NR_REPORT_KEYS];	/* words of --sort */
	u32 nr_keys;
	struct guess guess;	/* of what -e or -s do not know */
	const char *guessed;	/* the option it was given to */
};

/* A child of argps whose input is a struct report_args: --sort, --event, --color, --width. */
extern const struct argp report_rows_argp;

/* Options that were not given are as the event has them, once it is known. */
void report_args__set_defaults(struct report_args *args);

/* What its view is made of: a matter of all events. NULL: it has none, or none is printed. */
const struct report_model *report_args__model(const struct report_args *args);

/* builtin-files.c: whether all that was asked for can be made of several recordings: 0, EINVAL. */
error_t report_args__check_files(const struct report_args *args);
/* The same, made. 0, or -1 (error() said why). */
int report_files(struct report_args *args);

/* builtin-outliers.c: prints them. 0, or -1 (error() said why). */
int report_outliers(struct report_args *args);

#endif
