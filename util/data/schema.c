// SPDX-License-Identifier: GPL-2.0
/*
 * The SCHEMA frame:
 * {"events":[{"id":1,"name":"exit","provider":"exit","doc":"..",
 *             "fields":[{"name":"time_ns","type":"u64","unit":"time","doc":".."}],
 *             "kinds":[{"number":1,"name":"..","doc":".."}]}]}
 */
#include <stdlib.h>

#include <json-c/json.h>

#include "util/data/format.h"
#include "util/array.h"
#include "util/memory.h"

#define MAX_EVENTS	1024u	/* in the SCHEMA of a recording */
#define MAX_BYTES	(4u << 20)	/* of memory for them */

static json_object *field_json(const struct field_desc *field)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "name", json_object_new_string(field->name));
	json_object_object_add(o, "type", json_object_new_string(field_type__name(field->type)));
	json_object_object_add(o, "unit", json_object_new_string(field->unit));
	json_object_object_add(o, "doc", json_object_new_string(field->doc));
	return o;
}

static json_object *kind_json(const struct kind_desc *kind)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "number", json_object_new_int64(kind->number));
	json_object_object_add(o, "name", json_object_new_string(kind->name));
	json_object_object_add(o, "doc", json_object_new_string(kind->doc));
	return o;
}

static json_object *event_json(const struct event_desc *event)
{
	json_object *o = json_object_new_object(), *fields = json_object_new_array();

	json_object_object_add(o, "id", json_object_new_int64(event->id));
	json_object_object_add(o, "name", json_object_new_string(event->name));
	json_object_object_add(o, "provider", json_object_new_string(event->provider));
	json_object_object_add(o, "doc", json_object_new_string(event->doc));
	for (u32 i = 0; i < event->nr_fields; i++)
		json_object_array_add(fields, field_json(&event->fields[i]));
	json_object_object_add(o, "fields", fields);
	if (event->nr_kinds) {
		json_object *kinds = json_object_new_array();

		for (u32 i = 0; i < event->nr_kinds; i++)
			json_object_array_add(kinds, kind_json(&event->kinds[i]));
		json_object_object_add(o, "kinds", kinds);
	}
	return o;
}

u32 data_reader__captured(const struct data_reader *r)
{
	u32 events = 0;

	for_each_captured_event(event)
		if (data_reader__event(r, event->id))
			events |= BIT(event->id);
	return events ?: DATA_ALL_EVENTS;
}

char *schema__text(u32 captured)
{
	json_object *top = json_object_new_object(), *list = json_object_new_array();
	const struct event_desc *events;
	char *text;
	size_t nr;

	events = event_desc__all(&nr);
	for (size_t i = 0; i < nr; i++)
		if (events[i].id >= KVMW_MAX_EVENTS || captured >> events[i].id & 1)
			json_object_array_add(list, event_json(&events[i]));
	json_object_object_add(top, "events", list);
	text = strdup(json_object_to_json_string_ext(top, JSON_C_TO_STRING_PLAIN));
	json_object_put(top);
	if (!text)
		out_of_memory();
	return text;
}

/* Keeps printable ASCII, replaces all else by '?', and truncates what is too long. */
static void copy_text(char *to, size_t size, json_object *from)
{
	const char *s = json_object_is_type(from, json_type_string) ?
			json_object_get_string(from) : "";
	size_t n = 0;

	for (; *s && n < size - 1; s++)
		to[n++] = *s >= ' ' && *s < 0x7f ? *s : '?';
	to[n] = 0;
}

static bool copy_name(char *to, size_t size, json_object *from)
{
	const char *s = json_object_is_type(from, json_type_string) ?
			json_object_get_string(from) : "";
	size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	if (!len || s[len] || len >= size)
		return false;
	memcpy(to, s, len + 1);
	return true;
}

static bool parse_field(struct data_field *field, json_object *o)
{
	json_object *type = json_object_object_get(o, "type");
	int t = json_object_is_type(type, json_type_string) ?
		field_type__parse(json_object_get_string(type)) : -1;

	/* A type from a newer writer: columns decode to 64 bits anyway. */
	field->type = t < 0 ? FIELD_u64 : (enum field_type)t;
	copy_text(field->unit, sizeof(field->unit), json_object_object_get(o, "unit"));
	copy_text(field->doc, sizeof(field->doc), json_object_object_get(o, "doc"));
	return copy_name(field->name, sizeof(field->name), json_object_object_get(o, "name"));
}

/* As all here that parses: 0, JSON_BAD, or -1 after error(). */
static int schema__add_event(struct schema *s, struct data_event *event)
{
	size_t bytes = sizeof(*event) + event->nr_fields * sizeof(*event->fields) +
		       event->nr_kinds * sizeof(*event->kinds);

	if (s->nr == MAX_EVENTS || bytes > MAX_BYTES - s->bytes)
		return JSON_BAD;
	if (array__reserve(s->events, s->nr, s->room, NULL))
		return -1;
	s->bytes += bytes;
	s->events[s->nr++] = event;
	return 0;
}

static void free_event(struct data_event *event)
{
	if (event) {
		free(event->fields);
		free(event->kinds);
	}
	free(event);
}

/* Kinds without a valid number or name are shown as numbers. */
static int parse_kinds(struct data_event *event, json_object *kinds)
{
	size_t nr =
		json_object_is_type(kinds, json_type_array) ? json_object_array_length(kinds) : 0;

	if (nr > DATA_MAX_KINDS)
		return JSON_BAD;
	if (!nr)
		return 0;
	event->kinds = mem__calloc(nr, sizeof(*event->kinds));
	if (!event->kinds)
		return -1;
	for (size_t i = 0; i < nr; i++) {
		json_object *o = json_object_array_get_idx(kinds, i);
		json_object *number = json_object_object_get(o, "number");
		struct data_kind *kind = &event->kinds[event->nr_kinds];

		if (!json_object_is_type(number, json_type_int) ||
		    json_object_get_int64(number) < 0 ||
		    json_object_get_int64(number) > UINT32_MAX ||
		    !copy_name(kind->name, sizeof(kind->name), json_object_object_get(o, "name")))
			continue;
		kind->number = json_object_get_int64(number);
		event->nr_kinds++;
	}
	return 0;
}

static int schema__parse_event(struct schema *s, json_object *o)
{
	json_object *fields = json_object_object_get(o, "fields");
	json_object *id = json_object_object_get(o, "id");
	struct data_event *event;
	int ret = JSON_BAD;
	s64 nr;

	if (!json_object_is_type(fields, json_type_array) ||
	    !json_object_is_type(id, json_type_int))
		return JSON_BAD;
	nr = json_object_get_int64(id);
	if (nr < 1 || nr > UINT32_MAX)
		return JSON_BAD;
	if (schema__find(s, nr))
		return 0;

	event = mem__calloc(1, sizeof(*event));
	if (!event)
		return -1;
	event->id = nr;
	event->nr_fields = json_object_array_length(fields);
	if (!event->nr_fields || event->nr_fields > DATA_MAX_FIELDS ||
	    !copy_name(event->name, sizeof(event->name), json_object_object_get(o, "name")))
		goto fail;
	event->fields = mem__calloc(event->nr_fields, sizeof(*event->fields));
	if (!event->fields)
		ret = -1;
	for (u32 i = 0; i < event->nr_fields; i++)
		if (!event->fields ||
		    !parse_field(&event->fields[i], json_object_array_get_idx(fields, i)))
			goto fail;
	ret = parse_kinds(event, json_object_object_get(o, "kinds")) ?: schema__add_event(s, event);
	if (!ret)
		return 0;
fail:
	free_event(event);
	return ret;
}

struct taking {
	struct schema *s;
	bool good;
};

/* Events behind one that is not understood are. */
static int schema__take_event(void *ctx, u32 name, struct json_object *obj)
{
	struct taking *t = ctx;
	int ret = schema__parse_event(t->s, obj);

	t->good &= !ret;
	return ret < 0 ? ret : 0;
}

int schema__parse(struct schema *s, const char *text)
{
	static const char *const names[] = { "events" };
	struct taking t = { .s = s, .good = true };
	bool any;
	int ret;

	json_purse__earn(&s->purse, 0);
	ret = json_text__each(&s->purse, text, names, 1, schema__take_event, &t, &any);
	return ret ?: any && t.good ? 0 : JSON_BAD;
}

int schema__builtin(struct schema *s, u32 id)
{
	const struct event_desc *desc = event_desc__by_id(id);
	struct data_event *event;
	int ret = -1;

	if (!desc)
		return 0;
	event = mem__calloc(1, sizeof(*event));
	if (!event)
		return -1;
	event->id = id;
	event->nr_fields = desc->nr_fields;
	event->fields = mem__calloc(desc->nr_fields, sizeof(*event->fields));
	if (!event->fields)
		goto fail;
	snprintf(event->name, sizeof(event->name), "%s", desc->name);
	for (u32 i = 0; i < desc->nr_fields; i++) {
		struct data_field *field = &event->fields[i];

		field->type = desc->fields[i].type;
		snprintf(field->name, sizeof(field->name), "%s", desc->fields[i].name);
		snprintf(field->unit, sizeof(field->unit), "%s", desc->fields[i].unit);
		snprintf(field->doc, sizeof(field->doc), "%s", desc->fields[i].doc);
	}
	if (desc->nr_kinds) {
		event->kinds = mem__calloc(desc->nr_kinds, sizeof(*event->kinds));
		if (!event->kinds)
			goto fail;
	}
	for (; event->nr_kinds < desc->nr_kinds; event->nr_kinds++) {
		struct data_kind *kind = &event->kinds[event->nr_kinds];

		kind->number = desc->kinds[event->nr_kinds].number;
		snprintf(kind->name, sizeof(kind->name), "%s", desc->kinds[event->nr_kinds].name);
	}
	ret = schema__add_event(s, event);
	if (!ret)
		return 0;
fail:
	free_event(event);
	return ret < 0 ? -1 : 0;
}

const struct data_event *schema__find(const struct schema *s, u32 id)
{
	for (u32 i = 0; i < s->nr; i++)
		if (s->events[i]->id == id)
			return s->events[i];
	return NULL;
}

const char *data_event__kind(const struct data_event *event, u64 number)
{
	for (u32 i = 0; i < event->nr_kinds; i++)
		if (event->kinds[i].number == number)
			return event->kinds[i].name;
	return NULL;
}

int data_event__field(const struct data_event *event, const char *name)
{
	for (u32 i = 0; i < event->nr_fields; i++)
		if (!strcmp(event->fields[i].name, name))
			return i;
	return -1;
}

void schema__free(struct schema *s)
{
	for (u32 i = 0; i < s->nr; i++)
		free_event(s->events[i]);
	free(s->events);
	memset(s, 0, sizeof(*s));
}
