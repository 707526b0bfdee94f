/* SPDX-License-Identifier: GPL-2.0 */
/* kvmw script: rows as text, JSON or CSV. */
#ifndef KVMW_RENDER_SCRIPT_H
#define KVMW_RENDER_SCRIPT_H

#include "util/analysis/script.h"
#include "util/render/screen.h"

struct script_printer;

/* An output format. */
struct script_format {
	/* Before the first row; 0, or -1: error() said why. NULL: nothing to do. */
	int (*begin)(struct script_printer *p);
	void (*row)(struct script_printer *p, const struct script_row *row);
	bool for_people;	/* through a pager, with as few fields as a line holds */
	bool texts;		/* of raw records, as the kernel prints them */
};

extern const struct script_format script_text, script_json, script_csv;

/* Prints to the screen, after what was printed so far. NULL: out of memory (said so). */
struct script_printer *script_printer__new(const struct screen *s,
					   const struct script_format *format);
/* What script__read() prints with. */
struct script_output script_printer__output(struct script_printer *p);
/* Writes the rest. 0, or -1: not everything was written (error() said so). */
int script_printer__free(struct script_printer *p);

#endif
