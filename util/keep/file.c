// SPDX-License-Identifier: GPL-2.0
/* A snapshot of a window, written by a thread of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "util/data/format.h"
#include "util/error.h"
#include "util/keep/window.h"
#include "util/memory.h"

struct file {
	struct keep_snapshot *s;
	struct data_encoder *encoder;
	struct data_decoder *decoder;
	struct schema schema;
	struct data_buf frame;
	struct hash_table totals;
	u64 *column[32];
	u32 room;			/* rows of column[] */
};

struct window_total {
	struct { u32 vcpu, event, isa, reason; } key;
	struct kvmw_total sum;
};

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

	snprintf(text, sizeof(text), "{\"start_ns\":%llu,\"stop\":{\"time_ns\":%llu,\"why\":\"snapshot\"}}",
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

/* ---- totals -------------------------------------------------------------- */

static int make_room(struct file *f, u32 nr_fields, u32 rows)
{
	if (rows <= f->room)
		return 0;
	for (u32 i = 0; i < nr_fields; i++) {
		u64 *column = mem__calloc(data_row_room(rows), sizeof(*column));

		if (!column)
			return -1;
		free(f->column[i]);
		f->column[i] = column;
	}
	f->room = data_row_room(rows);
	return 0;
}

/* The reverse of what the encoder does. */
static struct kvmw_total row_of(const struct file *f, const struct event_desc *total, u32 row)
{
	struct kvmw_total to = { 0 };

	for (u32 i = 0; i < total->nr_fields; i++)
		memcpy((u8 *)&to + total->fields[i].offset, &f->column[i][row],
		       field_type__width(total->fields[i].type));
	return to;
}

static int add_total_row(struct file *f, const struct kvmw_total *row)
{
	const struct window_total key = { .key = { row->vcpu, row->event, row->isa, row->reason } };
	struct window_total *to = hash_table__get(&f->totals, &key.key);

	if (!to)
		return -1;
	account__add(&to->sum, row);
	return 0;
}

static int add_totals(struct file *f, const struct keep_entry *e)
{
	const struct event_desc *total = event_desc__by_id(KVMW_EVENT_TOTAL);
	const struct data_frame frame = {
		.type = DATA_STATS, .event = KVMW_EVENT_TOTAL, .rows = get32(e->data + FRAME_AT_ROWS),
		.size = get32(e->data + FRAME_AT_SIZE), .payload = e->data + FRAME_HDR_SIZE,
	};
	int fields[ARRAY_SIZE(f->column)];
	const char *why;

	for (u32 i = 0; i < total->nr_fields; i++)
		fields[i] = i;
	if (make_room(f, total->nr_fields, frame.rows))
		return -1;
	if (data_decoder__columns(f->decoder, schema__find(&f->schema, KVMW_EVENT_TOTAL), &frame, fields,
				  total->nr_fields, f->column, &why))
		return error("--keep: totals in memory are damaged: %s", why);
	for (u32 i = 0; i < frame.rows; i++) {
		const struct kvmw_total row = row_of(f, total, i);

		if (add_total_row(f, &row))
			return -1;
	}
	return 0;
}

static int file__put_rows(struct file *f, u32 event, const void *rows, u32 nr)
{
	return data_encoder__rows(f->encoder, DATA_STATS, event_desc__by_id(event), 0, rows, nr, &f->frame) ||
	       data_writer__append(f->s->writer, &f->frame) ? -1 : 0;
}

static int put_totals(struct file *f)
{
	struct kvmw_total *rows;
	int err = 0;
	u32 nr;

	for (u32 i = 0; i < f->s->nr_open; i++)
		if (add_total_row(f, &f->s->open[i]))
			return -1;
	nr = f->totals.nr;
	rows = mem__calloc(nr ?: 1, sizeof(*rows));
	if (!rows)
		return -1;

	for (u32 i = 0; i < nr && !err; i++) {
		const struct window_total *from = hash_table__at(&f->totals, i);

		rows[i] = from->sum;
		rows[i].vcpu = from->key.vcpu;
		rows[i].event = from->key.event;
		rows[i].isa = from->key.isa;
		rows[i].reason = from->key.reason;
		f->s->lost += rows[i].lost;
	}
	for (u32 i = 0, more; i < nr && !err; i += more) {
		more = nr - i < DATA_MAX_ROWS ? nr - i : DATA_MAX_ROWS;
		err = file__put_rows(f, KVMW_EVENT_TOTAL, &rows[i], more);
	}
	free(rows);
	return err;
}

/* What the recorder cost since the window began. */
static int put_cost(struct file *f)
{
	const struct kvmw_cost *from = &f->s->begin.cost, *to = &f->s->end.cost;
	const struct kvmw_cost cost = {
		.time_ns = to->time_ns,
		.bpf_ns = to->bpf_ns - from->bpf_ns,
		.bpf_events = to->bpf_events - from->bpf_events,
		.cpu_ns = to->cpu_ns - from->cpu_ns,
		.events = to->events - from->events,
		.bytes = data_writer__bytes(f->s->writer),
	};

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
	case KEEP_TOTALS:
		return add_totals(f, e);
	case KEEP_MOMENT:
		return e->len && e->number == moment ? put_frame(f, e) : 0;
	case KEEP_ASIDE:
		/* The end of something of which the start is not known says nothing. */
		if (e->number != f->s->number || (!moment && get16(e->data + FRAME_AT_TYPE) == DATA_STATS))
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
	f->decoder = data_decoder__new();
	f->totals = HASH_TABLE(struct window_total, NULL);
	if (!f->encoder || !f->decoder || schema__builtin(&f->schema, KVMW_EVENT_TOTAL))
		return -1;
	return put_meta(f) || put_ident(f) || put_entries(f) || put_totals(f) || put_cost(f) ||
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
	data_decoder__free(f.decoder);
	schema__free(&f.schema);
	hash_table__free(&f.totals);
	free(f.frame.data);
	for (size_t i = 0; i < ARRAY_SIZE(f.column); i++)
		free(f.column[i]);
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
