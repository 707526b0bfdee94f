// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/data/pair.h"
#include "util/recording/scan_internal.h"
#include "util/cpus.h"
#include "util/error.h"

/* of frames that wait or are being decoded; one may have more */
#define QUEUE_BYTES (16u << 20)
#define WORKER_BYTES	(4u << 20)	/* of a file that make it worth another worker */

/* Another frame too, in *more, if those that wait are enough for all. */
static struct work dequeue(struct scan *s, struct work *more)
{
	struct work work = { .f = NULL };

	more->f = NULL;
	pthread_mutex_lock(&s->lock);
	while (s->head == s->tail && !s->done)
		pthread_cond_wait(&s->filled, &s->lock);
	if (s->head != s->tail)
		work = s->queue[s->tail++ % QUEUE];
	if (s->head - s->tail >= s->max_workers)
		*more = s->queue[s->tail++ % QUEUE];
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

static void swap_decoders(struct worker *w)
{
	struct data_decoder *dec = w->dec;

	w->dec = w->other;
	w->other = dec;
}

/* Whether a consumer of a frame has asked for a column by name. */
static bool is_wanted(const struct scan *s, const struct work *work, const char *name)
{
	for (u32 i = 0; i < s->nr_consumers; i++) {
		const struct scan_event *e = work->takers & BIT(i) ?
					     scan__event_of(s->consumer[i], work->f->event) : NULL;

		if (e && scan__index_of(e->columns, scan__nr_names(e->columns), name) <
				 scan__nr_names(e->columns))
			return true;
	}
	return false;
}

/* The span of an event, if it has one, is what most ask for. */
static bool pair_of(const struct scan *s, const struct work *work, struct data_decoder *dec,
		    struct pair_frame *pair)
{
	const struct event_desc *e = event_desc__captured(work->f->event);

	*pair = (struct pair_frame) { .dec = dec, .f = work->f, .field = -1 };
	if (work->event && e && e->span && is_wanted(s, work, e->span))
		pair->field = data_event__field(work->event, e->span);
	return pair->field >= 0;
}

/* Keeps taking frames after a failure, so that the reader never blocks. */
static void take_work(struct worker *w, struct work *work)
{
	if (!w->failed && worker__take_frame(w, work))
		w->failed = true;
	put_work(w->scan, work);
}

static void *run_worker(void *arg)
{
	struct worker *w = arg;
	struct work work, more;

	while ((work = dequeue(w->scan, &more)).f) {
		struct pair_frame a, b;

		if (!w->failed && more.f && pair_of(w->scan, &work, w->dec, &a) &&
		    pair_of(w->scan, &more, w->other, &b))
			data_decoder__pair(&a, &b);
		take_work(w, &work);
		if (!more.f)
			continue;
		swap_decoders(w);
		take_work(w, &more);
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

		if (scan__event_of(c, f->event) && !(c->skip && c->skip(s->rec, f->event, c->arg)))
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
	data_decoder__free(w->other);
}

/* 0; 1: no other thread can be started; -1 */
static int start_worker(struct scan *s)
{
	struct worker *w = &s->worker[s->nr_workers];
	int err;

	w->scan = s;
	w->dec = data_decoder__new();
	w->other = data_decoder__new();
	if (!w->dec || !w->other || new_states(w)) {
		free_worker(w);
		return -1;
	}
	err = pthread_create(&w->thread, NULL, run_worker, w);
	if (err) {
		free_worker(w);
		memset(w, 0, sizeof(*w));
		pthread_mutex_lock(&s->lock);
		s->max_workers = s->nr_workers;
		pthread_mutex_unlock(&s->lock);
		return s->nr_workers ? 1 : error("cannot start a thread: %s", strerror(err));
	}
	s->nr_workers++;
	return 0;
}

/* As many as asked for at once; without a number as many as CPUs, but for a small file fewer. */
static int start(struct scan *s, u32 threads)
{
	int ret = 0;

	s->max_workers = !threads ? cpus__workers(MAX_WORKERS) :
			 threads < MAX_WORKERS ? threads : MAX_WORKERS;
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
 * What a frame says of VMs and vCPUs, while no worker asks for it. Functions of the guest precede
 * the rows that are about them, and workers look at them all the time.
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
