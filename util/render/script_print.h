/* SPDX-License-Identifier: GPL-2.0 */
/* What script.c and script_{text,json,csv}.c share; for them alone. */
#ifndef KVMW_SCRIPT_PRINT_H
#define KVMW_SCRIPT_PRINT_H

#include "util/arch/names.h"
#include "util/render/outbuf.h"
#include "util/render/script.h"

#define SCRIPT_NAMES 64		/* names of reasons kept, by hash */
#define SCRIPT_SLICES 16	/* whose rows may alternate */
#define SCRIPT_VMS 16		/* whose names are kept, by hash */

/* A column of CSV: the field of that name, in all events that have it. */
struct csv_column {
	const char *name;
	enum field_form form;
	int field[KVMW_MAX_EVENTS];	/* -1: not in this event */
};

/* How text prints a value that is neither unknown nor 0; PUT_ANY: it depends. */
enum script_put { PUT_ANY, PUT_NS, PUT_HEX, PUT_DEC };

struct script_printer {
	const struct script_format *format;
	struct out *out;
	u32 width;			/* of the screen */
	struct script_second {		/* the last one, up to its point */
		u64 number;
		u32 len;
		char text[OUT_SHORT];
	} second;
	const struct script_model *model;	/* from begin() on */
	struct script_vm_name {
		u32 pid, number, file;	/* as of struct rec_vm */
		u32 len;		/* 0: there is none yet */
		char text[REC_VM_NAME];
	} vm_name[SCRIPT_VMS];
	struct script_name {
		u64 isa, reason;
		u32 len;		/* 0: there is none yet */
		char text[FIELD_NAME_MAX];
	} name[SCRIPT_NAMES];
	struct script_implied {		/* what text says already, by hash */
		u64 isa, reason, kind, user;
		bool known, yes;
	} implied[SCRIPT_NAMES];
	struct script_shown {		/* what text may show of a slice's rows, by its number */
		u64 slice;		/* 0: none */
		u32 nr;
		u8 field[DATA_MAX_FIELDS];	/* of the view */
		u8 put[DATA_MAX_FIELDS];	/* enum script_put, of each */
	} shown[SCRIPT_SLICES];
	struct csv_column *column;
	u32 nr_columns, room_columns;
	bool first;			/* member of a JSON object */
	bool names;			/* CSV has a column for the names of numbers */
};

/* Whether records of raw tracepoints are missing because they were removed. */
bool script_printer__hides_raw(const struct script_printer *p);

/*
 * The name of an exit reason or KVM_EXIT_*; NULL: no isa is known.  Reasons repeat, and putting
 * their names together takes longer than all else.
 */
void script_name__find(struct script_name *name, u64 isa, u64 reason);
static inline const struct script_name *script_printer__reason(struct script_printer *p,
							       const struct script_row *row,
							       enum field_form form, u64 value)
{
	u64 isa = KVMW_ISA_NONE;
	struct script_name *name;

	if (form != FORM_USER)
		isa = row->view->isa < 0 ? KVMW_NONE : script_row__get(row, row->view->isa);
	if (isa == KVMW_NONE)
		return NULL;
	name = &p->name[(value ^ value >> 6 ^ isa * 11) % SCRIPT_NAMES];
	if (!name->len || name->isa != isa || name->reason != value)
		script_name__find(name, isa, value);
	return name;
}

/* The name of a field's value, or NULL; buf holds FIELD_NAME_MAX bytes. */
const char *script_printer__name(struct script_printer *p, const struct script_row *row,
				 enum field_form form, u64 value, char *buf);

#endif
