// SPDX-License-Identifier: GPL-2.0
/* A snapshot of a window, written by a thread of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "util/data/format.h"
#include "util/error.h"
#include "util/keep/file.h"

static int put_json(struct file *f, enum data_frame_type type, const char *text)
{
	f->frame.len = 0;
	return data_encoder__json(f->encoder, type, text, &f->frame) ||
	       data_writer__append(f->s->writer, &f->frame) ? -1 : 0;
}

static int put_meta(struct file *f)
{
	const struct keep_snapshot *s = f->s;
	char text[160];

	snprintf(text, sizeof(text),
		 "{\"start_ns\":%llu,\"stop\":{\"time_ns\":%llu,\"why\":\"snapshot\"}}",
		 (unsigned long long)s->begin.time_ns, (unsigned long long)s->end.time_ns);
	return put_json(f, DATA_META, s->meta) || put_json(f, DATA_META, text) ? -1 : 0;
}

static int put_ident(struct file *f)
{
	char *at = f->s->ident;

	for (char *line; (line = strsep(&at, "\n")); )
		if (*line && put_json(f, DATA_IDENT, line))
			return -1;
	return 0;
}

/* It is the writer's until the snapshot needs it no more: its number is written into it. */
static int put_frame(struct file *f, struct keep_entry *e)
{
	struct data_buf frame = { .data = e->data, .len = e->len };

	if (get16(e->data + FRAME_AT_TYPE) == DATA_EVENTS)
		f->s->events += get32(e->data + FRAME_AT_ROWS);
	return data_writer__append(f->s->writer, &frame);
}

/* ---- sums ------------------------------------------------------------- */

int file__put_rows(struct file *f, u32 event, const void *rows, u32 nr)
{
	for (u32 more; nr;
	     nr -= more, rows = (const u8 *)rows + (size_t)more * event_desc__by_id(event)->size) {
		more = nr < DATA_MAX_ROWS ? nr : DATA_MAX_ROWS;
		if (data_encoder__rows(f->encoder, DATA_STATS, event_desc__by_id(event), 0, rows,
				       more, &f->frame) ||
		    data_writer__append(f->s->writer, &f->frame))
			return -1;
	}
	return 0;
}

/* What the recorder cost since the window began. */
static int put_cost(struct file *f)
{
	const struct kvmw_cost cost =
		deltas__cost(&f->s->begin.cost, &f->s->end.cost, data_writer__bytes(f->s->writer));

	return file__put_rows(f, KVMW_EVENT_COST, &cost, 1);
}

/* ---- all of it ----------------------------------------------------------- */

/* The first moment whose tables are all there: the one before it lost some, or all. */
static u32 first_moment(const struct keep_snapshot *s)
{
	for (u64 at = s->at; at < s->cut; ) {
		const struct keep_entry *e = keep_ring__at(&s->window->ring, at);

		if (e->what == KEEP_MOMENT && !e->len)
			return e->number;
		at += e->bytes;
	}
	return 0;
}

static int file__put_entry(struct file *f, struct keep_entry *e, u32 moment)
{
	switch (e->what) {
	case KEEP_FRAME:
		return put_frame(f, e);
	case KEEP_SUMS:
		return file_sums__add(f, e);
	case KEEP_MOMENT:
		return e->len && e->number == moment ? put_frame(f, e) : 0;
	case KEEP_ASIDE:
		/* An end without a known start says nothing. */
		if (e->number != f->s->number ||
		    (!moment && get16(e->data + FRAME_AT_TYPE) == DATA_STATS))
			return 0;
		return put_frame(f, e);
	default:
		return 0;
	}
}

static int put_entries(struct file *f)
{
	struct keep_window *w = f->s->window;
	u32 moment = first_moment(f->s);
	int err = 0;

	for (u64 at = f->s->at; at < f->s->to && !err; ) {
		struct keep_entry *e = keep_ring__at(&w->ring, at);

		if (at < f->s->cut || e->what == KEEP_ASIDE)
			err = file__put_entry(f, e, moment);
		at += e->bytes;
		pthread_mutex_lock(&w->lock);
		w->needed = at;
		pthread_cond_signal(&w->changed);
		pthread_mutex_unlock(&w->lock);
	}
	return err;
}

static int put_all(struct file *f)
{
	f->encoder = data_encoder__new();
	if (!f->encoder || file_sums__begin(f))
		return -1;
	return put_meta(f) || put_ident(f) || put_entries(f) || file_sums__put(f) || put_cost(f) ||
	       data_writer__finish(f->s->writer) ? -1 : 0;
}

void *keep_snapshot__write(void *arg)
{
	struct keep_snapshot *s = arg;
	struct file f = { .s = s };

	s->failed = put_all(&f);
	pthread_mutex_lock(&s->window->lock);
	s->window->needed = KVMW_NONE;
	pthread_cond_signal(&s->window->changed);
	pthread_mutex_unlock(&s->window->lock);
	data_encoder__free(f.encoder);
	file_sums__free(&f);
	free(f.frame.data);
	eventfd_write(s->told, 1);
	return NULL;
}

int keep_snapshot__end(struct keep_snapshot *s)
{
	if (s->running)
		pthread_join(s->thread, NULL);
	s->bytes = data_writer__bytes(s->writer);
	if (data_writer__close(s->writer))
		s->failed = true;
	free(s->meta);
	free(s->ident);
	free(s->open);
	return s->failed ? -1 : 0;
}
