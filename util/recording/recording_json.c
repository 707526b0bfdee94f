// SPDX-License-Identifier: GPL-2.0
/* Parses META frames: JSON from a file that may contain anything. */
#include <stdlib.h>
#include <string.h>

#include "util/event_desc.h"
#include "util/privacy/privacy.h"
#include "util/recording/member.h"
#include "util/recording/recording.h"

#define FORMAT_MAX	(64u << 10)	/* bytes of a tracepoint's format */

static void free_texts(struct rec_texts *texts)
{
	for (u32 i = 0; i < texts->nr; i++)
		free(texts->text[i]);
	free(texts->text);
	memset(texts, 0, sizeof(*texts));
}

static int add_text(struct rec_texts *texts, const char *text)
{
	if (texts->nr == REC_MAX_TEXTS)
		return 0;
	if (!texts->text)
		texts->text = calloc(REC_MAX_TEXTS, sizeof(*texts->text));
	if (!texts->text)
		return out_of_memory();
	if (member__set_text(&texts->text[texts->nr], text, TEXT_MAX))
		return -1;
	texts->nr++;
	return 0;
}

static int get_texts(struct json_object *obj, const char *key, struct rec_texts *texts)
{
	struct json_object *list = member__get(obj, key, json_type_array);
	size_t nr = list ? json_object_array_length(list) : 0;

	if (list)
		free_texts(texts);
	for (size_t i = 0; i < nr && i < REC_MAX_TEXTS; i++) {
		struct json_object *item = json_object_array_get_idx(list, i);

		if (json_object_is_type(item, json_type_string) &&
		    add_text(texts, json_object_get_string(item)))
			return -1;
	}
	return 0;
}

/* "params":{"kvm":{"halt_poll_ns":"200000"}} becomes "kvm.halt_poll_ns=200000". */
static int get_params(struct json_object *kvm, struct rec_texts *texts)
{
	struct json_object *params = member__get(kvm, "params", json_type_object);
	char text[3UL * TEXT_MAX + sizeof(".=")];

	if (!params)
		return 0;
	free_texts(texts);
	json_object_object_foreach(params, module, values) {
		if (!json_object_is_type(values, json_type_object))
			continue;
		json_object_object_foreach(values, name, value) {
			snprintf(text, sizeof(text), "%.*s.%.*s=%.*s", TEXT_MAX, module, TEXT_MAX,
				 name, TEXT_MAX, json_object_get_string(value) ?: "");
			if (add_text(texts, text))
				return -1;
		}
	}
	return 0;
}

static void get_clock(struct json_object *root, struct rec_meta *meta)
{
	struct json_object *clocks = member__get(root, "clocks", json_type_array), *first;
	struct json_object *of_series = member__get(root, "first_clock", json_type_object);

	if (!clocks || !json_object_array_length(clocks))
		return;
	first = json_object_array_get_idx(clocks, 0);
	meta->monotonic_ns = member__u64(first, "monotonic_ns", 0);
	meta->realtime_ns = member__u64(first, "realtime_ns", 0);
	meta->has_clock = meta->realtime_ns;
	meta->first_monotonic_ns = member__u64(of_series, "monotonic_ns", meta->monotonic_ns);
	meta->first_realtime_ns = member__u64(of_series, "realtime_ns", meta->realtime_ns);
}

static void get_series(struct json_object *root, struct rec_meta *meta)
{
	struct json_object *series = member__get(root, "series", json_type_object);

	if (!series)
		return;
	meta->series_number = member__u64(series, "number", 0);
	meta->series_to = member__u64(series, "to", meta->series_number);
}

static int by_kind(const void *a, const void *b)
{
	const struct rec_tracepoint *x = a, *y = b;

	return x->kind < y->kind ? -1 : x->kind > y->kind;
}

static void free_tracepoints(struct rec_meta *meta)
{
	for (u32 i = 0; i < meta->nr_tracepoints; i++) {
		free(meta->tracepoint[i].name);
		free(meta->tracepoint[i].format);
	}
	free(meta->tracepoint);
	meta->tracepoint = NULL;
	meta->nr_tracepoints = 0;
}

static int fill_tracepoint(struct rec_tracepoint *tp, struct json_object *obj)
{
	struct json_object *format = member__get(obj, "format", json_type_string);

	tp->kind = member__u32(obj, "kind");
	tp->format = strndup(format ? json_object_get_string(format) : "", FORMAT_MAX);
	if (!tp->format)
		return out_of_memory();
	return member__set_text(&tp->name, "", 0) ||
	       member__text(obj, "name", &tp->name, TEXT_MAX) ? -1 : 0;
}

static int get_tracepoints(struct json_object *root, struct rec_meta *meta)
{
	struct json_object *list = member__get(root, "tracepoints", json_type_array);
	size_t nr = list ? json_object_array_length(list) : 0;

	if (!list)
		return 0;
	if (nr > REC_MAX_TRACEPOINTS)
		nr = REC_MAX_TRACEPOINTS;
	free_tracepoints(meta);
	meta->tracepoint = calloc(nr ?: 1, sizeof(*meta->tracepoint));
	if (!meta->tracepoint)
		return out_of_memory();
	while (meta->nr_tracepoints < nr) {
		u32 i = meta->nr_tracepoints++;

		if (fill_tracepoint(&meta->tracepoint[i], json_object_array_get_idx(list, i)))
			return -1;
	}
	qsort(meta->tracepoint, nr, sizeof(*meta->tracepoint), by_kind);
	return 0;
}

/* Filters of events; the others select VMs and vCPUs. */
static bool is_selective(struct json_object *filters)
{
	static const char *const names[] = { "reasons", "min_ns", "port", "gpa", "msr", "sample",
					     "cpu_limit" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (json_object_object_get_ex(filters, names[i], NULL))
			return true;
	return false;
}

/* "skipped":{"exit":"why"}: events that were asked for in vain. */
static int get_skipped(struct json_object *root, struct rec_meta *meta)
{
	struct json_object *skipped = member__get(root, "skipped", json_type_object);

	for (u32 id = 0; skipped && id < ARRAY_SIZE(meta->skipped); id++) {
		const struct event_desc *event = event_desc__by_id(id);

		if (event && member__text(skipped, event->name, &meta->skipped[id], TEXT_MAX))
			return -1;
	}
	return 0;
}

/* What was hidden, or not recorded. */
static void get_hidden(struct json_object *root, struct rec_meta *meta)
{
	struct json_object *privacy = member__get(root, "privacy", json_type_object);

	for (u32 i = 0; privacy && i < KVMW_NR_SECRETS; i++) {
		struct json_object *state =
			member__get(privacy, secret_desc(i)->member, json_type_string);
		int known = state ? secret_state__parse(json_object_get_string(state)) : -1;

		meta->hidden[i] = known < 0 ? 0 : known;
	}
}

/* What is no resolution says nothing. */
static void get_resolution(struct json_object *root, struct rec_meta *meta)
{
	struct json_object *text = member__get(root, "resolution", json_type_string);
	struct resolution said;

	if (text && !resolution__parse(&said, json_object_get_string(text)))
		meta->resolution = said;
}

/* Rows follow, which are read by several threads: what is not said here is not looked at later. */
static void get_symbols(struct json_object *root, struct recording *rec)
{
	struct json_object *symbols = member__get(root, "guest_symbols", json_type_object);

	rec->has_symbols |= symbols && !rec->first_ns;
	if (rec->has_symbols && json_object_get_boolean(json_object_object_get(symbols, "kernel")))
		guest_symbols__set_of_kernel(rec->symbols);
}

static int take_meta(struct rec_meta *meta, struct json_object *root)
{
	struct json_object *host = member__get(root, "host", json_type_object);
	struct json_object *kvm = member__get(root, "kvm", json_type_object);
	struct json_object *stop = member__get(root, "stop", json_type_object);
	struct json_object *filters = member__get(root, "filters", json_type_object);
	struct json_object *trigger = member__get(root, "trigger", json_type_object);
	struct json_object *part = member__get(root, "part", json_type_object);

	if (part) {
		meta->part_from_ns = member__u64(part, "from_ns", 0);
		meta->part_to_ns = member__u64(part, "to_ns", UINT64_MAX);
		meta->part_end_ns = member__u64(part, "end_ns", 0);
		meta->part_selects =
			json_object_get_boolean(json_object_object_get(part, "selects"));
	}
	meta->cpus = member__u64(host, "cpus", meta->cpus);
	meta->rings = member__u64(root, "rings", meta->rings);
	meta->ring_bytes = member__u64(root, "ring_bytes", meta->ring_bytes);
	meta->start_ns = member__u64(root, "start_ns", meta->start_ns);
	meta->stop_ns = member__u64(stop, "time_ns", meta->stop_ns);
	meta->trigger_ns = member__u64(trigger, "time_ns", meta->trigger_ns);
	meta->missing_rows = member__u64(root, "missing_rows", meta->missing_rows);
	get_series(root, meta);
	get_clock(root, meta);
	get_hidden(root, meta);
	get_resolution(root, meta);
	if (filters)
		meta->selective = is_selective(filters);
	if (filters)
		meta->some_vcpus = json_object_object_get_ex(filters, "vcpus", NULL);
	return member__text(root, "kvmw", &meta->version, TEXT_MAX) ||
	       member__text(host, "name", &meta->host, TEXT_MAX) ||
	       member__text(host, "kernel", &meta->kernel, TEXT_MAX) ||
	       member__text(host, "arch", &meta->arch, TEXT_MAX) ||
	       member__text(host, "cpu", &meta->cpu, TEXT_MAX) ||
	       member__text(kvm, "module", &meta->module, TEXT_MAX) ||
	       get_params(kvm, &meta->params) ||
	       member__text(stop, "why", &meta->stop_why, TEXT_MAX) ||
	       member__text(trigger, "what", &meta->trigger, TEXT_MAX) ||
	       (part && member__set_text(&meta->part, "", 0)) ||
	       (part && get_texts(part, "without", &meta->part_without)) ||
	       member__text(part, "by", &meta->part, TEXT_MAX) ||
	       get_texts(root, "command", &meta->command) ||
	       get_texts(root, "events", &meta->events) ||
	       get_texts(root, "notes", &meta->notes) ||
	       get_skipped(root, meta) ||
	       get_tracepoints(root, meta) ||
	       (filters && recording__filter_words(filters, &meta->filter_words)) ||
	       (filters && member__set_text(&meta->filters, json_object_to_json_string_ext(
					    filters, JSON_C_TO_STRING_PLAIN), TEXT_MAX)) ? -1 : 0;
}

int recording__meta(struct recording *rec, const char *json)
{
	struct json_object *root;
	int ret = json_text__parse(&rec->json, json, &root);

	if (ret)
		return ret;
	ret = take_meta(&rec->meta, root);
	get_symbols(root, rec);
	json_object_put(root);
	return ret;
}

const struct rec_tracepoint *recording__tracepoint(const struct recording *rec, u32 kind)
{
	const struct rec_meta *m = &rec->meta;
	const struct rec_tracepoint key = { .kind = kind };

	return m->nr_tracepoints ? bsearch(&key, m->tracepoint, m->nr_tracepoints,
					   sizeof(*m->tracepoint), by_kind) : NULL;
}

void recording__free_meta(struct recording *rec)
{
	struct rec_meta *m = &rec->meta;
	char *texts[] = { m->version, m->host, m->kernel, m->arch, m->cpu, m->module,
			  m->filters, m->filter_words, m->stop_why, m->trigger, m->part };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(texts[i]);
	for (size_t i = 0; i < ARRAY_SIZE(m->skipped); i++)
		free(m->skipped[i]);
	free_texts(&m->params);
	free_texts(&m->command);
	free_texts(&m->events);
	free_texts(&m->notes);
	free_texts(&m->part_without);
	free_tracepoints(m);
}
