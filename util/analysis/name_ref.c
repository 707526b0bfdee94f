// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "util/analysis/name_ref.h"

/* Names that stand for more than one field, or for none. */
static const struct known_name {
	const char *name;
	enum name_source source;
	enum field_form form;
	/* without the first one the event does not have it */
	const char *columns[NAME_COLUMNS];
} known_names[] = {
	{ "event", NAME_EVENT, FORM_DEC, { NULL } },
	{ "vcpu", NAME_VCPU, FORM_DEC, { "vcpu" } },
	{ "pid", NAME_PID, FORM_DEC, { "vcpu" } },
	{ "vm", NAME_VM, FORM_DEC, { "vcpu" } },
	{ "tid", NAME_TID, FORM_THREAD, { "vcpu", "tid" } },
	{ "comm", NAME_COMM, FORM_DEC, { "vcpu", "tid" } },
	{ "sym", NAME_SYM, FORM_DEC, { "rip", "nested" } },
};

static bool name_equals(const char *name, size_t len, const char *other)
{
	return strlen(other) == len && !memcmp(name, other, len);
}

static const char *name_ref__column(const struct event_desc *event, const char *column)
{
	return column && event_desc__field(event, column, strlen(column)) >= 0 ? column : NULL;
}

/* Not, as -s has it, the slot that a page fault was in: a recording says that at its end. */
static bool find_known(const struct event_desc *event, const char *name, size_t len,
		       struct name_ref *ref)
{
	for (size_t i = 0; i < ARRAY_SIZE(known_names); i++) {
		const struct known_name *k = &known_names[i];

		if (!name_equals(name, len, k->name) ||
		    (k->columns[0] && !name_ref__column(event, k->columns[0])))
			continue;
		*ref = (struct name_ref) { .source = k->source, .form = k->form };
		for (u32 c = 0; c < NAME_COLUMNS; c++)
			ref->column[c] = name_ref__column(event, k->columns[c]);
		/* Of a nested guest's own events the symbols are that guest's. */
		if (k->source == NAME_SYM && event->id == KVMW_EVENT_NESTED)
			ref->column[1] = NULL;
		return true;
	}
	return false;
}

/* What an exit was about, by what that is. */
static bool find_detail(const struct event_desc *event, const char *name, size_t len,
			struct name_ref *ref)
{
	size_t nr;
	const struct kind_desc *details = detail_desc__all(&nr);
	int field =
		event->detail ? event_desc__field(event, event->detail, strlen(event->detail)) : -1;
	u32 kinds = 0;

	for (size_t i = 0; i < nr; i++)
		if (len && name_equals(name, len, details[i].what))
			kinds |= BIT(details[i].number);
	if (!kinds || field < 0 || event->id != KVMW_EVENT_EXIT)
		return false;
	*ref = (struct name_ref) {
		.source = NAME_DETAIL, .field = &event->fields[field], .form = FORM_HEX,
		.details = kinds,
		.column = { event->detail, event->detail_kind },
	};
	return true;
}

/* As it stands in the list, without the unit, or with what JSON has beside it. */
static int field_called(const struct event_desc *event, const char *name, size_t len)
{
	static const char *const beside[] = { "_number", "_hex" };
	char longer[sizeof(((struct data_field *)0)->name) + 4];
	int field = event_desc__field(event, name, len);

	if (field >= 0 || len >= sizeof(longer) - 4)
		return field;
	snprintf(longer, sizeof(longer), "%.*s_ns", (int)len, name);
	field = event_desc__field(event, longer, strlen(longer));
	for (size_t i = 0; field < 0 && i < ARRAY_SIZE(beside); i++) {
		size_t suffix = strlen(beside[i]);

		if (len > suffix && !memcmp(name + len - suffix, beside[i], suffix))
			field = event_desc__field(event, name, len - suffix);
	}
	return field;
}

static bool find_plain(const struct event_desc *event, const char *name, size_t len,
		       struct name_ref *ref)
{
	int field = field_called(event, name, len);
	const char *column = NULL;

	if (field < 0 && name_equals(name, len, "vcpu_id"))
		column = name_ref__column(event, "vcpu");
	else if (field < 0 && name_equals(name, len, "cpu"))
		column = event->cpu;
	if (column)
		field = event_desc__field(event, column, strlen(column));
	if (field < 0)
		return false;
	*ref = (struct name_ref) {
		.source = NAME_FIELD, .field = &event->fields[field],
		.form = field_desc__form(event, &event->fields[field]),
		.column = { event->fields[field].name },
	};
	if (ref->form == FORM_REASON)
		ref->column[1] = "isa";
	return true;
}

struct name_ref name_ref__find(const struct event_desc *event, const char *name, size_t len)
{
	struct name_ref ref = { .source = NAME_NONE };

	if (!find_known(event, name, len, &ref) && !find_plain(event, name, len, &ref))
		find_detail(event, name, len, &ref);
	return ref;
}

bool name_ref__is_text(const struct name_ref *ref)
{
	return ref->source == NAME_EVENT || ref->source == NAME_VM || ref->source == NAME_COMM ||
	       ref->source == NAME_SYM;
}

bool name_ref__is_identity(const struct name_ref *ref)
{
	return ref->source >= NAME_VCPU && ref->source <= NAME_COMM;
}

void name_ref__list_details(const struct event_desc *event, struct word_list *list)
{
	size_t nr;
	const struct kind_desc *details = detail_desc__all(&nr);

	for (size_t i = 1; event->id == KVMW_EVENT_EXIT && i < nr; i++) {
		size_t k = 0;

		while (k < i && strcmp(details[k].what, details[i].what))
			k++;
		if (k == i)
			word_list__add(list, details[i].what);
	}
}

void name_ref__list(const struct event_desc *event, struct word_list *list)
{
	struct name_ref ref;

	for (u32 i = 0; i < event->nr_fields; i++) {
		const char *name = event->fields[i].name;
		size_t len = strlen(name);
		char shorter[sizeof(((struct data_field *)0)->name)];

		/* A time without its unit, as people type it; and those that come below. */
		if (len > 3 && !strcmp(name + len - 3, "_ns"))
			len -= 3;
		if (find_known(event, name, len, &ref))
			continue;
		snprintf(shorter, sizeof(shorter), "%.*s", (int)len, name);
		word_list__add(list, shorter);
	}
	name_ref__list_details(event, list);
	for (size_t i = 0; i < ARRAY_SIZE(known_names); i++)
		if (find_known(event, known_names[i].name, strlen(known_names[i].name), &ref))
			word_list__add(list, known_names[i].name);
}
