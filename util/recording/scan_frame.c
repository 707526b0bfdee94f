// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/recording/scan_internal.h"
#include "util/array.h"
#include "util/error.h"

#define MAX_BAD		4096	/* damaged frames that a worker remembers */

const struct scan_event *scan__event_of(const struct scan_consumer *c, u32 id)
{
	for (u32 i = 0; i < c->nr_events; i++)
		if (c->events[i].id == id)
			return &c->events[i];
	return NULL;
}

u32 scan__nr_names(const char *const *names)
{
	u32 nr = 0;

	while (names && names[nr])
		nr++;
	return nr;
}

u32 scan__index_of(const char *const *names, u32 nr, const char *name)
{
	for (u32 i = 0; i < nr; i++)
		if (!strcmp(names[i], name))
			return i;
	return nr;
}

/* The columns that several consumers want of one frame, each once; a NULL follows the names. */
struct wanted {
	const char *name[COLUMNS_MAX + 2];
	u32 nr;
	u64 coded;		/* one bit for each whose codes are enough for all */
};

static int want(struct wanted *all, const char *const *names, u64 coded, const char **why)
{
	for (; names && *names; names++, coded >>= 1) {
		u32 at = scan__index_of(all->name, all->nr, *names);

		if (!**names)
			continue;
		if (at == COLUMNS_MAX - 1) {
			*why = "more columns than can be read";
			return 1;
		}
		if (at == all->nr) {
			all->name[all->nr++] = *names;
			all->coded |= BIT(at);
		}
		if (!(coded & 1))
			all->coded &= ~BIT(at);
	}
	return 0;
}

/* Moves those rows to the front that are kept. */
static void compact(const u8 *keep, u64 **col, u32 nr, u32 nr_kept, u32 rows)
{
	for (u32 k = 0; nr_kept < rows && k < nr; k++) {
		u32 kept = 0;

		for (u32 i = 0; i < rows; i++) {
			col[k][kept] = col[k][i];
			kept += keep[i];
		}
	}
}

/*
 * col[i]: the column names[i], all ones if it is "" or was not decoded. Returns their number, and
 * in *same a bit for each that has one value; facts, of each as well, may be NULL.
 */
static u32 pick(const struct worker *w, const struct columns *columns, const struct wanted *all,
		const char *const *names, u64 **col, u64 *same, struct data_facts *facts)
{
	bool part = recording__is_part(w->scan->rec);

	u32 nr = scan__nr_names(names);

	*same = 0;
	for (u32 i = 0; i < nr; i++) {
		u32 at = scan__index_of(all->name, all->nr, names[i]);
		bool decoded = at < all->nr;

		col[i] = decoded ? columns->col[at] : w->ones;
		*same |= (decoded ? columns->same >> at & 1 : 1) << i;
		if (!facts)
			continue;
		facts[i] = decoded ? columns->facts[at] : (struct data_facts) { .bits = KVMW_NONE };
		/* Codes are of all rows. */
		if (part)
			facts[i].code = NULL;
	}
	return nr;
}

/* What has to be known of rows to select them. */
static int want_selection(const struct recording *rec, const struct work *work, struct wanted *all,
			  const char **why)
{
	static const char *const times[] = { "time_ns", NULL };
	const struct row_filter *f = rec->filter;
	int ret = f ? want(all, f->columns(f, work->f->event), 0, why) : 0;

	return ret ?: rec->window.active ? want(all, times, 0, why) : 0;
}

/* Which rows of a frame are to be taken: w->keep.  Returns their number. */
static u32 select_rows(struct worker *w, const struct work *work, const struct wanted *all)
{
	const struct recording *rec = w->scan->rec;
	const struct row_filter *f = rec->filter;
	const u64 *time = w->columns.col[scan__index_of(all->name, all->nr, "time_ns")];
	u64 *col[COLUMNS_MAX], same;
	u32 kept = 0;

	memset(w->keep, 1, work->f->rows);
	if (f) {
		pick(w, &w->columns, all, f->columns(f, work->f->event), col, &same, NULL);
		if (f->identity)
			pthread_rwlock_rdlock(&w->scan->identity);
		f->rows(f, rec, work->start_ns, work->event, col, work->f->rows, w->keep);
		if (f->identity)
			pthread_rwlock_unlock(&w->scan->identity);
	}
	for (u32 i = 0; i < work->f->rows; i++) {
		if (rec->window.active)
			w->keep[i] &= time_window__has(&rec->window, time[i]);
		kept += w->keep[i];
	}
	return kept;
}

static int decode_wanted(struct worker *w, const struct work *work, struct columns *columns,
			 struct wanted *all, const char **why)
{
	all->name[all->nr] = NULL;
	/* Rows of a part are moved, but their codes are not. */
	columns->coded = recording__is_part(w->scan->rec) ? 0 : all->coded;
	return columns__read(columns, w->dec, work->event, work->f, all->name, why);
}

static int note_bad(struct worker *w, const struct data_frame *f, const char *why)
{
	if (w->nr_bad == MAX_BAD)
		return 0;
	if (array__reserve(w->bad, w->nr_bad, w->bad_room, NULL))
		return -1;
	w->bad[w->nr_bad++] = (struct bad_frame) { .f = *f, .why = why };
	return 0;
}

struct taker {
	const struct scan_consumer *consumer;
	void *state;
	struct scan_batch batch;
	u64 *col[COLUMNS_MAX];
	struct data_facts facts[COLUMNS_MAX];
	u32 nr;			/* without the lazy ones */
};

static u32 frame_takers(struct worker *w, const struct work *work, struct taker *taker)
{
	const struct scan *s = w->scan;
	u32 nr = 0;

	for (u32 i = 0; i < s->nr_consumers; i++) {
		struct taker *t = &taker[nr];

		if (!(work->takers & 1u << i))
			continue;
		t->consumer = s->consumer[i];
		t->state = w->state[i];
		t->batch = (struct scan_batch) {
			.event = scan__event_of(t->consumer, work->f->event), .frame = work->f,
			.desc = work->event, .from_ns = work->from_ns, .col = t->col,
			.facts = t->facts,
		};
		nr++;
	}
	return nr;
}

static int worker__make_room(struct worker *w, u32 rows)
{
	u32 room = data_row_room(rows);

	if (rows <= w->rows)
		return 0;
	free(w->ones);
	free(w->keep);
	w->ones = malloc(room * sizeof(*w->ones));
	w->keep = malloc(room);
	w->rows = 0;
	if (!w->ones || !w->keep)
		return out_of_memory();
	memset(w->ones, 0xff, room * sizeof(*w->ones));
	w->rows = room;
	return 0;
}

/* Each column is decoded once, for all takers. */
static int decode_for(struct worker *w, const struct work *work, struct taker *taker, u32 nr,
		      const char **why)
{
	struct wanted all = { .nr = 0 }, lazy = { .nr = 0 }, none = { .nr = 0 };
	const struct recording *rec = w->scan->rec;
	u32 rows = work->f->rows;
	u64 same;
	int ret = worker__make_room(w, rows) ?: want_selection(rec, work, &all, why);

	for (u32 i = 0; !ret && i < nr; i++)
		ret = want(&all, taker[i].batch.event->columns, taker[i].batch.event->coded, why);
	ret = ret ?: decode_wanted(w, work, &w->columns, &all, why);
	if (!ret && recording__is_part(rec)) {
		rows = select_rows(w, work, &all);
		compact(w->keep, w->columns.col, all.nr, rows, work->f->rows);
	}
	for (u32 i = 0; !ret && i < nr; i++) {
		struct taker *t = &taker[i];
		const struct scan_event *e = t->batch.event;

		t->batch.rows = rows;
		t->nr = pick(w, &w->columns, &all, e->columns, t->col, &t->batch.same, t->facts);
		for (u32 k = 0; k < t->nr; k++)
			t->batch.coded |= t->facts[k].code ? e->coded & BIT(k) : 0;
		if (t->nr + scan__nr_names(e->lazy) >= COLUMNS_MAX) {
			*why = "more columns than can be read";
			return 1;
		}
		t->batch.has_lazy = e->lazy && rows && (!e->need_lazy || e->need_lazy(&t->batch));
		if (t->batch.has_lazy)
			ret = want(&lazy, e->lazy, 0, why);
	}
	if (!ret && lazy.nr) {
		/* What is left of a part was moved. */
		if (!recording__is_part(rec))
			data_decoder__continue(w->dec);
		ret = decode_wanted(w, work, &w->lazy, &lazy, why);
	}
	if (!ret && lazy.nr)
		compact(w->keep, w->lazy.col, lazy.nr, rows, work->f->rows);
	for (u32 i = 0; !ret && i < nr; i++)
		pick(w, &w->lazy, taker[i].batch.has_lazy ? &lazy : &none,
		     taker[i].batch.event->lazy, taker[i].col + taker[i].nr, &same, NULL);
	return ret;
}

int worker__take_frame(struct worker *w, const struct work *work)
{
	struct taker taker[SCAN_MAX_CONSUMERS];
	u32 nr = frame_takers(w, work, taker);
	const char *why;
	int ret = decode_for(w, work, taker, nr, &why);

	if (ret > 0)
		return note_bad(w, work->f, why);
	for (u32 i = 0; !ret && i < nr; i++)
		if (taker[i].batch.rows)
			ret = taker[i].consumer->take(taker[i].state, &taker[i].batch);
	return ret;
}
