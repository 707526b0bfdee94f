// SPDX-License-Identifier: GPL-2.0
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/capture/interned.h"
#include "util/capture/json_build.h"

#define MAX_INTERNED	4096	/* of each list */

static int take(struct interned_list *list, const char *text, u32 first, u32 *id)
{
	char *copy;

	*id = INTERNED_NONE;
	if (!*text)
		return 0;
	for (u32 i = 0; i < list->nr; i++) {
		if (strcmp(list->text[i], text))
			continue;
		*id = first + list->past + i;
		return 0;
	}
	if (list->nr == MAX_INTERNED)
		return 0;
	copy = strdup(text);
	if (!copy)
		return out_of_memory();
	if (array__reserve(list->text, list->nr, list->room, NULL)) {
		free(copy);
		return -1;
	}
	list->text[list->nr] = copy;
	*id = first + list->past + list->nr++;
	return 0;
}

int interned__text(struct interned *names, const char *text, u32 *id)
{
	return take(&names->texts, text, 0, id);
}

int interned__stack(struct interned *names, const char *functions, u32 *id)
{
	return take(&names->stacks, names->no_stacks ? "" : functions, INTERNED_STACKS, id);
}

static struct json_object *interned__text_json(const struct interned_list *list, u32 i)
{
	struct json_object *o = json_object_new_object();
	int err = json_build__put(o, "id", json_object_new_int64(list->past + i));

	err |= json_build__put_text(o, "text", list->text[i]);
	return json_build__end(o, err);
}

static struct json_object *interned__stack_json(const struct interned_list *list, u32 i)
{
	struct json_object *o = json_object_new_object(), *frames = json_object_new_array();
	int err = json_build__put(o, "id", json_object_new_int64(INTERNED_STACKS + list->past + i));

	for (const char *at = list->text[i]; *at; at += strspn(at, "\n")) {
		size_t len = strcspn(at, "\n");

		err |= json_build__append(frames, json_object_new_string_len(at, len));
		at += len;
	}
	err |= json_build__put(o, "frames", frames);
	return json_build__end(o, err);
}

/* Adds what was not sent yet as a member. */
static int interned__add(struct json_object *root, const char *name, struct interned_list *list,
			 struct json_object *(*json)(const struct interned_list *list, u32 i))
{
	struct json_object *items = json_object_new_array();
	int err = 0;

	for (; list->sent < list->nr && !err; list->sent++)
		err = json_build__append(items, json(list, list->sent));
	return json_build__put(root, name, items) | err;
}

int interned__send(struct interned *names, struct sink *sink)
{
	struct json_object *root;
	char *text;
	int err;

	if (names->texts.sent == names->texts.nr && names->stacks.sent == names->stacks.nr)
		return 0;
	root = json_object_new_object();
	err = interned__add(root, "texts", &names->texts, interned__text_json);
	err |= interned__add(root, "stacks", &names->stacks, interned__stack_json);
	root = json_build__end(root, err);
	text = json_build__text(root);
	json_object_put(root);
	return sink__json(sink, DATA_IDENT, text);
}

static void interned__free_list(struct interned_list *list)
{
	for (u32 i = 0; i < list->nr; i++)
		free(list->text[i]);
	free(list->text);
	memset(list, 0, sizeof(*list));
}

static void renew_list(struct interned_list *list)
{
	/* Whoever has one of these ids after so many has forgotten it. */
	u32 past = (list->past + list->nr) % INTERNED_STACKS;

	interned__free_list(list);
	list->past = past;
}

void interned__renew(struct interned *names)
{
	renew_list(&names->texts);
	renew_list(&names->stacks);
}

void interned__free(struct interned *names)
{
	interned__free_list(&names->texts);
	interned__free_list(&names->stacks);
}
