// SPDX-License-Identifier: GPL-2.0
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "util/recording/columns.h"
#include "util/recording/scan.h"
#include "util/array.h"
#include "util/cpus.h"
#include "util/error.h"

#define MAX_WORKERS	16
#define QUEUE		(2 * MAX_WORKERS)
#define QUEUE_BYTES	(16u << 20)	/* of frames that wait or are being decoded; one may have more */
#define WORKER_BYTES	(4u << 20)	/* of a file that make it worth another worker */
#define MAX_BAD		4096	/* damaged frames that a worker remembers */

/* Only the reader's thread may use its tables, so a frame carries its description. */
struct work {
	struct data_frame *f;
	const struct data_event *event;
	u32 takers;		/* one bit per consumer */
	u64 from_ns;		/* start of the window, or of the recording */
	u64 start_ns;		/* of the recording */
};

struct bad_frame {
	struct data_frame f;	/* without its payload */
	const char *why;
};

struct worker {
	struct scan *scan;
	pthread_t thread;
	struct data_decoder *dec;
	struct columns columns, lazy;
	u8 *keep;		/* which rows of a frame the filter and the window leave */
	u64 *ones;		/* stands for columns that were not decoded */
	u32 rows;		/* that these two have room for */
	void *state[SCAN_MAX_CONSUMERS];
	struct bad_frame *bad;
	u32 nr_bad, bad_room;
	bool failed;
};

struct scan {
	struct recording *rec;
	const struct scan_consumer *const *consumer;
	u32 nr_consumers;
	pthread_mutex_t lock;
	pthread_cond_t filled, drained;
	pthread_rwlock_t identity;	/* of what the recording says of VMs, for a filter that asks */
	struct work queue[QUEUE];
	u32 head, tail;		/* head - tail frames are waiting */
	size_t bytes;		/* of these, and of those that workers have */
	bool done;		/* no more will come, or no more are wanted */
	struct worker worker[MAX_WORKERS];
	u32 nr_workers, max_workers;
};

static const struct scan_event *event_of(const struct scan_consumer *c, u32 id)
{
	for (u32 i = 0; i < c->nr_events; i++)
		if (c->events[i].id == id)
			return &c->events[i];
	return NULL;
}

static u32 nr_names(const char *const *names)
{
	u32 nr = 0;

	while (names && names[nr])
		nr++;
	return nr;
}

static u32 index_of(const char *const *names, u32 nr, const char *name)
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
};

static int want(struct wanted *all, const char *const *names, const char **why)
{
	for (; names && *names; names++) {
		if (!**names || index_of(all->name, all->nr, *names) < all->nr)
			continue;
		if (all->nr == COLUMNS_MAX - 1) {
			*why = "more columns than can be read";
			return 1;
		}
		all->name[all->nr++] = *names;
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
 * col[i]: the column names[i], all ones if it is "" or was not decoded.  Returns their number, and in
 * *same a bit for each that has one value.
 */
static u32 pick(const struct worker *w, const struct columns *columns, const struct wanted *all,
		const char *const *names, u64 **col, u64 *same)
{
	u32 nr = nr_names(names);

	*same = 0;
	for (u32 i = 0; i < nr; i++) {
		u32 at = index_of(all->name, all->nr, names[i]);
		bool decoded = at < all->nr;

		col[i] = decoded ? columns->col[at] : w->ones;
		*same |= (decoded ? columns->same >> at & 1 : 1) << i;
	}
	return nr;
}

/* What has to be known of rows to select them. */
static int want_selection(const struct recording *rec, const struct work *work, struct wanted *all,
			  const char **why)
{
	static const char *const times[] = { "time_ns", NULL };
	const struct row_filter *f = rec->filter;
	int ret = f ? want(all, f->columns(f, work->f->event), why) : 0;

	return ret ?: rec->window.active ? want(all, times, why) : 0;
}

/* Which rows of a frame are to be taken: w->keep.  Returns their number. */
static u32 select_rows(struct worker *w, const struct work *work, const struct wanted *all)
{
	const struct recording *rec = w->scan->rec;
	const struct row_filter *f = rec->filter;
	const u64 *time = w->columns.col[index_of(all->name, all->nr, "time_ns")];
	u64 *col[COLUMNS_MAX], same;
	u32 kept = 0;

	memset(w->keep, 1, work->f->rows);
	if (f) {
		pick(w, &w->columns, all, f->columns(f, work->f->event), col, &same);
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
			.event = event_of(t->consumer, work->f->event), .frame = work->f,
			.desc = work->event, .from_ns = work->from_ns, .col = t->col,
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
		ret = want(&all, taker[i].batch.event->columns, why);
	ret = ret ?: decode_wanted(w, work, &w->columns, &all, why);
	if (!ret && recording__is_part(rec)) {
		rows = select_rows(w, work, &all);
		compact(w->keep, w->columns.col, all.nr, rows, work->f->rows);
	}
	for (u32 i = 0; !ret && i < nr; i++) {
		struct taker *t = &taker[i];
		const struct scan_event *e = t->batch.event;

		t->batch.rows = rows;
		t->nr = pick(w, &w->columns, &all, e->columns, t->col, &t->batch.same);
		if (t->nr + nr_names(e->lazy) >= COLUMNS_MAX) {
			*why = "more columns than can be read";
			return 1;
		}
		t->batch.has_lazy = e->lazy && rows && (!e->need_lazy || e->need_lazy(&t->batch));
		if (t->batch.has_lazy)
			ret = want(&lazy, e->lazy, why);
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
		pick(w, &w->lazy, taker[i].batch.has_lazy ? &lazy : &none, taker[i].batch.event->lazy,
		     taker[i].col + taker[i].nr, &same);
	return ret;
}

/* A frame that cannot be read is noted as damaged, and no consumer gets it. */
static int take_frame(struct worker *w, const struct work *work)
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

static struct work dequeue(struct scan *s)
{
	struct work work = { .f = NULL };

	pthread_mutex_lock(&s->lock);
	while (s->head == s->tail && !s->done)
		pthread_cond_wait(&s->filled, &s->lock);
	if (s->head != s->tail)
		work = s->queue[s->tail++ % QUEUE];
	pthread_cond_signal(&s->drained);
	pthread_mutex_unlock(&s->lock);
	return work;
}

static void put_work(struct scan *s, struct work *work)
{
	pthread_mutex_lock(&s->lock);
	s->bytes -= work->f->size;
	pthread_cond_signal(&s->drained);
	pthread_mutex_unlock(&s->lock);
	data_frame__put(work->f);
}

/* Keeps taking frames after a failure, so that the reader never blocks. */
static void *run_worker(void *arg)
{
	struct worker *w = arg;
	struct work work;

	while ((work = dequeue(w->scan)).f) {
		if (!w->failed && take_frame(w, &work))
			w->failed = true;
		put_work(w->scan, &work);
	}
	return NULL;
}

static void enqueue(struct scan *s, struct work work)
{
	pthread_mutex_lock(&s->lock);
	while (s->head - s->tail == QUEUE || (s->bytes && s->bytes + work.f->size > QUEUE_BYTES))
		pthread_cond_wait(&s->drained, &s->lock);
	s->bytes += work.f->size;
	s->queue[s->head++ % QUEUE] = work;
	pthread_cond_signal(&s->filled);
	pthread_mutex_unlock(&s->lock);
}

/* Which consumers want a frame, one bit per consumer. */
static u32 takers(const struct scan *s, const struct data_frame *f)
{
	const struct time_window *window = &s->rec->window;
	const struct row_filter *filter = s->rec->filter;
	u32 bits = 0;

	if (f->type != DATA_EVENTS || !f->rows ||
	    (window->active && (f->last_ns < window->from || f->first_ns > window->to)) ||
	    (filter && !filter->columns(filter, f->event)))
		return 0;
	for (u32 i = 0; i < s->nr_consumers; i++) {
		const struct scan_consumer *c = s->consumer[i];

		if (event_of(c, f->event) && !(c->skip && c->skip(s->rec, f->event, c->arg)))
			bits |= 1u << i;
	}
	return bits;
}

static u64 from_ns(const struct recording *rec)
{
	u64 start = rec->meta.start_ns;

	return rec->window.active && rec->window.from > start ? rec->window.from : start;
}

static int new_states(struct worker *w)
{
	for (u32 i = 0; i < w->scan->nr_consumers; i++) {
		const struct scan_consumer *c = w->scan->consumer[i];

		w->state[i] = c->new(c->arg);
		if (!w->state[i])
			return -1;
	}
	return 0;
}

static void free_worker(struct worker *w)
{
	for (u32 i = 0; i < w->scan->nr_consumers; i++)
		if (w->state[i])
			w->scan->consumer[i]->free(w->state[i]);
	free(w->bad);
	columns__free(&w->columns);
	columns__free(&w->lazy);
	free(w->ones);
	free(w->keep);
	data_decoder__free(w->dec);
}

/* 0; 1: no other thread can be started; -1 */
static int start_worker(struct scan *s)
{
	struct worker *w = &s->worker[s->nr_workers];
	int err;

	w->scan = s;
	w->dec = data_decoder__new();
	if (!w->dec || new_states(w)) {
		free_worker(w);
		return -1;
	}
	err = pthread_create(&w->thread, NULL, run_worker, w);
	if (err) {
		free_worker(w);
		memset(w, 0, sizeof(*w));
		s->max_workers = s->nr_workers;
		return s->nr_workers ? 1 : error("no thread could be started: %s", strerror(err));
	}
	s->nr_workers++;
	return 0;
}

/* As many as asked for at once; without a number as many as CPUs, but for a small file fewer. */
static int start(struct scan *s, u32 threads)
{
	int ret = 0;

	s->max_workers = !threads ? cpus__workers(MAX_WORKERS) : threads < MAX_WORKERS ? threads : MAX_WORKERS;
	do
		ret = start_worker(s);
	while (!ret && threads && s->nr_workers < s->max_workers);
	return ret < 0 ? -1 : 0;
}

/* Until the workers have done all they were given. */
static void wait_for_workers(struct scan *s)
{
	pthread_mutex_lock(&s->lock);
	while (s->bytes)
		pthread_cond_wait(&s->drained, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

/*
 * What a frame says of VMs and vCPUs, while no worker asks for it.  Functions of the guest precede the rows
 * that are about them, and workers look at them all the time.
 */
static int take_identity(struct scan *s, struct data_reader *r, const struct data_frame *f)
{
	int ret;

	if (f->type == DATA_IDENT && s->rec->has_symbols)
		wait_for_workers(s);
	pthread_rwlock_wrlock(&s->identity);
	ret = recording__take(s->rec, r, f);
	pthread_rwlock_unlock(&s->identity);
	return ret;
}

static int read_frames(struct scan *s, struct data_reader *r)
{
	struct data_frame *f;
	int ret;

	while ((ret = data_reader__next(r, &f)) > 0) {
		bool more = s->nr_workers < s->max_workers &&
			    data_reader__bytes(r) >= (u64)s->nr_workers * WORKER_BYTES;
		u32 bits;

		if ((more && start_worker(s) < 0) || take_identity(s, r, f)) {
			data_frame__put(f);
			return -1;
		}
		bits = takers(s, f);
		if (bits)
			enqueue(s, (struct work) { f, data_reader__event(r, f->event), bits,
					     from_ns(s->rec), s->rec->meta.start_ns });
		else
			data_frame__put(f);
	}
	s->rec->read_error = ret < 0;
	return ret == DATA_NO_MEMORY ? -1 : 0;
}

/* Merges all workers' states into the first worker's, which become the result. */
static int finish_worker(struct scan *s, struct worker *w, bool ok, void **result)
{
	bool first = w == s->worker;
	int ret = ok && !w->failed ? 0 : -1;

	for (u32 k = 0; !ret && k < w->nr_bad; k++)
		ret = recording__damaged(s->rec, &w->bad[k].f, w->bad[k].f.rows, w->bad[k].why);
	for (u32 i = 0; i < s->nr_consumers; i++) {
		if (first) {
			result[i] = w->state[i];
			w->state[i] = NULL;
		} else if (!ret && s->consumer[i]->merge(result[i], w->state[i])) {
			ret = -1;
		}
	}
	free_worker(w);
	return ret;
}

static int scan__finish(struct scan *s, bool ok, void **result)
{
	pthread_mutex_lock(&s->lock);
	s->done = true;
	pthread_cond_broadcast(&s->filled);
	pthread_mutex_unlock(&s->lock);
	for (u32 i = 0; i < s->nr_workers; i++)
		pthread_join(s->worker[i].thread, NULL);
	for (u32 i = 0; i < s->nr_workers; i++)
		if (finish_worker(s, &s->worker[i], ok, result))
			ok = false;
	return ok ? 0 : -1;
}

int scan__read(struct data_reader *r, struct recording *rec, u32 threads,
	       const struct scan_consumer *const *consumer, u32 nr, void **result)
{
	struct scan *s = calloc(1, sizeof(*s));
	bool ok;

	memset(result, 0, nr * sizeof(*result));
	if (!s || nr > SCAN_MAX_CONSUMERS) {
		free(s);
		data_reader__close(r);
		return s ? error("%u views of a recording at once are too many", nr) :
			   out_of_memory();
	}
	s->rec = rec;
	s->consumer = consumer;
	s->nr_consumers = nr;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->filled, NULL);
	pthread_cond_init(&s->drained, NULL);
	pthread_rwlock_init(&s->identity, NULL);
	ok = !start(s, threads) && !read_frames(s, r);
	ok = !scan__finish(s, ok, result);
	/* Last: this frees the descriptions of the events. */
	ok = !recording__close_reader(rec, r, !ok);
	for (u32 i = 0; !ok && i < nr; i++) {
		if (result[i])
			consumer[i]->free(result[i]);
		result[i] = NULL;
	}
	pthread_rwlock_destroy(&s->identity);
	pthread_cond_destroy(&s->drained);
	pthread_cond_destroy(&s->filled);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return ok ? 0 : -1;
}
