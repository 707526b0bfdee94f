// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "util/capture/privileges.h"
#include "util/capture/sink.h"
#include "util/error.h"
#include "util/memory.h"

#define ROWS_AT_A_TIME	4096

#define SINK_SPARES	SINK_MAX_BATCHES
#define SPARE_MIN	(8u << 10)	/* bytes in use */
#define SPARES_MAX	(16u << 20)	/* of all together */
#define SPARE_BATCHES	64u

struct sink {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct batch *first, **last;
	u32 nr_queued;		/* handed over, not yet written */
	bool finish, failed;
	u64 bytes;
	struct data_writer *writer;
	struct keep_window *window;	/* instead of it, */
	struct series *series;		/* or these files */
	struct data_encoder *encoder;
	struct data_buf frame;
	struct guest_names *names;	/* or NULL */
	struct spare {
		u8 *rows;		/* of a batch that is no more */
		size_t room, touched;	/* bytes */
		u32 since;		/* nr_freed then */
	} spares[SINK_SPARES];
	u32 nr_spares, nr_freed;	/* batches */
	size_t spared;			/* touched bytes of all spares */
	sink_take take;		/* instead of thread, writer and encoder; or NULL */
	void *arg;
};

/* Under the lock. */
static struct spare take_spare(struct sink *sink, u32 i)
{
	struct spare s = sink->spares[i];

	sink->spared -= s.touched;
	sink->spares[i] = sink->spares[--sink->nr_spares];
	return s;
}

/* Under the lock: the oldest one, if more batches than age were freed since. */
static struct spare take_old_spare(struct sink *sink, u32 age)
{
	u32 oldest = 0;

	for (u32 i = 1; i < sink->nr_spares; i++)
		if (sink->nr_freed - sink->spares[i].since >
		    sink->nr_freed - sink->spares[oldest].since)
			oldest = i;
	if (!sink->nr_spares || sink->nr_freed - sink->spares[oldest].since <= age)
		return (struct spare) { .rows = NULL };
	return take_spare(sink, oldest);
}

/*
 * To get pages from the kernel takes longer than to encode what is written to them. So the rows of
 * a large batch are kept for another one if it used at least a quarter of the pages that they have:
 * at most SINK_SPARES and SPARES_MAX bytes, for SPARE_BATCHES batches.
 */
static void batch_free(struct sink *sink, struct batch *b)
{
	struct spare rows = { .rows = b->rows, .room = b->room }, old;
	size_t used = b->rows ? (size_t)b->nr * b->event->size : 0;
	bool keep;

	rows.touched = used > b->touched ? used : b->touched;
	pthread_mutex_lock(&sink->lock);
	keep = used >= SPARE_MIN && used >= rows.touched / 4 &&
	       sink->spared + rows.touched <= SPARES_MAX;
	rows.since = sink->nr_freed++;
	old = take_old_spare(sink, keep && sink->nr_spares == SINK_SPARES ? 0 : SPARE_BATCHES);
	if (keep) {
		sink->spares[sink->nr_spares++] = rows;
		sink->spared += rows.touched;
		rows.rows = NULL;
	}
	pthread_mutex_unlock(&sink->lock);
	free(old.rows);
	free(rows.rows);
	free(b->json);
	free(b);
}

/* Gives a batch room for so many bytes of rows, or none. */
static void find_rows(struct sink *sink, struct batch *b, size_t size)
{
	struct spare s = { .rows = NULL };

	pthread_mutex_lock(&sink->lock);
	for (u32 i = 0; i < sink->nr_spares && !s.rows; i++)
		if (sink->spares[i].room >= size && sink->spares[i].room / 2 <= size)
			s = take_spare(sink, i);
	pthread_mutex_unlock(&sink->lock);
	b->rows = s.rows ?: malloc(size);
	b->room = s.rows ? s.room : size;
	b->touched = s.touched;
}

static int sink__write_json(struct sink *sink, enum data_frame_type type, const char *json)
{
	sink->frame.len = 0;
	return data_encoder__json(sink->encoder, type, json, &sink->frame) ||
	       data_writer__append(sink->writer, &sink->frame) ? -1 : 0;
}

/* Names precede the rows that need them. */
static int write_names(struct sink *sink, const struct batch *b)
{
	char *json;
	int err;

	if (!sink->names || b->type != DATA_EVENTS)
		return 0;
	if (guest_names__note(sink->names, b->event, b->rows, b->nr, &json))
		return -1;
	if (!json)
		return 0;
	err = sink->series ? series__json(sink->series, sink->encoder, DATA_IDENT, json) :
	      sink__write_json(sink, DATA_IDENT, json);
	free(json);
	return err ? -1 : 0;
}

/* Notifies those who wait for a snapshot, even if none is made. */
static int drop_batch(struct batch *b)
{
	if (b->mark == MARK_SNAPSHOT) {
		b->snapshot->failed = true;
		eventfd_write(b->snapshot->told, 1);
	}
	return -1;
}

static int sink__take_mark(struct keep_window *w, const struct batch *b)
{
	switch (b->mark) {
	case MARK_MOMENT:
		return keep_window__moment(w);
	case MARK_CUT:
		keep_window__cut(w);
		return 0;
	case MARK_SNAPSHOT:
		keep_window__snapshot(w, b->snapshot);
		return 0;
	case MARK_RELEASE:
		keep_window__release(w);
		return 0;
	case MARK_ENDED:
		keep_window__ended(w, b->stream);
		return 0;
	default:
		keep_window__hold(w);
		return 0;
	}
}

static int keep_batch(struct sink *sink, const struct batch *b)
{
	struct keep_window *w = sink->window;

	if (b->mark)
		return sink__take_mark(w, b);
	if (b->json)
		return keep_window__json(w, b->type, b->json);
	if (b->begun)
		return keep_window__begun(w, b->aside, (const struct kvmw_total *)b->rows);
	return keep_window__rows(w, sink->encoder, b->type, b->event, b->stream, b->aside, b->rows,
				 b->nr);
}

/* Each file has the names that its rows need. */
static int next_file(struct sink *sink, const struct batch *b)
{
	if (sink->names)
		guest_names__again(sink->names);
	return series__next(sink->series, sink->encoder, b->json);
}

static int add_to_series(struct sink *sink, struct batch *b)
{
	struct series *s = sink->series;

	switch (b->mark) {
	case MARK_NONE:
		break;
	case MARK_NEXT:
		return next_file(sink, b);
	case MARK_LAST:
		return series__finish(s, sink->encoder);
	default:
		series__ended(s, b->stream);
		return 0;
	}
	if (write_names(sink, b))
		return -1;
	if (b->json)
		return series__json(s, sink->encoder, b->type, b->json);
	if (b->begun)
		return series__begun(s, (const struct kvmw_total *)b->rows);
	return series__rows(s, sink->encoder, b->type, b->event, b->stream, b->rows, b->nr);
}

static int write_batch(struct sink *sink, struct batch *b)
{
	if (sink->window)
		return keep_batch(sink, b);
	if (sink->series)
		return add_to_series(sink, b);
	if (write_names(sink, b))
		return -1;
	if (b->json)
		return sink__write_json(sink, b->type, b->json);
	sink->frame.len = 0;
	return data_encoder__rows(sink->encoder, b->type, b->event, b->stream, b->rows, b->nr,
				  &sink->frame) || data_writer__append(sink->writer, &sink->frame) ?
	       -1 : 0;
}

static u64 sink__bytes_now(const struct sink *sink)
{
	const struct keep_window *w = sink->window;

	return w ? w->ring.end - w->ring.oldest :
	       sink->series ? series__bytes(sink->series) : data_writer__bytes(sink->writer);
}

static void *sink__run(void *arg)
{
	struct sink *sink = arg;

	privileges__drop();
	pthread_mutex_lock(&sink->lock);
	for (;;) {
		struct batch *b = sink->first;
		bool failed = sink->failed;

		if (!b) {
			if (sink->finish)
				break;
			pthread_cond_wait(&sink->changed, &sink->lock);
			continue;
		}
		sink->first = b->next;
		if (!sink->first)
			sink->last = &sink->first;
		pthread_mutex_unlock(&sink->lock);
		failed = failed ? drop_batch(b) : write_batch(sink, b);
		batch_free(sink, b);
		pthread_mutex_lock(&sink->lock);
		sink->failed |= failed;
		sink->bytes = sink__bytes_now(sink);
		sink->nr_queued--;
		pthread_cond_broadcast(&sink->changed);
	}
	pthread_mutex_unlock(&sink->lock);
	return NULL;
}

struct sink *sink__new(struct data_writer *writer, struct keep_window *window,
		       struct series *series)
{
	struct sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		goto out;
	sink->writer = writer;
	sink->window = window;
	sink->series = series;
	sink->last = &sink->first;
	sink->bytes = sink__bytes_now(sink);
	sink->encoder = data_encoder__new();
	pthread_mutex_init(&sink->lock, NULL);
	pthread_cond_init(&sink->changed, NULL);
	if (sink->encoder && !pthread_create(&sink->thread, NULL, sink__run, sink))
		return sink;
	data_encoder__free(sink->encoder);
	free(sink);
out:
	error("cannot start the writer thread: %s", strerror(errno));
	return NULL;
}

struct sink *sink__to(sink_take take, void *arg)
{
	struct sink *sink = mem__calloc(1, sizeof(*sink));

	if (!sink)
		return NULL;
	sink->take = take;
	sink->arg = arg;
	pthread_mutex_init(&sink->lock, NULL);
	pthread_cond_init(&sink->changed, NULL);
	return sink;
}

static void hide_rows(void *ctx, const struct event_desc *event, u64 *const *col, u32 rows)
{
	privacy__hide(ctx, event, col, rows);
}

void sink__hide(struct sink *sink, const struct privacy *privacy)
{
	data_encoder__edit(sink->encoder, hide_rows, (void *)privacy);
}

int sink__round(struct sink *sink, const struct resolution *to)
{
	return data_encoder__round(sink->encoder, to);
}

void sink__name_guest(struct sink *sink, struct guest_names *names)
{
	sink->names = names;
}

int sink__finish(struct sink *sink)
{
	bool failed;

	pthread_mutex_lock(&sink->lock);
	sink->finish = true;
	pthread_cond_broadcast(&sink->changed);
	pthread_mutex_unlock(&sink->lock);
	if (!sink->take)
		pthread_join(sink->thread, NULL);
	failed = sink->failed;
	data_encoder__free(sink->encoder);
	free(sink->frame.data);
	while (sink->nr_spares)
		free(take_spare(sink, 0).rows);
	free(sink);
	return failed ? -1 : 0;
}

/* As sink__batch(), but without room for rows; waits for its turn. */
static struct batch *batch_new(struct sink *sink)
{
	struct batch *b;
	bool failed;

	/* Batches that the caller still fills do not count: it may hold one per ring. */
	pthread_mutex_lock(&sink->lock);
	while (sink->nr_queued >= SINK_MAX_BATCHES && !sink->failed)
		pthread_cond_wait(&sink->changed, &sink->lock);
	failed = sink->failed;
	pthread_mutex_unlock(&sink->lock);
	if (failed)
		return NULL;
	b = mem__calloc(1, sizeof(*b));
	if (!b)
		sink__fail(sink);
	return b;
}

struct batch *sink__batch(struct sink *sink, enum data_frame_type type,
			  const struct event_desc *event, u32 stream, u32 nr)
{
	struct batch *b = batch_new(sink);

	if (!b)
		return NULL;
	find_rows(sink, b, (size_t)nr * event->size);
	if (!b->rows) {
		out_of_memory();
		free(b);
		sink__fail(sink);
		return NULL;
	}
	b->type = type;
	b->event = event;
	b->stream = stream;
	b->size = nr;
	return b;
}

void sink__put(struct sink *sink, struct batch *b)
{
	if (!b->json && !b->nr && !b->mark) {
		batch_free(sink, b);
		return;
	}
	if (sink->take) {
		if (sink->take(sink->arg, b))
			sink__fail(sink);
		batch_free(sink, b);
		return;
	}
	pthread_mutex_lock(&sink->lock);
	*sink->last = b;
	sink->last = &b->next;
	sink->nr_queued++;
	pthread_cond_broadcast(&sink->changed);
	pthread_mutex_unlock(&sink->lock);
}

void *sink__row(struct sink_rows *rows)
{
	struct batch *b = rows->batch;

	if (b && b->nr == b->size) {
		sink__put(rows->sink, b);
		b = NULL;
	}
	if (!b)
		b = sink__batch(rows->sink, rows->type, rows->event, 0, ROWS_AT_A_TIME);
	rows->batch = b;
	return b ? b->rows + (size_t)b->nr++ * rows->event->size : NULL;
}

void sink__end_rows(struct sink_rows *rows)
{
	if (rows->batch)
		sink__put(rows->sink, rows->batch);
}

int sink__json(struct sink *sink, enum data_frame_type type, char *json)
{
	struct batch *b = json ? batch_new(sink) : NULL;

	if (!b) {
		free(json);
		return -1;
	}
	b->type = type;
	b->json = json;
	sink__put(sink, b);
	return 0;
}

int sink__begun(struct sink *sink, bool aside, const struct kvmw_total *total)
{
	const struct event_desc *event = event_desc__by_id(KVMW_EVENT_TOTAL);
	struct batch *b = sink__batch(sink, DATA_STATS, event, 0, 1);

	if (!b)
		return -1;
	memcpy(b->rows, total, sizeof(*total));
	b->nr = 1;
	b->begun = true;
	b->aside = aside;
	sink__put(sink, b);
	return 0;
}

static int put_mark(struct sink *sink, const struct batch *mark)
{
	struct batch *b = batch_new(sink);

	if (!b) {
		free(mark->json);
		return -1;
	}
	*b = *mark;
	sink__put(sink, b);
	return 0;
}

int sink__mark(struct sink *sink, enum sink_mark mark, struct keep_snapshot *snapshot)
{
	return put_mark(sink, &(struct batch) { .mark = mark, .snapshot = snapshot });
}

int sink__ended(struct sink *sink, u32 vcpu)
{
	return put_mark(sink, &(struct batch) { .mark = MARK_ENDED, .stream = vcpu });
}

int sink__next(struct sink *sink, char *meta)
{
	return meta ? put_mark(sink, &(struct batch) { .mark = MARK_NEXT, .json = meta }) : -1;
}

int sink__last(struct sink *sink)
{
	return put_mark(sink, &(struct batch) { .mark = MARK_LAST });
}

void sink__fail(struct sink *sink)
{
	pthread_mutex_lock(&sink->lock);
	sink->failed = true;
	pthread_cond_broadcast(&sink->changed);
	pthread_mutex_unlock(&sink->lock);
}

bool sink__failed(struct sink *sink)
{
	bool failed;

	pthread_mutex_lock(&sink->lock);
	failed = sink->failed;
	pthread_mutex_unlock(&sink->lock);
	return failed;
}

u64 sink__bytes(struct sink *sink)
{
	u64 bytes;

	pthread_mutex_lock(&sink->lock);
	bytes = sink->bytes;
	pthread_mutex_unlock(&sink->lock);
	return bytes;
}
