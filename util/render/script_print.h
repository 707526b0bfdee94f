/* SPDX-License-Identifier: GPL-2.0 */
/* What script.c and script_{text,json,csv}.c share; for them alone. */
#ifndef KVMW_SCRIPT_PRINT_H
#define KVMW_SCRIPT_PRINT_H

#include "util/arch/names.h"
#include "util/render/outbuf.h"
#include "util/render/script.h"

#define SCRIPT_NAMES 64		/* names of reasons kept, by hash */

/* A column of CSV: the field of that name, in all events that have it. */
struct csv_column {
	const char *name;
	enum field_form form;
	int field[KVMW_MAX_EVENTS];	/* -1: not in this event */
};

struct script_printer {
	const struct script_format *format;
	struct out *out;
	u32 width;			/* of the screen */
	struct { u64 second; char text[32]; } wall;	/* the last second by the clock */
	const struct script_model *model;	/* from begin() on */
	struct script_name { u64 isa, reason; char text[FIELD_NAME_MAX]; } name[SCRIPT_NAMES];
	struct script_implied {		/* what text says already, by hash */
		u64 isa, reason, kind, user;
		bool known, yes;
	} implied[SCRIPT_NAMES];
	struct {			/* what text may show of the rows of a slice */
		u64 slice;		/* its number, 0: none */
		u32 nr;
		u8 field[DATA_MAX_FIELDS];	/* of the view */
	} shown;
	struct csv_column *column;
	u32 nr_columns, room_columns;
	bool first;			/* member of a JSON object */
	bool names;			/* CSV has a column for the names of numbers */
};

/* Whether records of raw tracepoints are missing because they were removed. */
bool script_printer__hides_raw(const struct script_printer *p);

/* The name of a field's value, or NULL; buf holds FIELD_NAME_MAX bytes. */
const char *script_printer__name(struct script_printer *p, const struct script_row *row,
				 enum field_form form, u64 value, char *buf);

#endif
