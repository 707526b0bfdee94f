// SPDX-License-Identifier: GPL-2.0
/* kvmw report --json; its members are described in Documentation/kvmw-report.txt. */
#include "util/analysis/kind_counts.h"
#include "util/event_desc.h"
#include "util/render/heatmap.h"
#include "util/render/json.h"
#include "util/render/render.h"
#include "util/render/sparks.h"
#include "util/render/taken_sums.h"
#include "util/render/threads.h"
#include "util/render/views.h"

static void report_json__key(struct json_object *obj, const struct report *rep,
			     const struct report_row *row, u32 i, bool all)
{
	struct key_member member[KEY_MEMBERS];
	const struct sort_key *key = report_options__key(rep->opt, i);
	u32 nr = key->members(key, rep, &row->key[i], row->label[i], member);

	for (u32 k = 0; k < nr; k++) {
		if (member[k].optional && !member[k].text && !all)
			continue;
		if (member[k].is_text)
			json__text(obj, member[k].name, member[k].text);
		else if (member[k].is_signed)
			json_object_object_add(obj, member[k].name,
					       json_object_new_int64(member[k].number));
		else if (member[k].is_address)
			json__address(obj, member[k].name, member[k].number);
		else
			json__ns(obj, member[k].name, member[k].number);
	}
}

static void report_json__histogram(struct json_object *obj, const struct report_row *row)
{
	struct json_object *list = json__array(obj, "histogram"), *item;
	u64 log2[HIST_LOG2];

	hist__log2(&row->span, log2);
	for (u32 i = 0; i < HIST_LOG2; i++) {
		if (!log2[i])
			continue;
		item = json_object_new_object();
		json_object_array_add(list, item);
		json__u64(item, "from_ns", i ? 1ULL << i : 0);
		json__u64(item, "to_ns", i < 63 ? (2ULL << i) - 1 : UINT64_MAX);
		json__u64(item, "count", log2[i]);
	}
}

/* What a row has only where it was chosen. */
static void add_chosen_numbers(struct json_object *obj, const struct report *rep,
			       const struct report_row *row)
{
	for (u32 i = 0; i < rep->opt->nr_columns; i++) {
		const struct report_column_desc *desc = report_column__get(rep->opt->column[i]);
		double rate = report_row__rate(rep, row);

		if (!desc->member || json_object_object_get_ex(obj, desc->member, NULL))
			continue;
		if (rep->opt->column[i] != COLUMN_RATE)
			json__ns(obj, desc->member, desc->measure(row));
		else if (rate < 0)
			json__text(obj, desc->member, NULL);
		else
			json__real(obj, desc->member, rate);
	}
}

static void numbers(struct json_object *obj, const struct report *rep,
		    const struct report_row *row)
{
	json__u64(obj, "count", row->count);
	json__real(obj, "count_percent", row->count_percent);
	json__u64(obj, "unfinished", report_row__unfinished(rep, row));
	json__u64(obj, "recorded", row->recorded);
	/* Which records of a window were lost is not known. */
	json__ns(obj, "lost", row->exact ? row->lost : KVMW_NONE);
	json__bool(obj, "exact", row->exact);
	json__ns(obj, "time_ns", row->time_ns);
	if (row->time_ns == KVMW_NONE)
		json__text(obj, "time_percent", NULL);
	else
		json__real(obj, "time_percent", row->time_percent);
	if (rep->event == KVMW_EVENT_EXIT) {
		json__ns(obj, "cost_ns", row->cost_ns);
		json__real(obj, "cost_percent", row->cost_percent);
	}
	if (event_desc__is_cycle(rep->event)) {
		json__ns(obj, "kvm_ns", row->kvm_ns);
		json__ns(obj, "user_ns", row->user_ns);
		json__ns(obj, "halt_ns", row->halt_ns);
		json__ns(obj, "poll_ns", row->poll_ns);
		json__ns(obj, "wait_ns", row->wait_ns);
		json__ns(obj, "block_ns", row->block_ns);
		json__ns(obj, rep->event == KVMW_EVENT_EXIT ? "guest_ns" : "run_ns", row->gap_ns);
	} else {
		json__u64(obj, "spans", row->done);
	}
	json__ns(obj, "min_ns", row->min_ns);
	json__ns(obj, "mean_ns", row->mean_ns);
	json__ns(obj, "p50_ns", row->p50_ns);
	json__ns(obj, "p90_ns", row->p90_ns);
	json__ns(obj, "p99_ns", row->p99_ns);
	json__ns(obj, "max_ns", row->max_ns);
	/* Last, because the columns of --csv stay where they are. */
	if (event_desc__is_cycle(rep->event))
		json__ns(obj, "throttled_ns", row->throttled_ns);
	add_chosen_numbers(obj, rep, row);
}

void render__report_key_json(struct json_object *obj, const struct report *rep,
			     const struct report_row *row, bool all)
{
	for (u32 k = 0; k < rep->opt->nr_sort; k++)
		report_json__key(obj, rep, row, k, all);
}

struct json_object *render__report_row_json(const struct report *rep, const struct report_row *row,
					    bool all)
{
	struct json_object *obj = json_object_new_object();

	render__report_key_json(obj, rep, row, all);
	numbers(obj, rep, row);
	return obj;
}

static void details(struct json_object *obj, const struct report *rep, const struct report_row *row)
{
	struct json_object *list = json__array(obj, "details"), *item;

	for (u32 i = 0; i < row->nr_details; i++) {
		const struct report_row *detail = &rep->detail[row->details + i];

		item = json_object_new_object();
		json_object_array_add(list, item);
		json__text(item, "detail", detail->label[0]);
		numbers(item, rep, detail);
	}
}

static struct json_object *report_json__make_row(struct json_writer *w, const void *ctx, u32 i)
{
	const struct report *rep = ctx;
	struct json_object *item = render__report_row_json(rep, &rep->row[i], false);

	report_json__histogram(item, &rep->row[i]);
	if (rep->event == KVMW_EVENT_EXIT && rep->opt->details)
		details(item, rep, &rep->row[i]);
	if (rep->row[i].sparks)
		render__sparks_json(item, rep, &rep->row[i]);
	if (rep->opt->heat)
		w->failed |= render__heat_json(item, rep, &rep->row[i]) < 0;
	return item;
}

static int rows(struct json_writer *w, struct json_object *root, const struct report *rep)
{
	struct json_object *item;

	json__list(w, root, "rows", report__visible(rep), report_json__make_row, rep);
	json__u64(root, "rows_hidden", rep->nr_hidden);
	item = json__object(root, "total");
	numbers(item, rep, &rep->total);
	report_json__histogram(item, &rep->total);
	if (rep->total.sparks) {
		render__sparks_json(item, rep, &rep->total);
		render__spark_steps_json(root, rep);
	}
	if (!rep->opt->heat)
		return 0;
	render__heat_steps_json(root, rep);
	return render__heat_json(item, rep, &rep->total);
}

static void whole(struct json_object *root, const struct report *rep)
{
	struct json_object *obj = json__object(root, "whole");
	const struct report_whole *w = &rep->whole;

	json__u64(obj, rep->event == KVMW_EVENT_EXIT ? "guest_ns" : "run_ns", w->guest_ns);
	json__u64(obj, "kvm_ns", w->kvm_ns);
	json__u64(obj, "vmm_ns", w->vmm_ns);
	json__u64(obj, "halt_ns", w->halt_ns);
	json__u64(obj, "poll_ns", w->poll_ns);
	json__u64(obj, "wait_ns", w->wait_ns);
	json__ns(obj, "throttled_ns", w->throttled_ns);
	json__u64(obj, "block_ns", w->block_ns);
	json__u64(obj, "open_ns", w->open_ns);
	json__u64(obj, "unseen_ns", w->unseen_ns);
	json__u64(obj, "gone_ns", w->gone_ns);
	json__u64(obj, "wall_ns", w->wall_ns);
}

static struct json_object *make_vcpu_time(struct json_writer *w, const void *ctx, u32 i)
{
	const struct report *rep = ctx;
	const struct report_vcpu *v = &rep->vcpu[i];
	const struct rec_vcpu *vcpu = recording__vcpu(rep->rec, v->id);
	struct json_object *item = json_object_new_object();

	json__u64(item, "vcpu_id", v->id);
	json__ns(item, "vcpu", !vcpu || vcpu->vcpu < 0 ? KVMW_NONE : (u64)vcpu->vcpu);
	json__ns(item, "tid", vcpu ? vcpu->tid : KVMW_NONE);
	json__text(item, "comm", v->comm);
	json__u64(item, "count", v->count);
	if (rep->event == KVMW_EVENT_EXIT) {
		json__ns(item, "guest_ns", v->guest_ns);
		json__ns(item, "kvm_ns", v->kvm_ns);
	} else {
		json__ns(item, "run_ns", v->guest_ns);
	}
	json__ns(item, "vmm_ns", v->vmm_ns);
	json__ns(item, "halt_ns", v->halt_ns);
	json__ns(item, "poll_ns", v->poll_ns);
	json__ns(item, "wait_ns", v->wait_ns);
	json__ns(item, "throttled_ns", v->throttled_ns);
	json__ns(item, "block_ns", v->block_ns);
	json__u64(item, "open_ns", v->time.open_ns);
	json__u64(item, "unseen_ns", v->time.unseen_ns);
	if (v->time.gone_ns)
		json__u64(item, "gone_for_ns", v->time.gone_ns);
	if (v->time.gaps)
		json__u64(item, "gaps", v->time.gaps);
	json__u64(item, "wall_ns", v->time.wall_ns);
	return item;
}

static void add_findings(struct json_object *root, const struct findings *findings)
{
	struct json_object *list = json__array(root, "findings"), *item, *evidence;

	for (u32 i = 0; i < findings->nr; i++) {
		const struct finding *f = &findings->found[i];

		item = json_object_new_object();
		json_object_array_add(list, item);
		json__text(item, "rule", f->rule);
		json__text(item, "text", f->text);
		json__real(item, "share", f->share);
		evidence = json__object(item, "evidence");
		for (u32 k = 0; k < f->nr_evidence; k++)
			json__real(evidence, f->evidence[k].name, f->evidence[k].value);
		json__text(item, "next", *f->next ? f->next : NULL);
		json__text(item, "command", *f->command ? f->command : NULL);
	}
}

/* What was asked for. */
static void report_json__request(struct json_object *root, const struct report *rep)
{
	const struct recording *rec = rep->rec;
	struct json_object *list, *window;

	json__text(root, "event", event_desc__by_id(rep->event)->name);
	if (rep->opt->tracepoint)
		json__text(root, "tracepoint", rep->opt->tracepoint);
	list = json__array(root, "sort");
	for (u32 i = 0; i < rep->opt->nr_sort; i++)
		json_object_array_add(list, json_object_new_string(
					      sort_key__name(report_options__key(rep->opt, i))));
	json__text(root, "order", report_order__name(rep->opt->order));
	if (rep->opt->reasons.nr) {
		list = json__array(root, "reasons");
		for (u32 i = 0; i < rep->opt->reasons.nr; i++)
			json_object_array_add(list,
					      json_object_new_string(rep->opt->reasons.word[i]));
	}
	if (rep->opt->where)
		json__text(root, "where", rep->opt->where);
	if (rec->window.active && !rep->nr_files) {
		window = json__object(root, "window");
		json__u64(window, "from_ns", rec->window.from);
		json__ns(window, "to_ns", rec->window.to);
	}
}

static void report_json__counts(struct json_object *obj, const struct report *rep)
{
	json__u64(obj, "recorded", rep->recorded);
	json__u64(obj, "lost", rep->lost);
	json__u64(obj, "unfinished", rep->unfinished);
	json__u64(obj, "not_wanted", rep->filtered);
}

/* Rows, and where all vCPUs' time went. 0, or -1 out of memory. */
static int tables(struct json_writer *w, struct json_object *root, const struct report *rep)
{
	if (rows(w, root, rep))
		return -1;
	json__list(w, root, "vcpu_time", rep->nr_vcpus, make_vcpu_time, rep);
	if (rep->nr_vcpus)
		whole(root, rep);
	return 0;
}

/* What is of one recording. 0, or -1 out of memory. */
static int views(struct json_writer *w, struct json_object *obj, const struct report *rep,
		 const void *model)
{
	const struct report_view *view = report_view__find(rep);

	render__idle_vcpus_json(w, obj, rep);
	if (rep->taken)
		render__taken_sums_json(obj, rep);
	return view && view->json(obj, rep, model) ? -1 : 0;
}

static void add_kinds(struct json_object *root, const struct kind_counts *kinds)
{
	struct json_object *list = json__array(root, "kinds");

	for (u32 i = 0; i < kinds->nr; i++) {
		const struct kind_count *k = &kinds->each[i];
		const struct event_desc *event = event_desc__by_id(k->key.event);
		const struct kind_desc *kind = event_desc__kind(event, k->key.kind);
		struct json_object *o = json_object_new_object();

		json_object_array_add(list, o);
		json__text(o, "event", event->name);
		json__text(o, "kind", kind ? kind->name : NULL);
		json__u64(o, "count", k->count);
		json__u64(o, "ended", k->done);
		json__u64(o, "time_ns", k->span_ns);
	}
}

int render__report_json(const struct screen *s, const struct report *rep,
			const struct findings *findings, const void *model)
{
	struct json_writer w = { .out = s->out };
	struct json_object *root;

	if (json__expect())
		return -1;
	root = json_object_new_object();
	json__schema(root);
	json__text(root, "file", rep->rec->path);
	json__recording(&w, json__object(root, "recording"), rep->rec);
	report_json__request(root, rep);
	report_json__counts(root, rep);
	if (findings)
		add_findings(root, findings);
	if (tables(&w, root, rep)) {
		json_object_put(root);
		return -1;
	}
	if (rep->kinds)
		add_kinds(root, rep->kinds);
	if (views(&w, root, rep, model)) {
		json_object_put(root);
		return -1;
	}
	json__text(root, "empty", *rep->empty ? rep->empty : NULL);
	return json__write(&w, root);
}

int render__files_json(const struct screen *s, const struct report *rep,
		       const struct report_file *file)
{
	struct json_writer w = { .out = s->out };
	struct json_object *root, *list, *item;

	if (json__expect())
		return -1;
	root = json_object_new_object();
	json__schema(root);
	list = json__array(root, "files");
	for (u32 i = 0; i < rep->nr_files; i++) {
		item = json_object_new_object();
		json_object_array_add(list, item);
		json__text(item, "file", file[i].rep->rec->path);
		json__recording(&w, json__object(item, "recording"), file[i].rep->rec);
		report_json__counts(item, file[i].rep);
		if (file[i].findings)
			add_findings(item, file[i].findings);
		if (views(&w, item, file[i].rep, file[i].model)) {
			json_object_put(root);
			return -1;
		}
	}
	json__identities(&w, root, rep->rec);
	json__u64(root, "covered_ns", recording__covered(rep->rec));
	report_json__request(root, rep);
	report_json__counts(root, rep);
	if (tables(&w, root, rep)) {
		json_object_put(root);
		return -1;
	}
	json__text(root, "empty", *rep->empty ? rep->empty : NULL);
	return json__write(&w, root);
}
