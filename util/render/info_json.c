// SPDX-License-Identifier: GPL-2.0
/* kvmw info --json; its members are described in Documentation/kvmw-info.txt. */
#include "util/privacy/privacy.h"
#include "util/render/host_facts.h"
#include "util/render/json.h"
#include "util/render/limits.h"
#include "util/render/process_memory.h"
#include "util/render/render.h"
#include "util/render/slot_lists.h"
#include "util/render/threads.h"
#include "util/render/vm_setup.h"

static void info_json__column(struct json_object *list, const struct info_frames *k, u32 i)
{
	struct json_object *item = json_object_new_object(), *encodings;
	const struct info_column *c = &k->column[i];

	json_object_array_add(list, item);
	json__text(item, "name", k->column_name[i]);
	json__text(item, "type", k->column_type[i]);
	json__u64(item, "stored_bytes", c->stored);
	json__u64(item, "raw_bytes", c->raw);
	encodings = json__array(item, "encodings");
	for (u32 e = 0; e < c->nr_encodings; e++)
		json_object_array_add(encodings, json_object_new_string(c->encoding[e]));
}

static void info_json__frames(struct json_object *root, const struct recording_info *inv)
{
	struct json_object *list = json__array(root, "frames"), *item, *columns;
	char type[16];

	for (u32 i = 0; i < inv->nr; i++) {
		const struct info_frames *k = &inv->frames[i];

		item = json_object_new_object();
		json_object_array_add(list, item);
		json__text(item, "type", frame_type__name(k->type, type));
		json__text(item, "event", *k->name ? k->name : NULL);
		json__u64(item, "frames", k->frames);
		json__u64(item, "rows", k->rows);
		json__u64(item, "bytes", k->bytes);
		if (!k->nr_columns)
			continue;
		columns = json__array(item, "columns");
		for (u32 c = 0; c < k->nr_columns; c++)
			info_json__column(columns, k, c);
	}
}

static void info_json__secrets(struct json_object *root, const struct recording_info *inv)
{
	struct json_object *privacy = json_object_new_object();

	for (u32 i = 0; i < KVMW_NR_SECRETS; i++)
		json__text(privacy, secret_desc(i)->member, info_secret__name(inv->secret[i]));
	json_object_object_add(root, "privacy", privacy);
}

int render__info_json(const struct screen *s, const struct recording *rec,
		      const struct recording_info *inv)
{
	struct json_writer w = { .out = s->out };
	struct json_object *root;

	if (json__expect())
		return -1;
	root = json_object_new_object();
	json__schema(root);
	json__text(root, "file", rec->path);
	json__recording(&w, root, rec);
	render__threads_json(&w, root, rec, &inv->threads);
	limits__json(&w, root, &inv->limits);
	host_facts__json(root, &inv->host);
	vm_setups__json(&w, root, &inv->setups);
	slot_lists__json(&w, root, &inv->slots);
	process_memories__json(&w, root, &inv->memory);
	info_json__frames(root, inv);
	json__bool(root, "index", inv->has_index);
	info_json__secrets(root, inv);
	return json__write(&w, root);
}
