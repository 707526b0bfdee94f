// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "util/analysis/detail_name.h"
#include "util/analysis/name_ref.h"
#include "util/analysis/report/internal.h"
#include "util/analysis/report/key_field.h"

/* Members of a row, or of another key, have these names. */
static bool is_taken(const char *name)
{
	return !strcmp(name, "count") || !strcmp(name, "vcpu_id");
}

static struct name_ref field_ref(const struct sort_key *key, const struct event_desc *event)
{
	struct name_ref ref = name_ref__find(event, key->field, strlen(key->field));

	if ((ref.source != NAME_FIELD && ref.source != NAME_DETAIL && ref.source != NAME_TID) ||
	    ref.form == FORM_NS || ref.form == FORM_TIME || ref.form == FORM_KIND)
		ref.source = NAME_NONE;
	/* Numbers of stacks say nothing: detail has both, by their functions. */
	if (event->id == KVMW_EVENT_STACK && ref.form == FORM_SIGNED)
		ref.source = NAME_NONE;
	return ref;
}

static const char *field__column(const struct sort_key *key, const struct event_desc *event, u32 i)
{
	struct name_ref ref = field_ref(key, event);

	return ref.source == NAME_NONE || i >= NAME_COLUMNS ? NULL : ref.column[i];
}

static bool has_value(const struct name_ref *ref, const u64 *fine, u64 value)
{
	switch (ref->source) {
	case NAME_DETAIL:
		return fine[1] < 32 && ref->details >> fine[1] & 1 && value != KVMW_NONE;
	case NAME_TID:
		return value != KVMW_NONE;
	default:
		return !field_desc__none(ref->field, value);
	}
}

/* v[1]: the isa, which gives reasons their names; v[2]: 1: unknown, which comes last. */
static void field__value(const struct sort_key *sort_key, const struct report *rep,
			 const struct agg_key *key, const u64 *fine, struct key_value *value)
{
	struct name_ref ref = field_ref(sort_key, rep->desc);

	value->v[0] = ref.source != NAME_TID ? fine[0] : fine[1] != KVMW_NONE ? fine[1] :
		      rec_vcpu__tid(recording__vcpu(rep->rec, fine[0]));
	if (has_value(&ref, fine, value->v[0]))
		value->v[1] = ref.form == FORM_REASON ? fine[1] : 0;
	else
		*value = (struct key_value) { .v = { KVMW_NONE, 0, 1 } };
}

/* What a detail of several kinds, such as in and out, means in all of them. */
static const char *detail_meaning(const struct report *rep, const struct name_ref *ref, u64 value)
{
	const char *name = NULL;

	for (u32 kind = 0; kind < 32; kind++) {
		const char *more = ref->details >> kind & 1 ?
				   detail_name__exit(rep->opt->regions, kind, value) : NULL;

		if (name && more && strcmp(name, more))
			return NULL;
		if (more)
			name = more;
	}
	return name;
}

static void field__label(const struct sort_key *key, const struct report *rep,
			 const struct key_value *value, char *buf, size_t size)
{
	struct name_ref ref = field_ref(key, rep->desc);
	char name_buf[FIELD_NAME_MAX];
	const char *name = NULL;
	u64 v = value->v[0];

	if (value->v[2]) {
		snprintf(buf, size, "-");
		return;
	}
	if (ref.form == FORM_THREAD) {
		label__thread(rep, v, rep->event == KVMW_EVENT_HALT ? "an interrupt" : "idle", buf,
			      size);
		return;
	}
	if (ref.form == FORM_BOOL)
		name = v ? "yes" : "no";
	else if (ref.source == NAME_FIELD)
		name = field__name(ref.form, NULL, v, value->v[1], name_buf);
	else
		name = detail_meaning(rep, &ref, v);
	if (name && ref.form != FORM_HEX)
		snprintf(buf, size, "%s", name);
	else if (ref.form == FORM_HEX)
		snprintf(buf, size, "0x%llx%s%s", (unsigned long long)v, name ? " " : "",
			 name ?: "");
	else if (ref.field && field_type__signed(ref.field->type))
		snprintf(buf, size, "%lld", (long long)v);
	else
		snprintf(buf, size, "%llu", (unsigned long long)v);
}

static bool is_named(enum field_form form)
{
	switch (form) {
	case FORM_DEC:
	case FORM_SIGNED:
	case FORM_HEX:
	case FORM_BOOL:
		return false;
	default:
		return true;
	}
}

/* Named as in the JSON of kvmw script; what has a name has a number, too. */
static u32 field__members(const struct sort_key *key, const struct report *rep,
			  const struct key_value *value, const char *label,
			  struct key_member *member)
{
	struct name_ref ref = field_ref(key, rep->desc);
	bool none = value->v[2],
	     is_signed = !none && ref.field && field_type__signed(ref.field->type);
	const char *name = ref.source == NAME_TID ? "thread" : key->field;

	if (!is_named(ref.form)) {
		member[0] = (struct key_member) {
			.name = name, .number = value->v[0], .is_address = ref.form == FORM_HEX,
			.is_signed = is_signed,
		};
		return 1;
	}
	member[0] = (struct key_member) { .name = name, .is_text = true,
					  .text = none ? NULL : label };
	member[1] = (struct key_member) {
		.name = ref.source == NAME_TID ? "thread_number" : key->number,
		.number = value->v[0],
		.is_signed = is_signed,
	};
	return 2;
}

bool field_key__make(struct sort_key *key, const char *name)
{
	*key = (struct sort_key) {
		.doc = "a field of the event", .prefix = "", .column = field__column,
		.nr_fine = NAME_COLUMNS,
		.value = field__value, .label = field__label, .members = field__members,
	};
	if (!*name || strlen(name) >= sizeof(key->field) || is_taken(name))
		return false;
	strcpy(key->field, name);
	snprintf(key->number, sizeof(key->number), "%s_number", name);
	for_each_captured_event(event)
		if (field__column(key, event, 0))
			return true;
	return false;
}

void field_key__list(const struct event_desc *event, struct word_list *list)
{
	struct sort_key key;

	for (u32 i = 0; i < event->nr_fields; i++)
		if (sort_key__find(event->fields[i].name) == NR_REPORT_KEYS &&
		    field_key__make(&key, event->fields[i].name) && field__column(&key, event, 0))
			word_list__add(list, event->fields[i].name);
	name_ref__list_details(event, list);
}
