// SPDX-License-Identifier: GPL-2.0
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/keep/series.h"
#include "util/memory.h"
#include "util/privacy/privacy.h"
#include "util/part/merge.h"

/* ---- whether they are parts of one recording ---------------------------------- */

static int merge__by_time(const void *a, const void *b)
{
	const struct merge_input *x = a, *y = b;

	return x->from_ns != y->from_ns ? (x->from_ns > y->from_ns) - (x->from_ns < y->from_ns) :
	       (x->to_ns > y->to_ns) - (x->to_ns < y->to_ns);
}

bool merge__overlap(const struct merge_input *a, const struct merge_input *b)
{
	/* One began when the other ended, but what was in progress then is in the later one. */
	if (recording__are_files_of_series(a->rec, b->rec))
		return false;
	if (a->from_ns == b->from_ns || a->to_ns > b->from_ns)
		return true;
	/* The last ns of one may be the first of the other, if nothing began in it. */
	return a->to_ns == b->from_ns && a->rec->last_ns >= b->from_ns && b->rec->first_ns &&
	       b->rec->first_ns <= a->to_ns;
}

static bool share_vms(const struct recording *a, const struct recording *b)
{
	for (u32 i = 0; i < a->nr_vms; i++)
		if (recording__vm(b, a->vm[i].id))
			return true;
	return false;
}

static bool share_vcpus(const struct recording *a, const struct recording *b)
{
	for (u32 i = 0; i < a->nr_vcpus; i++)
		if (rec_vcpu__is_vcpu(&a->vcpu[i]) && recording__vcpu(b, a->vcpu[i].id))
			return true;
	return false;
}

static bool has_totals(const struct recording *rec, const struct agg_key *key)
{
	const struct agg *agg = hash_table__find(&rec->totals.table, key);

	return agg && agg->has_total && agg->total.count;
}

/* Of both, something is counted, or was lost. NULL: nothing is. */
static const struct event_desc *shared_counts(const struct recording *a, const struct recording *b)
{
	for (u32 i = 0; i < a->totals.table.nr; i++) {
		const struct agg_key *key = &agg_table__at(&a->totals, i)->key;

		if (key->event != KVMW_EVENT_MEMSLOT && has_totals(a, key) && has_totals(b, key))
			return event_desc__by_id(key->event);
	}
	for (u32 id = 0; id < KVMW_MAX_EVENTS; id++)
		if (a->lost[id] && b->lost[id])
			return event_desc__by_id(id);
	return NULL;
}

/*
 * What both have of the same vCPUs, of the same time. NULL: nothing. Slots are in all parts of
 * their VM: what an earlier one has is skipped.
 */
static const struct event_desc *shared_event(const struct recording *a, const struct recording *b)
{
	for_each_captured_event(event)
		if (event->id != KVMW_EVENT_MEMSLOT && a->event_rows[event->id] &&
		    b->event_rows[event->id])
			return event;
	return shared_counts(a, b);
}

/* What is counted of a part as a whole. */
static bool share_sums(const struct recording *x, const struct recording *y)
{
	return (x->holders.table.nr && y->holders.table.nr && share_vcpus(x, y)) ||
	       (x->takens.table.nr && y->takens.table.nr && share_vms(x, y)) ||
	       (x->event_rows[KVMW_EVENT_MEMSLOT] && y->event_rows[KVMW_EVENT_MEMSLOT] &&
		share_vms(x, y));
}

static int check_pair(struct merge *m, const struct merge_input *a, struct merge_input *b)
{
	const struct recording *x = a->rec, *y = b->rec;
	const struct event_desc *event;

	if (!merge__overlap(a, b))
		return 0;
	b->beside = m->any_beside = true;
	if (share_vcpus(x, y)) {
		b->again = true;
		event = shared_event(x, y);
		if (event)
			return error("%s and %s both have %s of the same vCPUs, of the same time, from %.9f s on: they would "
				     "count twice; kvmw cut --time can remove them from one", x->path, y->path,
				     event->plural, recording__since_start(y, b->from_ns) / 1e9);
	}
	return (a->from_ns != b->from_ns || a->to_ns != b->to_ns) && share_sums(x, y) ?
	       error("%s and %s overlap from %.9f s on, but do not cover the same time: what is counted of a VM as a "
		     "whole would count twice; kvmw cut --time can make them parts of the same time", x->path, y->path,
		     recording__since_start(y, b->from_ns) / 1e9) : 0;
}

/* Of what nobody recorded, a recording must not say that nothing happened. */
static int check_gaps(const struct merge *m)
{
	const struct merge_input *last = &m->input[0];

	for (u32 i = 1; i < m->nr; i++) {
		const struct merge_input *in = &m->input[i];

		if (in->from_ns && last->to_ns != UINT64_MAX && in->from_ns > last->to_ns + 1)
			return error("%s begins %.9f s after %s ends: merge the recording of that time, too", in->rec->path,
				     (in->from_ns - last->to_ns) / 1e9, last->rec->path);
		if (in->to_ns > last->to_ns)
			last = in;
	}
	return 0;
}

static int check_kept(const struct recording *rec)
{
	const struct rec_table *tables[] = { &rec->threads, &rec->cgroups, &rec->host, &rec->slots,
					     &rec->vm_configs, &rec->vcpu_configs,
					     &rec->vm_memories };
	u64 over_limit = rec->totals.over_limit + rec->holders.over_limit + rec->takens.over_limit +
			 rec->ids_left_out;

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		over_limit += tables[i]->over_limit;
	if (!over_limit)
		return 0;
	return rec->budget && rec->budget->refused ?
	       error("%s: its totals and tables do not all fit into memory, so some would be missing: --memory=SIZE "
		     "allows more than %zu MB", rec->path, rec->budget->granted >> 20) :
	       error("%s: it has more totals, threads or the like than kvmw keeps: some would be missing", rec->path);
}

/*
 * Two recorders number their VMs and vCPUs alike, two hosts have a clock each: rows of both would
 * be mixed up.
 */
static int not_of_one(const struct recording *a, const struct recording *b)
{
	const char *x = a->meta.host ?: "", *y = b->meta.host ?: "";

	if (a->meta.hidden[KVMW_SECRET_NAMES] == PRIVACY_REMAP ||
	    b->meta.hidden[KVMW_SECRET_NAMES] == PRIVACY_REMAP)
		return error("%s and %s: kvmw scrub makes up other names for each file, so it is unknown whether these are parts "
			     "of one recording; merge first, then scrub the result", a->path, b->path);
	if (strcmp(x, y))
		return error("%s is of host %s, %s of host %s: a recording has the clock and the ids of one; "
			     "kvmw report %s %s shows them together", a->path, *x ? x : "?", b->path, *y ? y : "?",
			     a->path, b->path);
	return error("%s and %s are not parts of one recording, which has one clock and one set of ids; kvmw report %s %s "
		     "shows them together", a->path, b->path, a->path, b->path);
}

/* A file of a series is of its own time, the first and the last one as if there were no others. */
static void limit_to_file(struct merge_input *in)
{
	const struct rec_meta *meta = &in->rec->meta;

	if (meta->series_number > 1 && !in->from_ns)
		in->from_ns = meta->start_ns;
	if (meta->series_number && in->to_ns == UINT64_MAX && meta->stop_why &&
	    !strcmp(meta->stop_why, SERIES_STOP))
		in->to_ns = meta->stop_ns;
}

int merge__prepare(struct merge *m)
{
	for (u32 i = 0; i < m->nr; i++) {
		struct merge_input *in = &m->input[i];
		const struct rec_meta *meta = &in->rec->meta;

		if (check_kept(in->rec))
			return -1;
		in->from_ns = meta->part ? meta->part_from_ns : 0;
		in->to_ns = meta->part ? meta->part_to_ns : UINT64_MAX;
		limit_to_file(in);
		m->of_series |= i && recording__are_files_of_series(m->input[0].rec, in->rec);
		if (i && !recording__is_same_recorder(m->input[0].rec, in->rec))
			return not_of_one(m->input[0].rec, in->rec);
	}
	qsort(m->input, m->nr, sizeof(*m->input), merge__by_time);
	for (u32 i = 1; i < m->nr; i++)
		for (u32 k = 0; k < i; k++)
			if (check_pair(m, &m->input[k], &m->input[i]))
				return -1;
	return check_gaps(m);
}

/* ---- META ---------------------------------------------------------------------- */

/* Whether they have this event, none of them being without it. */
static bool merge__has_event(const struct merge *m, const char *name)
{
	for (u32 i = 0; i < m->nr; i++)
		for (u32 k = 0; k < m->input[i].rec->meta.events.nr; k++)
			if (!strcmp(m->input[i].rec->meta.events.text[k], name))
				return true;
	return false;
}

static void merge__add_text(struct json_object *list, const char *text)
{
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (!strcmp(json_object_get_string(json_object_array_get_idx(list, i)), text))
			return;
	json_object_array_add(list, json_object_new_string(text));
}

static struct json_object *still_without(const struct merge *m)
{
	struct json_object *names = json_object_new_array();

	for (u32 i = 0; i < m->nr; i++) {
		const struct rec_texts *without = &m->input[i].rec->meta.part_without;

		for (u32 k = 0; k < without->nr; k++)
			if (!merge__has_event(m, without->text[k]))
				merge__add_text(names, without->text[k]);
	}
	return names;
}

static struct json_object *merged_part(const struct merge *m)
{
	struct json_object *part = json_object_new_object();
	u64 from_ns = m->input[0].from_ns, to_ns = 0;
	bool selects = false, any = !m->of_series;
	char *by = NULL;
	size_t size;
	FILE *f = open_memstream(&by, &size);

	for (u32 i = 0; i < m->nr; i++) {
		const char *text = m->input[i].rec->meta.part ?: "";

		if (m->input[i].to_ns > to_ns)
			to_ns = m->input[i].to_ns;
		selects |= m->input[i].rec->meta.part_selects;
		any |= m->input[i].rec->meta.part != NULL;
		if (f)
			fprintf(f, "%s%s", i ? ", and " : "", text);
	}
	if (f)
		fclose(f);
	/*
	 * Parts of all the time, cut by nothing else, are all there is; files as they were recorded
	 * are not cut.
	 */
	if (!any || (!selects && !from_ns && to_ns == UINT64_MAX)) {
		json_object_put(part);
		free(by);
		return NULL;
	}
	if (from_ns)
		json_object_object_add(part, "from_ns", json_object_new_uint64(from_ns));
	if (to_ns != UINT64_MAX)
		json_object_object_add(part, "to_ns", json_object_new_uint64(to_ns));
	if (m->input[0].rec->meta.part_end_ns)
		json_object_object_add(part, "end_ns",
				       json_object_new_uint64(m->input[0].rec->meta.part_end_ns));
	if (selects)
		json_object_object_add(part, "selects", json_object_new_boolean(true));
	json_object_object_add(part, "without", still_without(m));
	json_object_object_add(part, "by", json_object_new_string(by ?: ""));
	free(by);
	return part;
}

static int put_part(struct merge *m)
{
	struct json_object *part = merged_part(m), *root;

	if (!part)
		return 0;
	root = json_object_new_object();
	json_object_object_add(root, "part", part);
	return part_out__json(&m->out, DATA_META, root);
}

/* Which files of a series they are, and how the last one ended. */
static void add_series(const struct merge *m, struct json_object *root)
{
	const struct rec_meta *last = &m->input[m->nr - 1].rec->meta;
	struct json_object *series = json_object_new_object(), *notes = json_object_new_array(),
			   *stop;
	u64 from = m->input[0].rec->meta.series_number, to = 0;

	for (u32 i = 0; i < m->nr; i++) {
		const struct rec_meta *meta = &m->input[i].rec->meta;

		if (meta->series_to > to) {
			to = meta->series_to;
			last = meta;
		}
		for (u32 k = 0; k < meta->notes.nr; k++)
			merge__add_text(notes, meta->notes.text[k]);
	}
	json_object_object_add(series, "number", json_object_new_uint64(from));
	json_object_object_add(series, "to", json_object_new_uint64(to));
	json_object_object_add(root, "series", series);
	json_object_object_add(root, "notes", notes);
	if (!last->stop_ns)
		return;
	stop = json_object_new_object();
	json_object_object_add(stop, "time_ns", json_object_new_uint64(last->stop_ns));
	json_object_object_add(stop, "why", json_object_new_string(last->stop_why ?: ""));
	json_object_object_add(root, "stop", stop);
}

/* What only all of them together know. */
static int put_last_meta(struct merge *m, u64 missing_rows)
{
	struct json_object *root = json_object_new_object(), *events = json_object_new_array();

	for (u32 i = 0; i < m->nr; i++)
		for (u32 k = 0; k < m->input[i].rec->meta.events.nr; k++)
			merge__add_text(events, m->input[i].rec->meta.events.text[k]);
	json_object_object_add(root, "events", events);
	if (missing_rows)
		json_object_object_add(root, "missing_rows",
				       json_object_new_int64(missing_rows > INT64_MAX ? INT64_MAX :
							     (s64)missing_rows));
	if (m->of_series)
		add_series(m, root);
	return part_out__json(&m->out, DATA_META, root);
}

/* All but what is said of the part alone. */
static int merge__meta(void *ctx, const struct data_frame *f, const char *text)
{
	static const char *const of_part[] = { "part", "missing_rows", "series", "stop" };
	struct merge *m = ctx;
	u32 nr = m->of_series ? 4 : 2;
	struct json_object *root;
	bool any = false;
	int ret = json_text__parse(&m->out.purse, text, &root);

	if (ret)
		return ret;
	for (u32 i = 0; i < nr; i++)
		any |= json_object_object_get_ex(root, of_part[i], NULL);
	if (!any) {
		json_object_put(root);
		return part_out__copy(&m->out, f);
	}
	for (u32 i = 0; i < nr; i++)
		json_object_object_del(root, of_part[i]);
	return json_object_object_length(root) ? part_out__json(&m->out, DATA_META, root) :
	       json_object_put(root) != 1;
}

/* ---- frames -------------------------------------------------------------------- */

/* What precedes its next frame of EVENTS; that is kept. */
static int merge__advance(struct merge *m, u32 nr)
{
	struct merge_input *in = &m->input[nr];
	struct data_frame *f;
	int ret = 0;

	data_frame__put(in->next);
	in->next = NULL;
	while (!ret && data_reader__next(in->reader, &f) > 0) {
		if (f->type == DATA_EVENTS && part_out__event(in->reader, f)) {
			in->next = f;
			return 0;
		}
		if (f->type == DATA_IDENT)
			ret = part_out__copy(&m->out, f);
		/* All of them have the META of the recorder. */
		else if (f->type == DATA_META && !nr)
			ret = part_out__done(&m->out, f,
					     part_out__text(&m->out, f, merge__meta, m));
		else if (f->type == DATA_LOSS)
			ret = part_out__done(&m->out, f, merge__losses(m, nr, f));
		else if (f->type == DATA_EVENTS || f->type > DATA_END)
			ret = part_out__drop(&m->out, f);
		data_frame__put(f);
	}
	return ret;
}

static int merge__put_frame(struct merge *m, struct merge_input *in)
{
	const struct event_desc *event = event_desc__by_id(in->next->event);

	if (event->id == KVMW_EVENT_MEMSLOT && m->any_beside)
		return part_out__done(&m->out, in->next, merge__slots(m, in - m->input, in->next));
	memset(m->out.keep, 1, in->next->rows);
	return part_out__done(&m->out, in->next,
			      part_out__put_kept(&m->out, in->reader, in->next, event,
						 in->next->rows));
}

/* Of all inputs, the one whose next frame ends first; nr: there is none. */
static u32 first_of(const struct merge *m)
{
	u32 first = m->nr;

	for (u32 i = 0; i < m->nr; i++)
		if (m->input[i].next &&
		    (first == m->nr || m->input[i].next->last_ns < m->input[first].next->last_ns))
			first = i;
	return first;
}

static int merge_frames(struct merge *m)
{
	u32 i;

	for (i = 0; i < m->nr; i++)
		if (merge__advance(m, i))
			return -1;
	while ((i = first_of(m)) < m->nr)
		if (merge__put_frame(m, &m->input[i]) || merge__advance(m, i))
			return -1;
	return 0;
}

int merge__run(struct merge *m)
{
	/* of the parts, and of the recording, which each of them says */
	u64 missing = 0, before = 0;
	bool whole = true;

	keep_sums__init(&m->sums, &m->budget);
	for (u32 i = 0; i < m->nr; i++) {
		whole &= m->input[i].whole;
		missing = sat_add(missing, m->input[i].missing_rows);
		before = m->input[i].rec->meta.missing_rows > before ?
			 m->input[i].rec->meta.missing_rows : before;
	}
	missing = sat_add(missing, before);
	if (part_out__open(&m->out) || put_part(m) || merge__put_tables(m, 1) || merge_frames(m) ||
	    merge__put_tables(m, 2) || merge__put_sums(m) ||
	    put_last_meta(m, sat_add(missing, m->out.dropped_rows)))
		return -1;
	return whole && !m->out.dropped_frames ? data_writer__finish(m->out.writer) : 0;
}

void merge__free(struct merge *m)
{
	for (u32 i = 0; i < m->nr; i++)
		data_frame__put(m->input[i].next);
	part_out__close(&m->out);
	keep_sums__free(&m->sums);
	hash_table__free(&m->seen);
}
