// SPDX-License-Identifier: GPL-2.0
/* kvmw script: the selected rows, with what is known about them. */
#include <stdlib.h>
#include <string.h>

#include "util/analysis/script_internal.h"
#include "util/analysis/where.h"
#include "util/arch/access.h"
#include "util/array.h"
#include "util/cpus.h"
#include "util/recording/timeline.h"

bool event_view__is_stack(const struct event_view *view, const struct field_view *field)
{
	return view->event->id == KVMW_EVENT_STACK &&
	       (!strcmp(field->desc->name, "kernel") || !strcmp(field->desc->name, "user"));
}

const struct rec_stack *script_row__stack(const struct script_model *m,
					  const struct script_row *row,
					  const struct field_view *field)
{
	u64 id;

	if (!event_view__is_stack(row->view, field))
		return NULL;
	id = script_row__get(row, field->field);
	return id > UINT32_MAX ? NULL : recording__stack(m->rec, id);
}

static bool kind_wanted(const struct event_view *v, u64 kind)
{
	for (u32 i = 0; !v->all_kinds && i < v->nr_kinds; i++)
		if (v->kinds[i] == kind)
			return true;
	return v->all_kinds;
}

static void ask_who(const struct script *sc, u32 id, struct script_known_who *known)
{
	const struct recording *rec = sc->model.rec;
	const struct script_options *opt = sc->opt;
	struct script_who *who = &known->who;

	known->known = true;
	known->as_of = rec->frames[DATA_IDENT].frames;
	who->id = id;
	who->entry = recording__vcpu(rec, id);
	who->vm = who->entry ? recording__vm(rec, who->entry->vm) : NULL;
	known->wanted = (!opt->vcpus.nr || (who->entry && rec_vcpu__is_vcpu(who->entry) &&
					    who->entry->vcpu >= 0 &&
					    number_list__has(&opt->vcpus, who->entry->vcpu))) &&
			(who->vm ? rec_vm__is_on(who->vm, &opt->pids) : !opt->pids.nr);
}

static struct script_known_who *find_who(struct script *sc, u32 id)
{
	struct script_known_who *known = &sc->known_who[id % SCRIPT_WHOS];

	if (!known->known || known->who.id != id ||
	    known->as_of != sc->model.rec->frames[DATA_IDENT].frames)
		ask_who(sc, id, known);
	return known;
}

static const char *comm_of(const struct script *sc, const struct script_who *who, u64 tid)
{
	const struct rec_task *task;

	if (who->entry && who->entry->tid == tid && *who->entry->comm)
		return who->entry->comm;
	task = tid > UINT32_MAX ? NULL : recording__task(sc->model.rec, tid);
	return task && *task->comm ? task->comm : NULL;
}

static inline __attribute__((always_inline)) u64 get(const struct script_row *row, int field)
{
	u64 value = field < 0 ? KVMW_NONE : script_row__get(row, field);

	if (field >= 0 && field__none(&row->view->event->fields[field], value))
		return KVMW_NONE;
	return value;
}

static bool reason_wanted(struct script *sc, const struct script_row *row)
{
	const struct event_view *v = row->view;
	u64 isa, reason, key;
	typeof(&sc->reason[0]) memo;

	if (!sc->opt->reasons.nr)
		return true;
	if (v->reason < 0)
		return false;
	isa = get(row, v->isa);
	reason = get(row, v->reason);
	if (isa == KVMW_NONE || reason == KVMW_NONE)
		return false;
	key = isa << 32 ^ reason;
	memo = &sc->reason[(reason ^ isa << 4) % SCRIPT_REASONS];
	if (!memo->known || memo->key != key) {
		memo->known = true;
		memo->key = key;
		memo->wanted = reason_list__has(&sc->opt->reasons, isa, reason);
	}
	return memo->wanted;
}

/* How long it took; of a cycle without an end, until the recording ended. All ones: unknown. */
static u64 length_of(const struct script *sc, const struct script_row *row)
{
	u64 span = get(row, row->view->span), end = sc->model.rec->meta.stop_ns;
	u64 time_ns = slice__time(row->slice, row->i);

	if (span != KVMW_NONE || !event_desc__is_cycle(row->view->event->id))
		return span;
	return end > time_ns ? end - time_ns : KVMW_NONE;
}

static bool long_enough(const struct script *sc, const struct script_row *row)
{
	u64 length;

	if (!sc->opt->min_ns)
		return true;
	length = length_of(sc, row);
	return length != KVMW_NONE && length >= sc->opt->min_ns;
}

static void take_raw(struct script *sc, struct script_row *row)
{
	const struct data_event *event = row->view->event;
	int size = data_event__field(event, "size"), first = data_event__field(event, "w0");
	u64 bytes = size < 0 ? 0 : script_row__get(row, size), word = 0;
	const struct tracepoint *tp = tracepoints__find(sc->tps, row->kind);

	row->kind_name = tp ? tp->name : NULL;
	row->raw_size = bytes > TRACEPOINT_BYTES ? TRACEPOINT_BYTES : bytes;
	/* A record begins with zeros: all ones are none. */
	if (first < 0 || event->nr_fields - first < KVMW_RAW_WORDS ||
	    script_row__get(row, first) == KVMW_NONE) {
		row->raw_size = 0;
		return;
	}
	for (u32 i = 0; i < row->raw_size; i++) {
		word = i % 8 ? word >> 8 : script_row__get(row, first + i / 8);
		row->raw[i] = word;
	}
	row->tp = tp;
}

/* Fills in what is known about a row; false: it is not selected. */
static bool take_row(struct script *sc, struct script_row *row)
{
	const struct event_view *v = row->view;
	u64 id = v->vcpu < 0 ? KVMW_NONE : script_row__get(row, v->vcpu);
	const struct script_known_who *known;

	row->kind = get(row, v->kind);
	if (!kind_wanted(v, row->kind) || !reason_wanted(sc, row) || !long_enough(sc, row))
		return false;
	known = find_who(sc, id);
	if (!known->wanted)
		return false;
	row->who = &known->who;
	row->time_ns = slice__time(row->slice, row->i);
	row->cpu = get(row, v->cpu);
	row->tid = get(row, v->tid);
	if (v->tid < 0)
		row->tid = rec_vcpu__tid(row->who->entry);
	row->comm = comm_of(sc, row->who, row->tid);
	row->kind_name = NULL;
	if (v->event->id == KVMW_EVENT_RAW)
		take_raw(sc, row);
	else if (row->kind != KVMW_NONE)
		row->kind_name = data_event__kind(v->event, row->kind);
	return true;
}

static int script__wants(void *ctx, const struct data_reader *r, const struct data_frame *f)
{
	const struct data_event *event = data_reader__event(r, f->event);
	struct script *sc = ctx;

	if (!sc->resolved && script__resolve(sc, r))
		return -1;
	if (!event || event->id >= KVMW_MAX_EVENTS || !sc->model.view[event->id].wanted)
		return 0;
	return script__view(sc, event) ? 1 : -1;
}

static int script__begin(struct script *sc)
{
	if (sc->begun)
		return 0;
	sc->begun = true;
	sc->tps = tracepoints__new(sc->model.rec, sc->opt->texts);
	return sc->tps ? sc->output->begin(sc->output->ctx, &sc->model) : -1;
}

/* 0; 1: enough; -1 */
static int give_row(struct script *sc, struct script_row *row)
{
	int ret = sc->output->row(sc->output->ctx, &sc->model, row);

	return ++sc->result->printed == sc->opt->max_events || ret ? ret ?: 1 : 0;
}

/* Of a cycle without an end nobody knows how long it took, once another one follows. */
static void see_next_cycle(struct script *sc, const struct script_row *row)
{
	const struct event_view *v = row->view;
	struct script_unended key = { .key = { .event = v->event->id } }, *u;

	if (!sc->nr_unended || !event_desc__is_cycle(v->event->id))
		return;
	key.key.vcpu = get(row, v->vcpu);
	u = hash_table__find(&sc->unended, &key.key);
	if (u && u->row) {
		free(u->row);
		u->row = NULL;
		sc->nr_unended--;
	}
}

static int keep_unended(struct script *sc, const struct script_row *row)
{
	const struct event_view *v = row->view;
	struct script_unended key = { .key = { .event = v->event->id, .vcpu = get(row, v->vcpu) } },
			      *u;
	bool full;

	/* A guest that sleeps is waiting for nobody. */
	if (v->event->id == KVMW_EVENT_EXIT &&
	    exit_class(get(row, v->isa), get(row, v->reason)) == EXIT_HALT)
		return 0;
	u = hash_table__get_limited(&sc->unended, &key.key, OUTLIERS_MAX, &full);
	if (!u)
		return full ? 0 : -1;
	u->order = sc->offered++;
	u->row = slice__copy(row->slice, row->i);
	sc->nr_unended++;
	return u->row ? 0 : -1;
}

static int keep_row(struct script *sc, const struct script_row *row)
{
	u64 span = get(row, row->view->span);
	struct outlier o = {
		.length =
			outlier__length(span, get(row, row->view->halt), get(row, row->view->poll)),
		.order = sc->offered,
	};

	if (span == KVMW_NONE)
		return event_desc__is_cycle(row->view->event->id) ? keep_unended(sc, row) : 0;
	sc->offered++;
	if (!outliers__takes(&sc->outliers, sc->opt->outliers, o.length, o.order))
		return 0;
	o.row = slice__copy(row->slice, row->i);
	return o.row ? outliers__add(&sc->outliers, sc->opt->outliers, o) : -1;
}

/* Those that are the last ones of their vCPUs lasted until it was gone or the recording ended. */
static int add_unended(struct script *sc)
{
	const struct recording *rec = sc->model.rec;
	u64 end = recording__end(rec);

	/* What follows is not read. */
	if (rec->window.active && rec->window.to < end)
		return 0;
	for (u32 i = 0; i < sc->unended.nr; i++) {
		struct script_unended *u = hash_table__at(&sc->unended, i);
		const struct rec_vcpu *vcpu = recording__vcpu(rec, u->key.vcpu);
		u64 time_ns = u->row ? slice__time(u->row, 0) : 0,
		    end_ns = vcpu && vcpu->gone_ns ? vcpu->gone_ns : end;
		struct outlier o = { .length = end_ns - time_ns, .order = u->order, .row = u->row };

		if (!u->row || end_ns <= time_ns ||
		    !outliers__takes(&sc->outliers, sc->opt->outliers, o.length, o.order))
			continue;
		u->row = NULL;
		if (outliers__add(&sc->outliers, sc->opt->outliers, o))
			return -1;
	}
	return 0;
}

/* keep: for which of the rows --where is true. */
static void apply_where(struct script *sc, const struct slice *s, u32 from, u32 nr, u8 *keep)
{
	const struct row_filter *f = sc->opt->where ? where__filter(sc->opt->where) : NULL;
	const char *const *name = f ? f->columns(f, s->event->id) : NULL;
	u64 *col[ROW_FILTER_COLUMNS];

	memset(keep, !f, nr);
	for (u32 i = 0; name && name[i]; i++) {
		int field = data_event__field(s->event, name[i]);

		col[i] = sc->asked[i];
		for (u32 k = 0; k < nr; k++)
			col[i][k] = field < 0 ? KVMW_NONE : slice__get(s, field, from + k);
	}
	if (name)
		f->rows(f, sc->model.rec, sc->model.rec->meta.start_ns, s->event, col, nr, keep);
}

int script__give(struct script *sc, const struct slice *s, u32 from, u32 to)
{
	struct script_row row;
	u8 keep[SCRIPT_BLOCK];
	int ret = 0;

	/* Not all of it: the room for raw records is large. */
	row.view = &sc->model.view[s->event->id];
	row.slice = s;
	row.tp = NULL;
	row.raw_size = 0;
	for (row.i = from; !ret && row.i < to; row.i++) {
		u32 at = (row.i - from) % SCRIPT_BLOCK, rest = to - row.i;

		if (!at)
			apply_where(sc, s, row.i, rest < SCRIPT_BLOCK ? rest : SCRIPT_BLOCK, keep);
		see_next_cycle(sc, &row);
		if (keep[at] && take_row(sc, &row))
			ret = sc->opt->outliers ? keep_row(sc, &row) : give_row(sc, &row);
	}
	return ret;
}

/* Whether a row is printed the same whoever else prints now; what reads a raw record remembers. */
static bool can_share(const struct script *sc)
{
	const struct script_model *m = &sc->model;

	return cpus__workers(2) > 1 && !sc->opt->stream && !sc->opt->outliers &&
	       !sc->opt->max_events && sc->output->branch &&
	       !(m->view[KVMW_EVENT_RAW].wanted && m->rec->event_rows[KVMW_EVENT_RAW]);
}

static int script__rows(void *ctx, struct slice *s, u32 from, u32 to)
{
	struct script *sc = ctx;
	bool first = !sc->begun;

	if (script__begin(sc))
		return -1;
	if (first && can_share(sc)) {
		sc->jobs = script_jobs__new(sc);
		if (!sc->jobs)
			return -1;
	}
	return sc->jobs ? script_jobs__add(sc->jobs, s, from, to) : script__give(sc, s, from, to);
}

/* 0; 1: enough */
static int give_outliers(struct script *sc)
{
	struct script_row row;
	int ret = add_unended(sc);

	outliers__sort(&sc->outliers);
	row.i = 0;
	for (u32 i = 0; !ret && i < sc->outliers.nr; i++) {
		row.tp = NULL;
		row.raw_size = 0;
		row.slice = sc->outliers.list[i].row;
		row.view = &sc->model.view[row.slice->event->id];
		if (take_row(sc, &row))
			ret = give_row(sc, &row);
	}
	return ret;
}

static int script__pause(void *ctx)
{
	struct script *sc = ctx;

	return sc->output->pause(sc->output->ctx);
}

/* What there was, of all events and of the selected ones. */
static void script__count(const struct script *sc, struct script_result *result)
{
	const struct recording *rec = sc->model.rec;
	u64 wanted = 0;

	for (u32 id = 0; id < KVMW_MAX_EVENTS; id++) {
		result->rows += rec->event_rows[id];
		if (!sc->model.view[id].wanted)
			continue;
		wanted += rec->event_rows[id];
		result->lost += rec->window.active ? rec->lost_window[id] : rec->lost[id];
	}
	result->none_of_them = sc->resolved && !wanted;
}

static void script__free(struct script *sc)
{
	/* Its threads look at all that follows. */
	script_jobs__free(sc->jobs);
	for (u32 i = 0; i < KVMW_MAX_EVENTS; i++) {
		free(sc->model.view[i].field);
		array__free(sc->model.view[i].kinds, sc->model.view[i].room_kinds, NULL);
	}
	tracepoints__free(sc->tps);
	outliers__free(&sc->outliers);
	for (u32 i = 0; i < sc->unended.nr; i++)
		free(((struct script_unended *)hash_table__at(&sc->unended, i))->row);
	hash_table__free(&sc->unended);
	free(sc);
}

int script__read(struct recording *rec, struct data_reader *r, const struct script_options *opt,
		 const struct script_output *output, struct script_result *result)
{
	struct script *sc = mem__calloc(1, sizeof(*sc));
	struct timeline timeline = {
		.rec = rec,
		.stream = opt->stream,
		.ctx = sc,
		.wants = script__wants,
		.rows = script__rows,
		.pause = script__pause,
	};
	int ret, finished;

	memset(result, 0, sizeof(*result));
	if (!sc)
		return -1;
	sc->unended = HASH_TABLE(struct script_unended, NULL);
	sc->model.rec = rec;
	sc->model.regions = opt->regions;
	sc->opt = opt;
	sc->output = output;
	sc->result = result;
	ret = timeline__read(&timeline, r);
	/* What precedes a failure is printed. */
	finished = ret <= 0 && sc->jobs ? script_jobs__finish(sc->jobs) : 0;
	if (finished)
		ret = finished;
	if (!ret && opt->outliers)
		ret = give_outliers(sc);
	result->enough = ret > 0;
	if (ret >= 0)
		ret = sc->resolved && script__begin(sc) ? -1 : 0;
	script__count(sc, result);
	script__free(sc);
	return ret;
}
