/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The names that an event has: its fields, as in util/events.h and the JSON of kvmw script, and
 * what follows from them: who it was (vcpu, vm, ...), what the detail of an exit is (port, msr,
 * ...), and where in the guest (sym). --where takes all of them.
 */
#ifndef KVMW_NAME_REF_H
#define KVMW_NAME_REF_H

#include "util/analysis/field.h"
#include "util/event_desc.h"
#include "util/nearest.h"

enum name_source {
	NAME_NONE,		/* the event does not have it */
	NAME_FIELD,
	NAME_DETAIL,		/* the field, if what it is about is of one kind */
	NAME_EVENT,		/* "exit" */
	NAME_VCPU,		/* number within its VM */
	NAME_PID,		/* of its VM */
	NAME_VM,		/* name of its VM, or of its VMM */
	NAME_TID,		/* thread it happened in */
	NAME_COMM,		/* name of that thread */
	NAME_SYM,		/* function of the guest */
};

#define NAME_COLUMNS	2	/* that a value is read from, at most */

struct name_ref {
	enum name_source source;
	const struct field_desc *field;	/* NAME_FIELD, NAME_DETAIL */
	enum field_form form;		/* of the value; of texts without meaning */
	u32 details;			/* NAME_DETAIL: bitmap of KVMW_DETAIL_* */
	/*
	 * Columns to read, NULL: none.  The first has the value, or the vCPU; the second what its
	 * meaning depends on: isa, detail_kind, nested, or the thread.
	 */
	const char *column[NAME_COLUMNS];
};

/* What the first len bytes of name are to this event; source NAME_NONE: nothing. */
struct name_ref name_ref__find(const struct event_desc *event, const char *name, size_t len);

/* Whether its values are texts, rather than numbers that may have a name. */
bool name_ref__is_text(const struct name_ref *ref);
/* Whether it takes what recording__vcpu() and the like know. */
bool name_ref__is_identity(const struct name_ref *ref);

/* Adds all names that the event has. */
void name_ref__list(const struct event_desc *event, struct word_list *list);
/* Of them what the detail of an exit may be: port, gpa, msr, ... */
void name_ref__list_details(const struct event_desc *event, struct word_list *list);

#endif
