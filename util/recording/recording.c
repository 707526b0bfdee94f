// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/recording/recording.h"
#include "util/error.h"
#include "util/array.h"

#define MAX_DAMAGE	4096		/* entries kept; more are only counted */

struct recording *recording__new(const char *path)
{
	struct recording *rec = calloc(1, sizeof(*rec));

	if (!rec) {
		out_of_memory();
		return NULL;
	}
	rec->path = path;
	json_purse__earn(&rec->json, 0);
	rec->symbols = guest_symbols__new();
	if (rec->symbols)
		return rec;
	free(rec);
	return NULL;
}

void recording__draw_from(struct recording *rec, struct budget *budget)
{
	struct rec_table *const kept[] = { &rec->threads, &rec->cgroups, &rec->host, &rec->slots,
					   &rec->vm_configs, &rec->vcpu_configs,
					   &rec->vm_memories };

	rec->budget = budget;
	agg_table__init(&rec->totals, budget);
	rec->holders.table = HASH_TABLE(struct rec_holder, budget);
	rec->takens.table = HASH_TABLE(struct rec_taken, budget);
	rec->memslots.table = HASH_TABLE(struct memslot, budget);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		kept[i]->budget = budget;
}

void recording__free(struct recording *rec)
{
	if (!rec)
		return;
	recording__free_meta(rec);
	recording__free_identity(rec);
	guest_symbols__free(rec->symbols);
	columns__free(&rec->columns);
	agg_table__free(&rec->totals);
	rec_holders__free(&rec->holders);
	rec_takens__free(&rec->takens);
	rec_table__free(&rec->threads);
	rec_table__free(&rec->cgroups);
	rec_table__free(&rec->host);
	rec_table__free(&rec->slots);
	rec_table__free(&rec->vm_configs);
	rec_table__free(&rec->vcpu_configs);
	rec_table__free(&rec->vm_memories);
	memslots__free(&rec->memslots);
	for (size_t i = 0; i < ARRAY_SIZE(rec->kinds); i++)
		free(rec->kinds[i].kind);
	array__free(rec->loss, rec->loss_room, rec->budget);
	free(rec->damage);
	free(rec);
}

static int add_damage(struct recording *rec, const struct data_damage *damage)
{
	if (rec->nr_damage == MAX_DAMAGE)
		return 0;
	if (array__reserve(rec->damage, rec->nr_damage, rec->damage_room, NULL))
		return -1;
	rec->damage[rec->nr_damage++] = *damage;
	return 0;
}

int recording__damaged(struct recording *rec, const struct data_frame *f, u64 rows,
		       const char *what)
{
	struct data_damage damage = { .offset = f->offset, .bytes = f->size };

	snprintf(damage.what, sizeof(damage.what), "%s", what);
	rec->missing_rows = sat_add(rec->missing_rows, rows);
	return add_damage(rec, &damage);
}

enum { TOTAL_VCPU, TOTAL_EVENT, TOTAL_ISA, TOTAL_REASON, TOTAL_COUNT, TOTAL_DONE, TOTAL_LOST,
       TOTAL_GAP, TOTAL_SPAN, TOTAL_USER, TOTAL_HALT, TOTAL_POLL, TOTAL_WAIT, TOTAL_BLOCK,
       TOTAL_LEFT_OUT, TOTAL_THROTTLED };

static struct kvmw_total total_of(u64 *const *col, u32 i)
{
	return (struct kvmw_total) {
		.count = col[TOTAL_COUNT][i], .done = col[TOTAL_DONE][i],
		.lost = col[TOTAL_LOST][i], .gap_ns = col[TOTAL_GAP][i],
		.span_ns = col[TOTAL_SPAN][i], .user_ns = col[TOTAL_USER][i],
		.halt_ns = col[TOTAL_HALT][i], .poll_ns = col[TOTAL_POLL][i],
		.wait_ns = col[TOTAL_WAIT][i], .block_ns = col[TOTAL_BLOCK][i],
		/* Older recorders, which lack this column, did not filter. */
		.left_out = col[TOTAL_LEFT_OUT][i] == KVMW_NONE ? 0 : col[TOTAL_LEFT_OUT][i],
		.throttled_ns = col[TOTAL_THROTTLED][i],
	};
}

/* Totals are cumulative, so the last row of each key wins. */
static int take_totals(struct recording *rec, const struct columns *c, u32 rows)
{
	for (u32 i = 0; i < rows; i++) {
		struct agg_key key = {
			.vcpu = c->col[TOTAL_VCPU][i], .event = c->col[TOTAL_EVENT][i],
			.isa = c->col[TOTAL_ISA][i], .reason = c->col[TOTAL_REASON][i],
		};
		struct agg *agg;

		if (c->col[TOTAL_EVENT][i] > UINT16_MAX)
			continue;
		if (agg_table__get(&rec->totals, &key, &agg))
			return -1;
		if (!agg) {
			rec->totals.over_limit++;
			continue;
		}
		agg->has_total = true;
		agg->total = total_of(c->col, i);
	}
	return 0;
}

static int take_holders(struct recording *rec, const struct columns *c, u32 rows)
{
	for (u32 i = 0; i < rows; i++)
		if (rec_holders__take(&rec->holders, c->col, i))
			return -1;
	return 0;
}

static int take_takens(struct recording *rec, const struct columns *c, u32 rows)
{
	for (u32 i = 0; i < rows; i++)
		if (rec_takens__take(&rec->takens, c->col, i))
			return -1;
	return 0;
}

/* 0; 1: it does not fit into the budget; -1 */
static int keep_loss(struct recording *rec, const struct columns *c, u32 i)
{
	int ret = array__reserve_within(rec->loss, rec->nr_losses, rec->loss_room, rec->budget);

	if (!ret)
		rec->loss[rec->nr_losses++] = (struct rec_loss) {
			.event = c->col[0][i], .count = c->col[1][i], .first_ns = c->col[2][i],
			.last_ns = c->col[3][i], .vcpu = c->col[4][i],
		};
	return ret;
}

static int take_loss(struct recording *rec, const struct columns *c, u32 rows)
{
	for (u32 i = 0; i < rows; i++) {
		u64 event = c->col[0][i], count = c->col[1][i];
		u64 first = c->col[2][i], last = c->col[3][i];

		if (event >= ARRAY_SIZE(rec->lost))
			continue;
		rec->lost[event] = sat_add(rec->lost[event], count);
		/* If a span overlaps the window, it is unknown how many lie inside. */
		if (first <= rec->window.to && last >= rec->window.from)
			rec->lost_window[event] = sat_add(rec->lost_window[event], count);
		if (rec->wants_losses && keep_loss(rec, c, i) < 0)
			return -1;
	}
	return 0;
}

static int take_cost(struct recording *rec, const struct columns *c, u32 rows)
{
	if (!rows)
		return 0;
	rec->has_cost = true;
	rec->cost = (struct kvmw_cost) {
		.time_ns = c->col[0][rows - 1], .bpf_ns = c->col[1][rows - 1],
		.bpf_events = c->col[2][rows - 1], .cpu_ns = c->col[3][rows - 1],
		.events = c->col[4][rows - 1], .bytes = c->col[5][rows - 1],
	};
	return 0;
}

static const struct row_table {
	u32 event;
	const char *names[COLUMNS_MAX];
	int (*take)(struct recording *rec, const struct columns *c, u32 rows);
} row_tables[] = {
	{ KVMW_EVENT_TOTAL, { "vcpu", "event", "isa", "reason", "count", "done", "lost", "gap_ns",
			      "span_ns", "user_ns", "halt_ns", "poll_ns", "wait_ns", "block_ns",
			      "left_out", "throttled_ns" },
	  take_totals },
	{ KVMW_EVENT_HOLDER, { REC_HOLDER_COLUMNS }, take_holders },
	{ KVMW_EVENT_TAKEN, { REC_TAKEN_COLUMNS }, take_takens },
	{ KVMW_EVENT_LOSS, { "event", "count", "first_ns", "last_ns", "vcpu" }, take_loss },
	{ KVMW_EVENT_COST, { "time_ns", "bpf_ns", "bpf_events", "cpu_ns", "events", "bytes" },
	  take_cost },
};

/* Tables that are kept as they are. */
static struct rec_table *kept_table(struct recording *rec, u32 event)
{
	switch (event) {
	case KVMW_EVENT_THREAD:
		return &rec->threads;
	case KVMW_EVENT_CGROUP:
		return &rec->cgroups;
	case KVMW_EVENT_HOST:
		return &rec->host;
	case KVMW_EVENT_SLOT:
		return &rec->slots;
	case KVMW_EVENT_VM_CONFIG:
		return &rec->vm_configs;
	case KVMW_EVENT_VCPU_CONFIG:
		return &rec->vcpu_configs;
	case KVMW_EVENT_VM_MEMORY:
		return &rec->vm_memories;
	default:
		return NULL;
	}
}

static int read_columns(struct recording *rec, const struct data_reader *r,
			const struct data_frame *f, const char *const *names, const char **why)
{
	return columns__read(&rec->columns, data_reader__decoder(r),
			     data_reader__event(r, f->event), f, names, why);
}

static const struct row_table *row_table_of(u32 event)
{
	for (size_t i = 0; i < ARRAY_SIZE(row_tables); i++)
		if (row_tables[i].event == event)
			return &row_tables[i];
	return NULL;
}

int recording__take_rows(struct recording *rec, const struct event_desc *event, const void *rows,
			 u32 nr)
{
	struct rec_table *kept = kept_table(rec, event->id);
	const struct row_table *table = row_table_of(event->id);
	const char *names[COLUMNS_MAX];
	int ret;

	if (!kept && !table)
		return 0;
	if (kept)
		rec_table__columns(event, names);
	ret = columns__of_rows(&rec->columns, event, rows, nr, kept ? names : table->names);
	if (ret || !kept)
		return ret ?: table->take(rec, &rec->columns, nr);
	for (u32 i = 0; !ret && i < nr; i++)
		ret = rec_table__take(kept, event, rec->columns.col, i);
	return ret;
}

static int keep_rows(struct recording *rec, struct rec_table *table, const struct data_reader *r,
		     const struct data_frame *f)
{
	const struct event_desc *event = event_desc__by_id(f->event);
	const char *names[COLUMNS_MAX], *why;
	int ret;

	rec_table__columns(event, names);
	ret = read_columns(rec, r, f, names, &why);
	for (u32 i = 0; !ret && i < f->rows; i++)
		ret = rec_table__take(table, event, rec->columns.col, i);
	if (ret > 0)
		ret = recording__damaged(rec, f, 0, why);
	return ret;
}

static int take_rows(struct recording *rec, const struct data_reader *r,
		     const struct data_frame *f)
{
	const struct row_table *table = row_table_of(f->event);
	const char *why;
	int ret;

	if (kept_table(rec, f->event))
		return keep_rows(rec, kept_table(rec, f->event), r, f);
	if (!table)
		return 0;	/* from a newer version */
	ret = read_columns(rec, r, f, table->names, &why);
	if (!ret)
		ret = table->take(rec, &rec->columns, f->rows);
	else if (ret > 0)
		ret = recording__damaged(rec, f, 0, why);
	return ret;
}

static int take_memslots(struct recording *rec, const struct data_reader *r,
			 const struct data_frame *f)
{
	const char *why;
	int ret;

	ret = read_columns(rec, r, f, memslot_columns, &why);
	for (u32 i = 0; !ret && i < f->rows; i++)
		if (time_window__has(&rec->window, rec->columns.col[MEMSLOT_TIME][i]))
			ret = memslots__take(&rec->memslots, rec->columns.col, i);
	if (ret > 0)
		ret = recording__damaged(rec, f, f->rows, why);
	return ret;
}

static int take_json(struct recording *rec, const struct data_reader *r, const struct data_frame *f)
{
	bool meta = f->type == DATA_META;
	u32 bytes = data_frame__json_bytes(f);
	char *json = NULL, why[64];
	int ret;

	json_purse__earn(&rec->json, f->offset + f->size);
	ret = meta && bytes > JSON_TEXT_MAX ? JSON_TOO_MUCH :
	      json_purse__pay_text(&rec->json, bytes);
	ret = ret ?: data_decoder__json(data_reader__decoder(r), f, &json);
	if (!ret)
		ret = meta ? recording__meta(rec, json) : recording__ident(rec, json);
	free(json);
	if (ret <= 0)
		return ret;
	snprintf(why, sizeof(why), "%s frame %s", meta ? "META" : "IDENT", ret == JSON_BAD ?
		 "is not valid JSON" : "has more JSON than kvmw reads");
	return recording__damaged(rec, f, 0, why);
}

static void count_events(struct recording *rec, const struct data_frame *f)
{
	if (f->event < ARRAY_SIZE(rec->event_rows))
		rec->event_rows[f->event] += f->rows;
	if (!f->rows)
		return;
	if (!rec->first_ns || f->first_ns < rec->first_ns)
		rec->first_ns = f->first_ns;
	if (f->last_ns > rec->last_ns)
		rec->last_ns = f->last_ns;
}

/* The window is relative to the start, which is known before the first row is read. */
static void resolve_window(struct recording *rec, const struct data_frame *f)
{
	const struct rec_meta *m = &rec->meta;
	const struct time_anchor anchor = {
		.start_ns = m->start_ns ?: f->first_ns, .has_clock = m->has_clock,
		.monotonic_ns = m->monotonic_ns, .realtime_ns = m->realtime_ns,
	};

	bool of_rows = f->type == DATA_EVENTS || f->type == DATA_LOSS;

	if (m->start_ns || of_rows) {
		time_window__resolve(&rec->window, &anchor);
		/* Rows are read by several threads: they all see the same window. */
		if (m->part && !rec->has_rows)
			time_window__clip(&rec->window, &anchor, m->part_from_ns, m->part_to_ns);
	}
	rec->has_rows |= of_rows;
}

int recording__take(struct recording *rec, const struct data_reader *r,
		    const struct data_frame *f)
{
	struct rec_frames *frames = &rec->frames[f->type < REC_FRAME_TYPES ? f->type : 0];
	int ret = 0;

	budget__read(rec->budget, data_reader__bytes(r));
	frames->frames++;
	frames->rows += f->rows;
	frames->bytes += f->size;
	switch (f->type) {
	case DATA_META:
	case DATA_IDENT:
		ret = take_json(rec, r, f);
		break;
	case DATA_EVENTS:
		count_events(rec, f);
		resolve_window(rec, f);
		if (f->event == KVMW_EVENT_MEMSLOT && rec->wants_memslots)
			ret = take_memslots(rec, r, f);
		break;
	case DATA_STATS:
	case DATA_LOSS:
		resolve_window(rec, f);
		return take_rows(rec, r, f);
	default:
		break;
	}
	resolve_window(rec, f);
	return ret;
}

static int by_offset(const void *a, const void *b)
{
	const struct data_damage *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Copies the names of kinds: they are needed after the reader is closed. */
static int keep_kinds(struct recording *rec, const struct data_reader *r)
{
	for (u32 id = 0; id < ARRAY_SIZE(rec->kinds); id++) {
		const struct data_event *event = data_reader__event(r, id);
		struct rec_kinds *k = &rec->kinds[id];

		if (!event || !event->nr_kinds || k->kind)
			continue;
		k->kind = calloc(event->nr_kinds, sizeof(*k->kind));
		if (!k->kind)
			return out_of_memory();
		k->nr = event->nr_kinds;
		memcpy(k->kind, event->kinds, k->nr * sizeof(*k->kind));
		for (u32 i = 0; i < k->nr; i++)
			for (char *c = k->kind[i].name; *c; c++)
				if (*c <= ' ' || *c > '~')
					*c = '?';
	}
	return 0;
}

const char *recording__kind(const struct recording *rec, u32 event, u32 kind)
{
	const struct rec_tracepoint *tp;

	if (event == KVMW_EVENT_RAW) {
		tp = recording__tracepoint(rec, kind);
		return tp && *tp->name ? tp->name : NULL;
	}
	for (u32 i = 0; event < ARRAY_SIZE(rec->kinds) && i < rec->kinds[event].nr; i++)
		if (rec->kinds[event].kind[i].number == kind)
			return rec->kinds[event].kind[i].name;
	return NULL;
}

int recording__close_reader(struct recording *rec, struct data_reader *r, bool failed)
{
	const struct data_damage *damage;
	size_t nr;
	int ret = 0;

	damage = data_reader__damage(r, &nr);
	for (size_t i = 0; !ret && i < nr; i++)
		ret = add_damage(rec, &damage[i]);
	if (ret || failed || keep_kinds(rec, r) || recording__same_stacks(rec) ||
	    (rec->wants_memslots && memslots__take_first(rec)))
		ret = -1;
	if (rec->nr_damage)
		qsort(rec->damage, rec->nr_damage, sizeof(*rec->damage), by_offset);
	rec->missing_rows = sat_add(rec->missing_rows, data_reader__missing_rows(r));
	rec->missing_rows = sat_add(rec->missing_rows, rec->meta.missing_rows);
	rec->finished = data_reader__finished(r);
	rec->bytes = data_reader__bytes(r);
	data_reader__close(r);
	columns__free(&rec->columns);
	budget__end(rec->budget);
	return ret;
}

bool recording__incomplete(const struct recording *rec)
{
	return !rec->finished || rec->read_error || rec->nr_damage || rec->missing_rows;
}

/* Without a closing META frame, the recording ends with the last known event. */
u64 recording__end(const struct recording *rec)
{
	if (rec->meta.stop_ns)
		return rec->meta.stop_ns;
	if (rec->meta.part_end_ns)
		return rec->meta.part_end_ns;
	return rec->cost.time_ns > rec->last_ns ? rec->cost.time_ns : rec->last_ns;
}

u64 recording__duration(const struct recording *rec)
{
	u64 start = rec->meta.start_ns ?: rec->first_ns, end = recording__end(rec);

	return start && end > start ? end - start : 0;
}

u64 recording__since_start(const struct recording *rec, u64 monotonic_ns)
{
	u64 start_ns = rec->meta.start_ns ?: rec->first_ns;

	return start_ns && monotonic_ns > start_ns ? monotonic_ns - start_ns : 0;
}

u64 recording__covered(const struct recording *rec)
{
	u64 start = rec->meta.start_ns ?: rec->first_ns, all = recording__duration(rec);

	return rec->window.active ?
	       overlap(start, all, rec->window.from, rec->window.to - rec->window.from) : all;
}

const char *recording__wrong_window(const struct recording *rec)
{
	const struct time_window *w = &rec->window;
	u64 start = rec->meta.start_ns ?: rec->first_ns, end = recording__end(rec);

	if (!w->active || !w->resolved)
		return NULL;
	if (w->wrong)
		return w->wrong;
	if (w->to < start)
		return "ends before the recording begins";
	if (w->from > w->to)
		return "ends before it begins";
	return w->from > end && end ? "begins after the end of the recording" : NULL;
}

/* The format is a literal of the caller, whose compiler checks it by the attribute. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
const char *recording__local_time(u64 realtime_ns, const char *format, char *buf, size_t size)
{
	time_t seconds = realtime_ns / NSEC_PER_SEC;
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || !strftime(buf, size, format, &tm))
		snprintf(buf, size, "?");
	return buf;
}
#pragma GCC diagnostic pop

const char *recording__extent(const struct recording *rec, char *buf, size_t size)
{
	u64 start = rec->meta.start_ns ?: rec->first_ns, duration = recording__duration(rec);
	u64 realtime = recording__realtime(rec, start);
	char from[40], to[40];

	snprintf(buf, size, "lasts %.6f s", duration / 1e9);
	if (!realtime || !time_window__by_clock(&rec->window))
		return buf;
	snprintf(buf, size, "lasts %.6f s, from %s to %s", duration / 1e9,
		 recording__local_time(realtime, TIME_AS_TYPED, from, sizeof(from)),
		 recording__local_time(realtime + duration, TIME_AS_TYPED, to, sizeof(to)));
	return buf;
}

u64 recording__realtime(const struct recording *rec, u64 monotonic_ns)
{
	if (!rec->meta.has_clock || !monotonic_ns)
		return 0;
	/* Modulo 2^64, so this is right for times before the pair was taken too. */
	return rec->meta.realtime_ns + (monotonic_ns - rec->meta.monotonic_ns);
}

bool recording__was_cut(const struct recording *rec)
{
	return rec->nr_damage == 1 && !rec->finished && !rec->missing_rows &&
	       !strcmp(rec->damage[0].what, DATA_CUT_OFF);
}

#define MAX_COMPLAINTS	8	/* damaged places reported one by one */

bool recording__complain(const struct recording *rec)
{
	const char *name = strcmp(rec->path, "-") ? rec->path : "standard input";
	u32 nr = rec->nr_damage;

	if (recording__was_cut(rec)) {
		error("%s: cut off at offset %llu, the last %llu bytes were skipped: the recorder did not finish, or the "
		      "file was cut short; all complete frames were used", name,
		      (unsigned long long)rec->damage[0].offset,
		      (unsigned long long)rec->damage[0].bytes);
		return true;
	}
	for (u32 i = 0; i < nr && i < MAX_COMPLAINTS; i++)
		error("%s: damaged at offset %llu, %llu bytes skipped: %s", name,
		      (unsigned long long)rec->damage[i].offset,
		      (unsigned long long)rec->damage[i].bytes, rec->damage[i].what);
	if (nr > MAX_COMPLAINTS)
		error("%s: damaged in %u more places; kvmw info --json lists them", name,
		      nr - MAX_COMPLAINTS);
	if (rec->missing_rows)
		error("%s: %llu event%s missing; all others were used", name,
		      (unsigned long long)rec->missing_rows,
		      rec->missing_rows == 1 ? " is" : "s are");
	if (recording__unfinished(rec) && !rec->read_error)
		error("%s: the recorder did not finish%s; all complete frames were used", name,
		      nr ? ", or the file was cut short" : "");
	return recording__incomplete(rec);
}
