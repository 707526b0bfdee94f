// SPDX-License-Identifier: GPL-2.0
/* IDENT: entries are passed on one by one, whatever a frame has of them. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "util/memory.h"
#include "util/privacy/scrub.h"

#define MAX_TEXTS	(64 * 1024)	/* and bytes of them: */
#define MAX_TEXT_BYTES	(16u << 20)

enum what { NUMBER, NAME, ROLE, FRAMES, FUNCTION, LOST };

static const struct member { const char *name; enum what what; } members[] = {
	{ "id", NUMBER }, { "pid", NUMBER }, { "vm", NUMBER }, { "vcpu", NUMBER }, { "tid", NUMBER },
	{ "gone_ns", NUMBER }, { "moved", NUMBER }, { "left", NUMBER }, { "name", NAME }, { "vmm", NAME }, { "comm", NAME },
	{ "role", ROLE }, { "frames", FRAMES }, { "lost", LOST },
};
/* Of a function of the guest. */
static const struct member of_symbol[] = {
	{ "from", NUMBER }, { "to", NUMBER }, { "name", FUNCTION }, { "module", FUNCTION },
};

/* How rows refer to a text. */
enum { AS_PATH = 1, AS_TEXT = 2 };

/* ---- what becomes of them --------------------------------------------------- */

static struct json_object *frames(struct scrub *s, struct json_object *from)
{
	struct json_object *to = json_object_new_array();
	char buf[PRIVACY_TEXT];

	s->met[KVMW_SECRET_STACKS] = true;
	for (size_t i = 0; i < json_object_array_length(from); i++) {
		struct json_object *frame = json_object_array_get_idx(from, i);
		const char *text = json_object_is_type(frame, json_type_string) ?
				   json_object_get_string(frame) : "";

		json_object_array_add(to, json_object_new_string(
				      privacy__function(&s->privacy, text, buf)));
	}
	return to;
}

static bool is_role(const char *text)
{
	return !strcmp(text, "vmm") || !strcmp(text, "kernel");
}

/* NULL: of a type that this member never has. */
static struct json_object *pass(struct scrub *s, enum what what, struct json_object *value)
{
	enum json_type type = json_object_get_type(value);
	char buf[PRIVACY_TEXT];

	switch (what) {
	case NUMBER:
		return type == json_type_int || type == json_type_boolean ?
		       json_object_get(value) : NULL;
	case NAME:
		if (type != json_type_string)
			return NULL;
		s->met[KVMW_SECRET_NAMES] |= *json_object_get_string(value) != '\0';
		return json_object_new_string(privacy__name(&s->privacy,
							    json_object_get_string(value), buf));
	case ROLE:
		return type == json_type_string && is_role(json_object_get_string(value)) ?
		       json_object_get(value) : NULL;
	case FRAMES:
		return type == json_type_array ? frames(s, value) : NULL;
	case LOST:
		/* Of frames that have another name now; which builds these are says what runs. */
		return s->privacy.way[KVMW_SECRET_STACKS] == PRIVACY_KEEP ? json_object_get(value) :
		       json_object_new_array();
	case FUNCTION:
		return type == json_type_string ? json_object_get(value) : NULL;
	}
	return NULL;
}

static int pass_entry(struct scrub *s, u32 list, struct json_object *from)
{
	const struct member *known = list == PART_SYMBOLS ? of_symbol : members;
	size_t nr = list == PART_SYMBOLS ? ARRAY_SIZE(of_symbol) : ARRAY_SIZE(members);
	struct json_object *to = json_object_new_object();
	int ret;

	json_object_object_foreach(from, name, value) {
		struct json_object *passed = NULL;
		size_t i = 0;

		while (i < nr && strcmp(known[i].name, name))
			i++;
		if (i < nr && value)
			passed = pass(s, known[i].what, value);
		if (i == nr || (value && !passed))
			s->dropped.members++;
		else
			json_object_object_add(to, known[i].name, passed);
	}
	ret = part_out__put_entry(&s->out, list, to);
	json_object_put(to);
	return ret;
}

/* ---- texts: what they are is known when all rows are ------------------------- */

/* NULL and *ret 0: one too many. */
static struct scrub_text *text_of(struct scrub *s, u32 id, int *ret)
{
	struct scrub_text *text;
	bool full = false;

	if (!s->texts.entry_size)
		s->texts = HASH_TABLE(struct scrub_text, NULL);
	text = hash_table__get_limited(&s->texts, &id, MAX_TEXTS, &full);
	*ret = text || full ? 0 : -1;
	return text;
}

int scrub__use_text(void *ctx, u32 id, bool path)
{
	int ret;
	struct scrub_text *text = text_of(ctx, id, &ret);

	if (text)
		text->uses |= path ? AS_PATH : AS_TEXT;
	return ret;
}

static int scrub__keep_text(struct scrub *s, struct json_object *entry)
{
	struct json_object *id = json_object_object_get(entry, "id"),
			   *value = json_object_object_get(entry, "text");
	struct scrub_text *text = NULL;
	size_t len;
	int ret = 0;

	if (json_object_is_type(id, json_type_int) &&
	    json_object_is_type(value, json_type_string) && json_object_get_int64(id) >= 0 &&
	    json_object_get_int64(id) < UINT32_MAX)
		text = text_of(s, json_object_get_int64(id), &ret);
	len = text ? strlen(json_object_get_string(value)) : 0;
	if (!text || len > MAX_TEXT_BYTES - s->text_bytes) {
		s->dropped.members++;
		return ret;
	}
	s->text_bytes += len;
	free(text->text);
	text->text = mem__strdup(json_object_get_string(value));
	return text->text ? 0 : -1;
}

int scrub__texts(struct scrub *s)
{
	char buf[PRIVACY_TEXT];
	int ret = 0;

	for (u32 i = 0; i < s->texts.nr && !ret; i++) {
		const struct scrub_text *text = hash_table__at(&s->texts, i);
		struct json_object *entry;

		/*
		 * A series keeps texts for a while; and rows that this kvmw does not know are
		 * counted themselves.
		 */
		if (!text->text || !text->uses)
			continue;
		s->met[KVMW_SECRET_NAMES] |= text->uses & AS_PATH;
		entry = json_object_new_object();
		json_object_object_add(entry, "id", json_object_new_int64(text->key));
		json_object_object_add(entry, "text", json_object_new_string(
				       text->uses & AS_PATH ?
				       privacy__path(&s->privacy, text->text, buf) : text->text));
		ret = part_out__put_entry(&s->out, PART_TEXTS, entry);
		json_object_put(entry);
	}
	return ret ?: part_out__flush_entries(&s->out);
}

static int take_entry(void *ctx, u32 list, struct json_object *entry)
{
	struct scrub *s = ctx;

	if (list == PART_SYMBOLS) {
		s->met[KVMW_SECRET_SYMBOLS] = true;
		if (s->privacy.way[KVMW_SECRET_SYMBOLS] != PRIVACY_KEEP)
			return 0;
	}
	if (entry)
		return list == PART_TEXTS ? scrub__keep_text(s, entry) : pass_entry(s, list, entry);
	s->dropped.members++;
	return 0;
}

int scrub__ident(struct scrub *s, const char *text)
{
	return part_out__each_entry(&s->out, text, take_entry, s);
}
