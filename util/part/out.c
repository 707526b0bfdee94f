// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/memory.h"
#include "util/part/out.h"

int part_out__open(struct part_out *o)
{
	u32 most = 0;
	size_t nr;
	const struct event_desc *events = event_desc__all(&nr);

	for (size_t i = 0; i < nr; i++)
		most = events[i].nr_fields > most ? events[i].nr_fields : most;
	for (u32 i = 0; i < most; i++) {
		o->col[i] = malloc(DATA_MAX_ROWS * sizeof(u64));
		if (!o->col[i])
			return out_of_memory();
	}
	o->keep = mem__calloc(1, DATA_MAX_ROWS);
	o->encoder = o->keep ? data_encoder__new() : NULL;
	o->decoder = o->encoder ? data_decoder__new() : NULL;
	return o->decoder ? 0 : -1;
}

void part_out__close(struct part_out *o)
{
	data_encoder__free(o->encoder);
	data_decoder__free(o->decoder);
	for (u32 i = 0; i < ARRAY_SIZE(o->col); i++)
		free(o->col[i]);
	free(o->keep);
	free(o->frame.data);
}

int part_out__json(struct part_out *o, enum data_frame_type type, const char *text)
{
	if (!text)
		return out_of_memory();
	return data_encoder__json(o->encoder, type, text, &o->frame) ||
	       data_writer__append(o->writer, &o->frame) ? -1 : 0;
}

int part_out__copy(struct part_out *o, const struct data_frame *f)
{
	o->rows += f->type == DATA_EVENTS ? f->rows : 0;
	o->whole += f->type == DATA_EVENTS;
	return data_frame__copy(f, &o->frame) || data_writer__append(o->writer, &o->frame) ? -1 : 0;
}

int part_out__drop(struct part_out *o, const struct data_frame *f)
{
	o->dropped_frames++;
	o->dropped_rows += f->type == DATA_EVENTS ? f->rows : 0;
	return 0;
}

const struct event_desc *part_out__event(const struct data_reader *r, const struct data_frame *f)
{
	const struct event_desc *event = event_desc__by_id(f->event);

	if (!event || !data_reader__event(r, f->event) || !f->rows ||
	    (event->class == EVENT_TABLE) == (f->type == DATA_EVENTS))
		return NULL;
	return event;
}

int part_out__decode(struct part_out *o, const struct data_reader *r, const struct data_frame *f,
		     const struct event_desc *event, bool (*want)(const struct event_desc *event, u32 field))
{
	const struct data_event *described = data_reader__event(r, f->event);
	int fields[DATA_MAX_FIELDS];
	u64 *col[DATA_MAX_FIELDS];
	const char *why;
	u32 nr = 0;

	for (u32 i = 0; i < event->nr_fields; i++) {
		if (want && !want(event, i))
			continue;
		fields[nr] = data_event__field(described, event->fields[i].name);
		col[nr++] = o->col[i];
	}
	return data_decoder__columns(o->decoder, described, f, fields, nr, col, &why);
}

void part_out__compact(struct part_out *o, const struct event_desc *event, u32 rows,
		       bool (*want)(const struct event_desc *event, u32 field))
{
	for (u32 k = 0; k < event->nr_fields; k++) {
		u32 kept = 0;

		if (want && !want(event, k))
			continue;
		for (u32 i = 0; i < rows; i++) {
			o->col[k][kept] = o->col[k][i];
			kept += o->keep[i];
		}
	}
}

/* Whether its columns mean the same to whoever reads the copy, whose SCHEMA is that of this kvmw. */
static bool can_copy(const struct data_event *described, const struct event_desc *event)
{
	for (u32 i = 0; i < event->nr_fields && i < described->nr_fields; i++)
		if (strcmp(described->fields[i].name, event->fields[i].name) ||
		    described->fields[i].type != event->fields[i].type)
			return false;
	return true;
}

/* Whether the values fit the fields as this kvmw has them: the recording may say otherwise. */
static bool part_out__fit(const struct part_out *o, const struct event_desc *event, u32 nr)
{
	for (u32 i = 0; i < event->nr_fields; i++) {
		u32 bits = 8 * field_type__width(event->fields[i].type);
		u64 offset = field_type__signed(event->fields[i].type) ? 1ULL << (bits - 1) : 0, over = 0;

		if (bits == 64)
			continue;
		for (u32 k = 0; k < nr; k++)
			over |= o->col[i][k] == KVMW_NONE ? 0 : o->col[i][k] + offset;
		if (over >> bits)
			return false;
	}
	return true;
}

int part_out__put_kept(struct part_out *o, const struct data_reader *r, const struct data_frame *f,
		       const struct event_desc *event, u32 nr)
{
	int ret;

	if (!nr)
		return 0;
	if (nr == f->rows && can_copy(data_reader__event(r, f->event), event))
		return part_out__copy(o, f);
	ret = part_out__decode(o, r, f, event, NULL);
	if (ret < 0)
		return -1;
	if (ret)
		return part_out__drop(o, f);
	part_out__compact(o, event, f->rows, NULL);
	if (!part_out__fit(o, event, nr))
		return part_out__drop(o, f);
	o->rows += f->type == DATA_EVENTS ? nr : 0;
	o->again += f->type == DATA_EVENTS;
	return data_encoder__columns(o->encoder, f->type, event, f->stream, o->col, nr, &o->frame) ||
	       data_writer__append(o->writer, &o->frame) ? -1 : 0;
}

int part_out__rows(struct part_out *o, u32 event, const void *rows, u32 nr)
{
	const struct event_desc *desc = event_desc__by_id(event);

	for (u32 more; nr; nr -= more, rows = (const u8 *)rows + (size_t)more * desc->size) {
		more = nr < DATA_MAX_ROWS ? nr : DATA_MAX_ROWS;
		if (data_encoder__rows(o->encoder, DATA_STATS, desc, 0, rows, more, &o->frame) ||
		    data_writer__append(o->writer, &o->frame))
			return -1;
	}
	return 0;
}
