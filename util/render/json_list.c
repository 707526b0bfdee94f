// SPDX-License-Identifier: GPL-2.0
/*
 * A list is printed by its serializer, which json-c calls when the text before it is complete: it
 * writes that, then makes, writes and frees one element after another.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/printbuf.h>

#include "util/memory.h"
#include "util/render/json.h"

#define INDENT	2	/* as json-c */

struct json_list {
	struct json_writer *w;
	u32 nr;
	json_make make;
	const void *ctx;
};

/* Text whose own lines are indented as if it were all. */
static void put_indented(struct json_writer *w, const char *text, size_t len)
{
	const char *end = text + len, *line;

	while ((line = memchr(text, '\n', end - text))) {
		fwrite(text, 1, line + 1 - text, w->out);
		fprintf(w->out, "%*s", (int)(INDENT * w->depth), "");
		text = line + 1;
	}
	fwrite(text, 1, end - text, w->out);
}

static int put_element(const struct json_list *l, u32 i, int flags)
{
	struct json_object *item;
	const char *text;

	if (json__expect())
		return -1;
	item = l->make(l->w, l->ctx, i);
	/* First: a list within it writes what precedes it by itself. */
	put_indented(l->w, i ? ",\n" : "\n", i ? 2 : 1);
	text = json_object_to_json_string_ext(item, flags);
	if (text)
		put_indented(l->w, text, strlen(text));
	json_object_put(item);
	return text ? 0 : out_of_memory();
}

static int write_list(struct json_object *list, struct printbuf *pb, int level, int flags)
{
	const struct json_list *l = json_object_get_userdata(list);
	struct json_writer *w = l->w;
	int ret = 0;

	put_indented(w, pb->buf, pb->bpos);
	printbuf_reset(pb);
	fputc('[', w->out);
	w->depth += level + 1;
	for (u32 i = 0; !ret && i < l->nr; i++)
		ret = put_element(l, i, flags);
	w->depth--;
	put_indented(w, "\n]", 2);
	w->depth -= level;
	w->failed |= ret;
	return ret;
}

static void forget_list(struct json_object *list, void *userdata)
{
	(void)list;
	free(userdata);
}

void json__list(struct json_writer *w, struct json_object *obj, const char *key, u32 nr,
		json_make make, const void *ctx)
{
	struct json_object *list = json__array(obj, key);
	struct json_list *l;

	if (!nr)
		return;
	l = mem__calloc(1, sizeof(*l));
	if (!l) {
		w->failed = true;
		return;
	}
	*l = (struct json_list) { .w = w, .nr = nr, .make = make, .ctx = ctx };
	json_object_set_serializer(list, write_list, l, forget_list);
}

int json__write(struct json_writer *w, struct json_object *root)
{
	const char *text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY |
				JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);

	if (text)
		put_indented(w, text, strlen(text));
	else if (!w->failed)
		out_of_memory();
	w->failed |= !text;
	fputc('\n', w->out);
	json_object_put(root);
	return w->failed ? -1 : 0;
}
