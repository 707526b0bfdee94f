// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/arch/ioctl.h"
#include "util/arch/reason.h"
#include "util/analysis/field.h"

static const struct { const char *unit; enum field_form form; } forms[] = {
	{ "ns", FORM_NS }, { "time", FORM_TIME }, { "clock", FORM_TIME }, { "addr", FORM_HEX },
	{ "hex", FORM_HEX }, { "bool", FORM_BOOL }, { "errno", FORM_ERRNO },
	{ "reason", FORM_REASON }, { "user", FORM_USER }, { "ioctl", FORM_IOCTL },
	{ "detail", FORM_DETAIL }, { "isa", FORM_ISA }, { "access", FORM_ACCESS },
	{ "kind", FORM_KIND }, { "ret_pf", FORM_RET_PF }, { "cause", FORM_CAUSE },
};

/* Fields with unit "id" that are threads. */
static const char *const threads[] = { "tid", "other", "waker" };

static enum field_form form_of(const char *name, const char *unit, enum field_type type,
			       bool has_isa)
{
	for (size_t k = 0; k < ARRAY_SIZE(threads); k++)
		if (!strcmp(name, threads[k]))
			return FORM_THREAD;
	/* A family's reason is an exit reason only if the event has an isa, too. */
	if (!strcmp(name, "reason") && has_isa)
		return FORM_REASON;
	for (size_t k = 0; k < ARRAY_SIZE(forms); k++)
		if (!strcmp(unit, forms[k].unit))
			return forms[k].form;
	return field_type__signed(type) ? FORM_SIGNED : FORM_DEC;
}

enum field_form field__form(const struct data_event *event, u32 i)
{
	const struct data_field *f = &event->fields[i];

	return form_of(f->name, f->unit, f->type, data_event__field(event, "isa") >= 0);
}

enum field_form field_desc__form(const struct event_desc *event, const struct field_desc *f)
{
	return form_of(f->name, f->unit, f->type,
		       event_desc__field(event, "isa", strlen("isa")) >= 0);
}

static inline bool is_none(enum field_type type, const char *unit, u64 value)
{
	u32 bits = 8 * field_type__width(type);

	/* -1 is a value of narrow fields, which are never unknown. */
	if (value == KVMW_NONE)
		return bits == 64 || !field_type__signed(type);
	return bits < 64 && value == (1ULL << bits) - 1 &&
	       (!strcmp(unit, "id") || !strcmp(unit, "user") || !strcmp(unit, "detail") ||
		!strcmp(unit, "bool"));
}

bool field__all_ones(const struct data_field *f, u64 value)
{
	return is_none(f->type, f->unit, value);
}

bool field_desc__none(const struct field_desc *f, u64 value)
{
	return is_none(f->type, f->unit, value);
}

bool field__numbered(enum field_form form)
{
	return form == FORM_REASON || form == FORM_USER || form == FORM_IOCTL;
}

static const char *error_name(u64 value, char *buf)
{
	s64 err = value;
	const char *name = err < 0 && err > -4096 ? strerrorname_np(-err) : NULL;

	if (!name)
		return NULL;
	snprintf(buf, FIELD_NAME_MAX, "-%s", name);
	return buf;
}

static const char *field__access_name(u64 value, char *buf)
{
	if (!value || value > 7)
		return NULL;
	snprintf(buf, FIELD_NAME_MAX, "%s%s%s", value & 1 ? "r" : "", value & 2 ? "w" : "",
		 value & 4 ? "x" : "");
	return buf;
}

/* The name of a number of a list; NULL: none. */
static const char *listed(const struct kind_desc *list, size_t nr, u64 value)
{
	return value < nr && *list[value].name ? list[value].name : NULL;
}

const char *field__detail(u64 value)
{
	size_t nr;
	const struct kind_desc *details = detail_desc__all(&nr);

	return listed(details, nr, value);
}

const char *field__ret_pf(u64 value)
{
	size_t nr;
	const struct kind_desc *ret_pfs = ret_pf_desc__all(&nr);

	return listed(ret_pfs, nr, value);
}

const char *field__cause(u64 value)
{
	size_t nr;
	const struct kind_desc *causes = cause_desc__all(&nr);

	return listed(causes, nr, value);
}

const char *field__name(enum field_form form, const struct data_event *event, u64 value, u64 isa,
			char *buf)
{
	switch (form) {
	case FORM_REASON:
		return isa == KVMW_NONE ? NULL : reason_name(isa, value, buf, FIELD_NAME_MAX);
	case FORM_USER:
		return reason_name(KVMW_ISA_NONE, value, buf, FIELD_NAME_MAX);
	case FORM_IOCTL:
		return value > UINT32_MAX ? NULL : ioctl_name(value);
	case FORM_DETAIL:
		return field__detail(value);
	case FORM_RET_PF:
		return field__ret_pf(value);
	case FORM_CAUSE:
		return field__cause(value);
	case FORM_ISA:
		return isa_name(value);
	case FORM_ACCESS:
		return field__access_name(value, buf);
	case FORM_ERRNO:
		return error_name(value, buf);
	case FORM_KIND:
		return data_event__kind(event, value);
	default:
		return NULL;
	}
}
