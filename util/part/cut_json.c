// SPDX-License-Identifier: GPL-2.0
/* META and IDENT of a part: as they are, but for what is not of it. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "util/memory.h"
#include "util/part/cut.h"

typedef struct json_object json;

/* ---- META ---------------------------------------------------------------------- */

/* Records that were lost in a span of time that is only partly in the part. */
static u64 lost_around(const struct cut *c)
{
	const struct time_window *w = &c->rec->window;
	u64 nr = 0;

	for (u32 i = 0; w->active && i < c->rec->nr_losses; i++) {
		const struct rec_loss *l = &c->rec->loss[i];
		bool in = l->first_ns <= w->to && l->last_ns >= w->from;

		if (in && (l->first_ns < w->from || l->last_ns > w->to) &&
		    l->event < KVMW_MAX_EVENTS && c->events >> l->event & 1)
			nr = sat_add(nr, l->count);
	}
	return nr;
}

static bool keeps_event(const struct cut *c, const char *name)
{
	const struct event_desc *event = event_desc__by_name(name);
	/* All other names are of raw tracepoints. */
	u32 id = event ? event->id : KVMW_EVENT_RAW;

	return id < KVMW_MAX_EVENTS && c->events >> id & 1;
}

/* What was recorded, and is not in it. */
static json *cut_out(const struct cut *c)
{
	const struct rec_meta *m = &c->rec->meta;
	json *names = json_object_new_array();

	for (u32 i = 0; i < m->part_without.nr; i++)
		json_object_array_add(names, json_object_new_string(m->part_without.text[i]));
	for (u32 i = 0; i < m->events.nr; i++)
		if (!keeps_event(c, m->events.text[i]))
			json_object_array_add(names, json_object_new_string(m->events.text[i]));
	return names;
}

static char *part_words(const struct cut *c)
{
	const char *before = c->rec->meta.part ?: "";
	u64 lost = lost_around(c);
	char *by, words[128] = "";

	if (lost)
		snprintf(words, sizeof(words),
			 "; %llu records were lost across its ends: its totals count them where they were read",
			 (unsigned long long)lost);
	return asprintf(&by, "%s%s%s%s", before, *before ? "; " : "", c->by, words) < 0 ? NULL : by;
}

static json *part_json(const struct cut *c)
{
	const struct time_window *w = &c->rec->window;
	json *part = json_object_new_object(), *without = cut_out(c);
	char *by = part_words(c);

	if (w->active && w->from > c->rec->meta.start_ns)
		json_object_object_add(part, "from_ns", json_object_new_uint64(w->from));
	if (w->active && w->to != UINT64_MAX)
		json_object_object_add(part, "to_ns", json_object_new_uint64(w->to));
	if (!c->rec->meta.stop_ns)
		json_object_object_add(part, "end_ns",
				       json_object_new_uint64(recording__end(c->rec)));
	if (c->rec->meta.part_selects || cut__selects(c) || c->events != DATA_ALL_EVENTS)
		json_object_object_add(part, "selects", json_object_new_boolean(true));
	json_object_object_add(part, "without", without);
	json_object_object_add(part, "by", json_object_new_string(by ?: ""));
	free(by);
	return part;
}

int cut__put_meta(struct cut *c, u64 missing_rows, bool first)
{
	json *root = json_object_new_object();

	if (first)
		json_object_object_add(root, "part", part_json(c));
	if (missing_rows)
		json_object_object_add(root, "missing_rows",
				       json_object_new_int64(missing_rows > INT64_MAX ? INT64_MAX :
							     (int64_t)missing_rows));
	if (first || missing_rows)
		return part_out__json(&c->out, DATA_META, root);
	json_object_put(root);
	return 0;
}

/* Whether the list changed. */
static bool without_others(const struct cut *c, json *events)
{
	bool changed = false;

	for (size_t i = json_object_array_length(events); i--;) {
		json *name = json_object_array_get_idx(events, i);

		if (json_object_is_type(name, json_type_string) &&
		    keeps_event(c, json_object_get_string(name)))
			continue;
		json_object_array_del_idx(events, i, 1);
		changed = true;
	}
	return changed;
}

static int cut__meta(struct cut *c, const struct data_frame *f, const char *text)
{
	json *root, *events;
	int ret = json_text__parse(&c->out.purse, text, &root);
	bool changed;

	if (ret)
		return ret;
	changed = json_object_object_get_ex(root, "part", NULL);
	json_object_object_del(root, "part");
	if (json_object_object_get_ex(root, "resolution", NULL))
		data_encoder__expect_rounded(c->out.encoder);
	events = json_object_object_get(root, "events");
	if (json_object_is_type(events, json_type_array))
		changed |= without_others(c, events);
	if (changed)
		return part_out__json(&c->out, DATA_META, root);
	json_object_put(root);
	return part_out__copy(&c->out, f);
}

/* ---- IDENT --------------------------------------------------------------------- */

static bool is_of_part(const struct cut *c, u32 list, json *entry)
{
	u32 id = json_object_get_int64(json_object_object_get(entry, "id"));
	const struct rec_vcpu *vcpu;

	if (list == PART_VMS)
		return cut__has_vm(c, recording__vm(c->rec, id));
	if (list != PART_VCPUS)
		return true;
	vcpu = recording__vcpu(c->rec, id);
	/* What is said of a VMM is said of all its vCPUs. */
	return vcpu && !rec_vcpu__is_vcpu(vcpu) ? cut__has_vm(c, recording__vm(c->rec, vcpu->vm)) :
	       cut__has_vcpu(c, id);
}

static int cut__take_entry(void *ctx, u32 list, json *entry)
{
	struct cut *c = ctx;

	return entry && is_of_part(c, list, entry) ? part_out__put_entry(&c->out, list, entry) : 0;
}

int cut__text(void *ctx, const struct data_frame *f, const char *text)
{
	struct cut *c = ctx;

	if (f->type == DATA_META)
		return cut__meta(c, f, text);
	return cut__selects(c) ? part_out__each_entry(&c->out, text, cut__take_entry, c) :
	       part_out__copy(&c->out, f);
}
