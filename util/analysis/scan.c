// SPDX-License-Identifier: GPL-2.0
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/columns.h"
#include "util/analysis/scan.h"
#include "util/error.h"

#define MAX_WORKERS	16
#define QUEUE		(2 * MAX_WORKERS)
#define MAX_BAD		4096	/* damaged frames that a worker remembers */

/* The reader's tables are its own thread's: a frame comes with its description. */
struct work {
	struct data_frame *f;
	const struct data_event *event;
};

struct bad_frame {
	struct data_frame f;	/* its payload is gone */
	const char *why;
};

struct worker {
	struct scan *scan;
	pthread_t thread;
	struct data_decoder *dec;
	struct columns columns;
	struct agg_table aggs;
	struct bad_frame *bad;
	u32 nr_bad, bad_room;
	bool failed;
};

struct scan {
	const struct recording *rec;
	bool sums;
	pthread_mutex_t lock;
	pthread_cond_t filled, drained;
	struct work queue[QUEUE];
	u32 head, tail;		/* head - tail frames wait */
	bool done;		/* no more will come, or nobody wants them */
	struct worker worker[MAX_WORKERS];
	u32 nr_workers;
};

/* Column numbers of both events. */
enum { SPAN, GAP, REASON, VCPU, ISA, USER, TIME };

struct event_columns {
	u32 event;
	const char *names[TIME + 2];
};

static const struct event_columns event_columns[] = {
	{ KVMW_EVENT_EXIT, { "total_ns", "guest_ns", "reason", "vcpu", "isa", "user_ns",
			     "time_ns" } },
	{ KVMW_EVENT_USERSPACE, { "user_ns", "run_ns", "reason", "vcpu", "isa", "user_ns",
				  "time_ns" } },
};

/* A row which was not completed while the recording went on. */
static void add_open(struct agg *agg, u64 time_ns)
{
	if (time_ns != KVMW_NONE && time_ns > agg->open_since)
		agg->open_since = time_ns;
}

static int add_row(struct agg *agg, u64 *const *col, u32 i)
{
	u64 gap = col[GAP][i], user = col[USER][i];

	agg->rows++;
	if (gap != KVMW_NONE) {
		agg->gap_rows++;
		agg->gap_ns = sat_add(agg->gap_ns, gap);
	}
	if (col[SPAN][i] == KVMW_NONE)
		return 0;
	if (user != KVMW_NONE) {
		agg->user_rows++;
		agg->user_ns = sat_add(agg->user_ns, user);
	}
	return hist__add(&agg->span, col[SPAN][i]);
}

static int add_rows(struct worker *w, const struct data_frame *f, bool times)
{
	const struct time_window *window = &w->scan->rec->window;
	u64 *const *col = w->columns.col;
	struct agg_key last = { 0 };
	struct agg *agg = NULL;
	bool full;

	for (u32 i = 0; i < f->rows; i++) {
		struct agg_key key = { .vcpu = col[VCPU][i], .reason = col[REASON][i],
				       .event = f->event, .isa = col[ISA][i] };

		if (window->active && !time_window__has(window, col[TIME][i]))
			continue;
		if (!agg || !agg_key__equal(&key, &last)) {
			agg = agg_table__get(&w->aggs, &key, &full);
			last = key;
			if (!agg && !full)
				return -1;
		}
		if (!agg)
			w->aggs.left_out++;
		else if (add_row(agg, col, i))
			return -1;
		else if (times && col[SPAN][i] == KVMW_NONE)
			add_open(agg, col[TIME][i]);
	}
	return 0;
}

static bool any_open(const u64 *span, u32 rows)
{
	bool open = false;

	for (u32 i = 0; i < rows; i++)
		open |= span[i] == KVMW_NONE;
	return open;
}

/*
 * Times are a dear column: they are decoded only where a window asks for them, or
 * where a row is not completed (few are) and its age matters.  A column without a
 * name comes out as not captured.
 */
static int decode(struct worker *w, const struct work *work, bool *times, const char **why)
{
	const struct data_frame *f = work->f;
	struct event_columns want = { .event = 0 };
	int ret;

	for (size_t i = 0; i < ARRAY_SIZE(event_columns); i++)
		if (event_columns[i].event == f->event)
			want = event_columns[i];
	*times = w->scan->rec->window.active;
	if (!*times)
		want.names[TIME] = "";
	if (!w->scan->sums)
		want.names[GAP] = want.names[USER] = "";
	ret = columns__read(&w->columns, w->dec, work->event, f, want.names, why);
	if (!ret && !*times && any_open(w->columns.col[SPAN], f->rows)) {
		want.names[TIME] = "time_ns";
		*times = true;
		ret = columns__read(&w->columns, w->dec, work->event, f, want.names, why);
	}
	return ret;
}

static int note_bad(struct worker *w, const struct data_frame *f, const char *why)
{
	struct bad_frame *grown;

	if (w->nr_bad == MAX_BAD)
		return 0;
	if (w->nr_bad == w->bad_room) {
		w->bad_room = w->bad_room ? w->bad_room * 2 : 8;
		grown = realloc(w->bad, w->bad_room * sizeof(*grown));
		if (!grown)
			return error("out of memory for the list of damage");
		w->bad = grown;
	}
	w->bad[w->nr_bad++] = (struct bad_frame) { .f = *f, .why = why };
	return 0;
}

static int take_frame(struct worker *w, const struct work *work)
{
	const char *why;
	bool times;
	int ret = decode(w, work, &times, &why);

	if (ret > 0)
		return note_bad(w, work->f, why);
	return ret ? ret : add_rows(w, work->f, times);
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

/* Keeps taking frames after a failure, so that the reader never waits in vain. */
static void *run_worker(void *arg)
{
	struct worker *w = arg;
	struct work work;

	while ((work = dequeue(w->scan)).f) {
		if (!w->failed && take_frame(w, &work))
			w->failed = true;
		data_frame__put(work.f);
	}
	return NULL;
}

static void enqueue(struct scan *s, struct work work)
{
	pthread_mutex_lock(&s->lock);
	while (s->head - s->tail == QUEUE)
		pthread_cond_wait(&s->drained, &s->lock);
	s->queue[s->head++ % QUEUE] = work;
	pthread_cond_signal(&s->filled);
	pthread_mutex_unlock(&s->lock);
}

static bool wanted(const struct recording *rec, const struct data_frame *f)
{
	const struct time_window *window = &rec->window;
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(event_columns); i++)
		known |= event_columns[i].event == f->event;
	return f->type == DATA_EVENTS && known && f->rows &&
	       (!window->active || (f->last_ns >= window->from && f->first_ns <= window->to));
}

static int read_frames(struct scan *s, struct data_reader *r, struct recording *rec)
{
	struct data_decoder *dec = data_decoder__new();
	struct data_frame *f;
	int ret;

	if (!dec)
		return -1;
	while ((ret = data_reader__next(r, &f)) > 0) {
		if (recording__take(rec, r, dec, f)) {
			data_frame__put(f);
			data_decoder__free(dec);
			return -1;
		}
		if (wanted(rec, f))
			enqueue(s, (struct work) { f, data_reader__event(r, f->event) });
		else
			data_frame__put(f);
	}
	data_decoder__free(dec);
	rec->read_error = ret < 0;
	return 0;
}

static int start(struct scan *s, u32 threads)
{
	cpu_set_t cpus;

	if (!threads)
		threads = sched_getaffinity(0, sizeof(cpus), &cpus) ? 1 : CPU_COUNT(&cpus);
	for (u32 i = 0; i < threads && i < MAX_WORKERS; i++) {
		struct worker *w = &s->worker[i];

		w->scan = s;
		w->dec = data_decoder__new();
		if (!w->dec)
			return -1;
		if (pthread_create(&w->thread, NULL, run_worker, w)) {
			data_decoder__free(w->dec);
			return i ? 0 : error("no thread could be started");
		}
		s->nr_workers++;
	}
	return 0;
}

static int finish(struct scan *s, struct recording *rec, struct agg_table *out)
{
	int ret = 0;

	pthread_mutex_lock(&s->lock);
	s->done = true;
	pthread_cond_broadcast(&s->filled);
	pthread_mutex_unlock(&s->lock);
	for (u32 i = 0; i < s->nr_workers; i++) {
		struct worker *w = &s->worker[i];

		pthread_join(w->thread, NULL);
		for (u32 k = 0; !ret && k < w->nr_bad; k++)
			ret = recording__damaged(rec, &w->bad[k].f, w->bad[k].f.rows,
						 w->bad[k].why);
		if (w->failed || ret || agg_table__merge(out, &w->aggs))
			ret = -1;
		free(w->bad);
		agg_table__free(&w->aggs);
		columns__free(&w->columns);
		data_decoder__free(w->dec);
	}
	return ret;
}

int scan__read(struct data_reader *r, struct recording *rec, u32 threads, bool sums,
	       struct agg_table *out)
{
	struct scan *s = calloc(1, sizeof(*s));
	int ret;

	if (!s) {
		data_reader__close(r);
		return error("out of memory");
	}
	s->rec = rec;
	s->sums = sums;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->filled, NULL);
	pthread_cond_init(&s->drained, NULL);
	ret = start(s, threads);
	if (!ret)
		ret = read_frames(s, r, rec);
	if (finish(s, rec, out))
		ret = -1;
	if (recording__close_reader(rec, r))
		ret = -1;
	pthread_cond_destroy(&s->drained);
	pthread_cond_destroy(&s->filled);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return ret;
}
