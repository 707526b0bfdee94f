/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How the values of a field are written: derived from its unit, type and name as the
 * recording describes them, so that events unknown to this version are readable, too.
 */
#ifndef KVMW_FIELD_H
#define KVMW_FIELD_H

#include "util/data/data.h"

enum field_form {
	FORM_DEC, FORM_SIGNED, FORM_HEX, FORM_NS, FORM_TIME, FORM_BOOL, FORM_ERRNO,
	/* Numbers that have a name. */
	FORM_REASON, FORM_USER, FORM_IOCTL, FORM_DETAIL, FORM_ISA, FORM_ACCESS, FORM_KIND,
	FORM_RET_PF, FORM_CAUSE,
	FORM_THREAD,	/* a tid */
};

#define FIELD_NAME_MAX 96	/* bytes that hold every name */

enum field_form field__form(const struct data_event *event, u32 field);
/* The same of an event as this version knows it. */
enum field_form field_desc__form(const struct event_desc *event, const struct field_desc *field);

/* Whether the value stands for "unknown". */
bool field__all_ones(const struct data_field *field, u64 value);

/* Most values are none of any width: this is asked for each field of each line. */
static inline bool field__none(const struct data_field *field, u64 value)
{
	return (u16)value == 0xffff && field__all_ones(field, value);
}
bool field_desc__none(const struct field_desc *field, u64 value);

/*
 * Whether a value is neither 0 nor unknown, whatever the field: the low 16 bits show both,
 * which are 0, or all ones. A few others look like these; they have to be asked about one by one.
 */
static inline bool field__surely_some(u64 value)
{
	return (u16)(value + 1) > 1;
}

/* JSON and CSV have the number too, as FIELD_number. */
bool field__numbered(enum field_form form);

/* The name of a detail's kind; NULL: none. */
const char *field__detail(u64 kind);

/* The name of a number of KVMW_RET_PFS, and of KVMW_CAUSES; NULL: none. */
const char *field__ret_pf(u64 number);
const char *field__cause(u64 number);

/*
 * The name of a value, in buf or elsewhere; NULL where there is none.  isa names exit
 * reasons; all ones: unknown.  FORM_KIND is named by the event.
 */
const char *field__name(enum field_form form, const struct data_event *event, u64 value,
			u64 isa, char *buf);

#endif
