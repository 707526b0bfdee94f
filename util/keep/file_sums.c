// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/keep/file.h"
#include "util/memory.h"

static const u32 tables[] = { KVMW_EVENT_TOTAL, KVMW_EVENT_HOLDER, KVMW_EVENT_TAKEN };

int file_sums__begin(struct file *f)
{
	f->decoder = data_decoder__new();
	keep_sums__init(&f->sums, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (schema__builtin(&f->schema, tables[i]))
			return -1;
	return f->decoder ? 0 : -1;
}

void file_sums__free(struct file *f)
{
	data_decoder__free(f->decoder);
	schema__free(&f->schema);
	keep_sums__free(&f->sums);
	for (u32 i = 0; i < f->nr_columns; i++)
		free(f->column[i]);
}

/* ---- added up ------------------------------------------------------------ */

static int make_room(struct file *f, u32 nr_fields, u32 rows)
{
	u32 room = rows > f->room ? data_row_room(rows) : f->room;

	if (room == f->room && nr_fields <= f->nr_columns)
		return 0;
	f->room = room;
	if (nr_fields > f->nr_columns)
		f->nr_columns = nr_fields;
	for (u32 i = 0; i < f->nr_columns; i++) {
		free(f->column[i]);
		f->column[i] = mem__calloc(room, sizeof(*f->column[i]));
		if (!f->column[i])
			return -1;
	}
	return 0;
}

static int add_one(struct file *f, const struct event_desc *event, u32 i)
{
	union {
		struct kvmw_total total;
		struct kvmw_holder holder;
		struct kvmw_taken taken;
	} row = { .total = { 0 } };

	memset(&row, 0, sizeof(row));
	event_desc__row(event, f->column, i, &row);
	return keep_sums__add(&f->sums, event->id, &row);
}

int file_sums__add(struct file *f, const struct keep_entry *e)
{
	const struct data_frame frame = {
		.type = DATA_STATS, .event = get32(e->data + FRAME_AT_EVENT),
		.rows = get32(e->data + FRAME_AT_ROWS),
		.size = get32(e->data + FRAME_AT_SIZE), .payload = e->data + FRAME_HDR_SIZE,
	};
	const struct event_desc *event = event_desc__by_id(frame.event);
	int fields[DATA_MAX_FIELDS];
	const char *why = "out of memory";

	for (u32 i = 0; i < event->nr_fields; i++)
		fields[i] = i;
	if (make_room(f, event->nr_fields, frame.rows))
		return -1;
	if (data_decoder__columns(f->decoder, schema__find(&f->schema, event->id), &frame, fields,
				  event->nr_fields, f->column, &why))
		return error("--keep: sums in memory are damaged: %s", why);
	for (u32 i = 0; i < frame.rows; i++)
		if (add_one(f, event, i))
			return -1;
	return 0;
}

/* ---- in the file --------------------------------------------------------- */

static int put_table(struct file *f, u32 event)
{
	u32 nr;
	void *rows = keep_sums__rows(&f->sums, event, &nr);
	int err;

	if (!rows)
		return -1;
	for (u32 i = 0; event == KVMW_EVENT_TOTAL && i < nr; i++)
		f->s->lost += ((const struct kvmw_total *)rows)[i].lost;
	err = file__put_rows(f, event, rows, nr);
	free(rows);
	return err;
}

int file_sums__put(struct file *f)
{
	struct kvmw_taken none = f->s->others;

	for (u32 i = 0; i < f->s->nr_open; i++)
		if (keep_sums__add(&f->sums, KVMW_EVENT_TOTAL, &f->s->open[i]))
			return -1;
	/* That nothing was taken is known, too. */
	none.count = none.bytes = none.guest_count = none.guest_bytes = 0;
	if (f->s->knows_taken && keep_sums__add(&f->sums, KVMW_EVENT_TAKEN, &none))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (put_table(f, tables[i]))
			return -1;
	return 0;
}
