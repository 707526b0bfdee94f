// SPDX-License-Identifier: GPL-2.0
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "util/capture/guest_names.h"
#include "util/capture/json_build.h"
#include "util/hash_table.h"

#define RECENT	4096		/* a guest exits from few places again and again */

struct sent {
	struct { u64 from; } key;
};

struct guest_names {
	const struct guest_symbols *symbols;
	u64 recent[RECENT];
	struct hash_table sent;
	bool left_out;
};

struct guest_names *guest_names__new(const struct guest_symbols *symbols)
{
	struct guest_names *names = mem__calloc(1, sizeof(*names));

	if (!names)
		return NULL;
	names->symbols = symbols;
	names->sent = HASH_TABLE(struct sent, NULL);
	return names;
}

void guest_names__free(struct guest_names *names)
{
	if (names)
		hash_table__free(&names->sent);
	free(names);
}

static const struct field_desc *code_field(const struct event_desc *event)
{
	for (u32 i = 0; i < event->nr_fields; i++)
		if (event->fields[i].holds == KVMW_HOLDS_GUEST_CODE)
			return &event->fields[i];
	return NULL;
}

bool guest_names__are_in(u32 events)
{
	for_each_captured_event(event)
		if (events & BIT(event->id) && code_field(event))
			return true;
	return false;
}

static int append_symbol(struct json_object *list, const struct guest_symbol *symbol)
{
	struct json_object *o = json_object_new_object();
	int err = json_build__put(o, "from", json_object_new_uint64(symbol->from));

	err |= json_build__put(o, "to", json_object_new_uint64(symbol->to));
	if (symbol->name)
		err |= json_build__put_text(o, "name", symbol->name);
	if (symbol->module)
		err |= json_build__put_text(o, "module", symbol->module);
	return json_build__append(list, json_build__end(o, err)) | err;
}

/* Looks up an address.  *list: made for the first function that is new. */
static int note_address(struct guest_names *names, u64 rip, struct json_object **list)
{
	u64 *recent = &names->recent[(rip ^ rip >> 12) % RECENT];
	u32 nr = names->sent.nr;
	struct guest_symbol symbol;
	bool full = false;

	if (*recent == rip)
		return 0;
	*recent = rip;
	if (!guest_symbols__find(names->symbols, rip, &symbol))
		return 0;
	if (!hash_table__get_limited(&names->sent, &symbol.from, GUEST_SYMBOLS_STORED, &full) &&
	    !full)
		return -1;
	names->left_out |= full;
	if (names->sent.nr == nr)
		return 0;
	if (!*list)
		*list = json_object_new_array();
	return append_symbol(*list, &symbol) ? out_of_memory() : 0;
}

static int names_json(struct json_object *list, char **json)
{
	struct json_object *root = json_object_new_object();
	/* Older readers reject a frame that has only lists that they do not know. */
	int err = json_build__put(root, "vms", json_object_new_array());

	err |= json_build__put(root, "symbols", list);
	root = json_build__end(root, err);
	*json = json_build__text(root);
	json_object_put(root);
	return *json ? 0 : -1;
}

int guest_names__note(struct guest_names *names, const struct event_desc *event, const u8 *rows,
		      u32 nr, char **json)
{
	const struct field_desc *code = code_field(event);
	int nested = event_desc__field(event, "nested", strlen("nested")), ret = 0;
	struct json_object *list = NULL;

	*json = NULL;
	for (u32 i = 0; i < nr && code && !ret; i++, rows += event->size) {
		u16 is_nested = 0;
		u64 rip;

		if (nested >= 0)
			memcpy(&is_nested, rows + event->fields[nested].offset, sizeof(is_nested));
		memcpy(&rip, rows + code->offset, sizeof(rip));
		if (is_nested != 1)
			ret = note_address(names, rip, &list);
	}
	if (!ret && list)
		return names_json(list, json);
	json_object_put(list);
	return ret;
}

void guest_names__again(struct guest_names *names)
{
	hash_table__free(&names->sent);
	memset(names->recent, 0, sizeof(names->recent));
}

bool guest_names__left_out(const struct guest_names *names)
{
	return names->left_out;
}
