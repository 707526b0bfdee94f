// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/keep/file.h"
#include "util/memory.h"

#define NTH_HOLDER	8		/* bits of a place in the kernel; above: its how manyth holder */

struct window_total {
	struct { u32 vcpu, event, isa, reason; } key;
	struct kvmw_total sum;
};

struct window_holder {
	struct { u32 vcpu, place, tid, pad; } key;
	struct kvmw_holder sum;
};

struct window_taken {
	struct { u64 place; } key;
	struct kvmw_taken sum;
};

static const u32 tables[] = { KVMW_EVENT_TOTAL, KVMW_EVENT_HOLDER, KVMW_EVENT_TAKEN };

int file_sums__begin(struct file *f)
{
	f->decoder = data_decoder__new();
	f->totals = HASH_TABLE(struct window_total, NULL);
	f->holders = HASH_TABLE(struct window_holder, NULL);
	f->takens = HASH_TABLE(struct window_taken, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (schema__builtin(&f->schema, tables[i]))
			return -1;
	return f->decoder ? 0 : -1;
}

void file_sums__free(struct file *f)
{
	data_decoder__free(f->decoder);
	schema__free(&f->schema);
	hash_table__free(&f->totals);
	hash_table__free(&f->holders);
	hash_table__free(&f->takens);
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

/* The reverse of what the encoder does. */
static void row_of(const struct file *f, const struct event_desc *event, u32 i, void *row)
{
	for (u32 k = 0; k < event->nr_fields; k++)
		memcpy((u8 *)row + event->fields[k].offset, &f->column[k][i],
		       field_type__width(event->fields[k].type));
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

static int add_holder_row(struct file *f, const struct kvmw_holder *row)
{
	const struct window_holder key = { .key = { row->vcpu, row->place, row->tid, 0 } };
	struct window_holder *to = hash_table__get(&f->holders, &key.key);

	if (!to)
		return -1;
	deltas__add_holder(&to->sum, row);
	return 0;
}

static int add_taken_row(struct file *f, const struct kvmw_taken *row)
{
	const struct window_taken key = { .key = { row->place } };
	struct window_taken *to = hash_table__get(&f->takens, &key.key);

	if (!to)
		return -1;
	deltas__add_taken(&to->sum, row);
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
	row_of(f, event, i, &row);
	return event->id == KVMW_EVENT_TOTAL ? add_total_row(f, &row.total) :
	       event->id == KVMW_EVENT_HOLDER ? add_holder_row(f, &row.holder) : add_taken_row(f, &row.taken);
}

int file_sums__add(struct file *f, const struct keep_entry *e)
{
	const struct data_frame frame = {
		.type = DATA_STATS, .event = get32(e->data + FRAME_AT_EVENT), .rows = get32(e->data + FRAME_AT_ROWS),
		.size = get32(e->data + FRAME_AT_SIZE), .payload = e->data + FRAME_HDR_SIZE,
	};
	const struct event_desc *event = event_desc__by_id(frame.event);
	int fields[DATA_MAX_FIELDS];
	const char *why = "out of memory";

	for (u32 i = 0; i < event->nr_fields; i++)
		fields[i] = i;
	if (make_room(f, event->nr_fields, frame.rows))
		return -1;
	if (data_decoder__columns(f->decoder, schema__find(&f->schema, event->id), &frame, fields, event->nr_fields,
				  f->column, &why))
		return error("--keep: sums in memory are damaged: %s", why);
	for (u32 i = 0; i < frame.rows; i++)
		if (add_one(f, event, i))
			return -1;
	return 0;
}

/* ---- in the file --------------------------------------------------------- */

static int file_sums__totals(struct file *f)
{
	u32 nr = f->totals.nr;
	struct kvmw_total *rows = mem__calloc(nr ?: 1, sizeof(*rows));
	int err;

	if (!rows)
		return -1;
	for (u32 i = 0; i < nr; i++) {
		const struct window_total *from = hash_table__at(&f->totals, i);

		rows[i] = from->sum;
		rows[i].vcpu = from->key.vcpu;
		rows[i].event = from->key.event;
		rows[i].isa = from->key.isa;
		rows[i].reason = from->key.reason;
		f->s->lost += rows[i].lost;
	}
	err = file__put_rows(f, KVMW_EVENT_TOTAL, rows, nr);
	free(rows);
	return err;
}

/* Several threads may have had a place one after another: each gets one of its own. */
static int file_sums__holders(struct file *f)
{
	u32 nr = f->holders.nr;
	struct kvmw_holder *rows = mem__calloc(nr ?: 1, sizeof(*rows));
	int err;

	if (!rows)
		return -1;
	for (u32 i = 0; i < nr; i++) {
		const struct window_holder *from = hash_table__at(&f->holders, i);

		rows[i] = from->sum;
		rows[i].place += i << NTH_HOLDER;
	}
	err = file__put_rows(f, KVMW_EVENT_HOLDER, rows, nr);
	free(rows);
	return err;
}

static int file_sums__takens(struct file *f)
{
	struct kvmw_taken none = f->s->others, *rows;
	int err;
	u32 nr;

	/* That nothing was taken is known, too. */
	none.count = none.bytes = none.guest_count = none.guest_bytes = 0;
	if (f->s->knows_taken && add_taken_row(f, &none))
		return -1;
	nr = f->takens.nr;
	rows = mem__calloc(nr ?: 1, sizeof(*rows));
	if (!rows)
		return -1;
	for (u32 i = 0; i < nr; i++)
		rows[i] = ((const struct window_taken *)hash_table__at(&f->takens, i))->sum;
	err = file__put_rows(f, KVMW_EVENT_TAKEN, rows, nr);
	free(rows);
	return err;
}

int file_sums__put(struct file *f)
{
	for (u32 i = 0; i < f->s->nr_open; i++)
		if (add_total_row(f, &f->s->open[i]))
			return -1;
	return file_sums__totals(f) || file_sums__holders(f) || file_sums__takens(f) ? -1 : 0;
}
