// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/memory.h"
#include "util/part/out.h"

#define FLUSH_BYTES	(1u << 20)

int part_out__open(struct part_out *o)
{
	json_purse__earn(&o->purse, 0);
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
	if (o->entries.f)
		fclose(o->entries.f);
	free(o->entries.text);
}

/* ---- META and IDENT ------------------------------------------------------------ */

static int part_out__put_text(struct part_out *o, enum data_frame_type type, const char *text)
{
	if (!text)
		return out_of_memory();
	return data_encoder__json(o->encoder, type, text, &o->frame) ||
	       data_writer__append(o->writer, &o->frame) ? -1 : 0;
}

int part_out__json(struct part_out *o, enum data_frame_type type, struct json_object *root)
{
	int ret = part_out__put_text(o, type,
				     json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN));

	json_object_put(root);
	return ret;
}

int part_out__text(struct part_out *o, const struct data_frame *f, part_take_text *take, void *ctx)
{
	u32 bytes = data_frame__json_bytes(f);
	char *text = NULL;
	int ret;

	json_purse__earn(&o->purse, f->offset + f->size);
	if ((f->type == DATA_META && bytes > JSON_TEXT_MAX) ||
	    json_purse__pay_text(&o->purse, bytes))
		return 1;
	ret = data_decoder__json(o->decoder, f, &text);
	ret = ret ?: take(ctx, f, text);
	free(text);
	return ret;
}

static const char *const lists[] = {
	[PART_VMS] = "vms", [PART_VCPUS] = "vcpus", [PART_TASKS] = "tasks", [PART_NEIGHBOURS] = "neighbours",
	[PART_STACKS] = "stacks", [PART_TEXTS] = "texts", [PART_SYMBOLS] = "symbols",
};

int part_out__flush_entries(struct part_out *o)
{
	int ret;

	if (!o->entries.f)
		return 0;
	fputs("]}", o->entries.f);
	ret = fclose(o->entries.f) ? out_of_memory() : 0;
	o->entries.f = NULL;
	ret = ret ?: part_out__put_text(o, DATA_IDENT, o->entries.text);
	free(o->entries.text);
	o->entries.text = NULL;
	return ret;
}

int part_out__put_entry(struct part_out *o, enum part_list list, struct json_object *entry)
{
	if (o->entries.f && (list != o->entries.list || ftell(o->entries.f) > FLUSH_BYTES) &&
	    part_out__flush_entries(o))
		return -1;
	if (!o->entries.f) {
		o->entries.f = open_memstream(&o->entries.text, &o->entries.size);
		if (!o->entries.f)
			return out_of_memory();
		o->entries.list = list;
		fprintf(o->entries.f, "{\"%s\":[", lists[list]);
	} else {
		fputc(',', o->entries.f);
	}
	fputs(json_object_to_json_string_ext(entry, JSON_C_TO_STRING_PLAIN), o->entries.f);
	return 0;
}

int part_out__each_entry(struct part_out *o, const char *text,
			 int (*take)(void *ctx, u32 list, struct json_object *entry), void *ctx)
{
	bool any;
	int ret = json_text__each(&o->purse, text, lists, PART_NR_LISTS, take, ctx, &any);

	return part_out__flush_entries(o) ? -1 : ret;
}

/* ---- frames -------------------------------------------------------------------- */

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

int part_out__done(struct part_out *o, const struct data_frame *f, int ret)
{
	return ret > 0 ? part_out__drop(o, f) : ret;
}

const struct event_desc *part_out__event(const struct data_reader *r, const struct data_frame *f)
{
	const struct event_desc *event = event_desc__by_id(f->event);

	if (!event || !data_reader__event(r, f->event) || !f->rows ||
	    (event->class == EVENT_TABLE) == (f->type == DATA_EVENTS))
		return NULL;
	return event;
}

int part_out__take(struct part_out *o, const struct data_reader *r, const struct data_frame *f,
		   part_take_text *text, part_take_rows *rows, void *ctx)
{
	const struct event_desc *event;

	switch (f->type) {
	case DATA_SCHEMA:
	case DATA_INDEX:
	case DATA_END:
		return 0;	/* the writer has its own */
	case DATA_META:
	case DATA_IDENT:
		return part_out__done(o, f, part_out__text(o, f, text, ctx));
	case DATA_EVENTS:
	case DATA_LOSS:
	case DATA_STATS:
		if (!f->rows)
			return 0;
		event = part_out__event(r, f);
		return event ? part_out__done(o, f, rows(ctx, r, f, event)) : part_out__drop(o, f);
	default:
		return part_out__drop(o, f);
	}
}

int part_out__decode(struct part_out *o, const struct data_reader *r, const struct data_frame *f,
		     const struct event_desc *event,
		     bool (*want)(const struct event_desc *event, u32 field))
{
	const struct data_event *described = data_reader__event(r, f->event);
	int fields[DATA_MAX_FIELDS];
	u64 *col[DATA_MAX_FIELDS];
	const char *why;
	u32 nr = 0;

	for (u32 i = 0; i < event->nr_fields; i++) {
		if (want && !want(event, i))
			continue;
		if (!o->col[i])
			o->col[i] = malloc(DATA_MAX_ROWS * sizeof(u64));
		if (!o->col[i])
			return out_of_memory();
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

/* Whether its columns mean the same to who reads the copy, whose SCHEMA is this kvmw's. */
static bool can_copy(const struct data_event *described, const struct event_desc *event)
{
	for (u32 i = 0; i < event->nr_fields && i < described->nr_fields; i++)
		if (strcmp(described->fields[i].name, event->fields[i].name) ||
		    described->fields[i].type != event->fields[i].type)
			return false;
	return true;
}

bool part_column__is_unknown(const u64 *v, u32 nr)
{
	while (nr && v[nr - 1] == KVMW_NONE)
		nr--;
	return !nr;
}

bool part_out__fit(const struct part_out *o, const struct event_desc *event, u32 nr)
{
	/* This column all frames have. */
	if (part_column__is_unknown(o->col[0], nr))
		return false;
	for (u32 i = 0; i < event->nr_fields; i++) {
		u32 bits = 8 * field_type__width(event->fields[i].type);
		u64 offset = field_type__signed(event->fields[i].type) ? 1ULL << (bits - 1) : 0,
		    over = 0;

		if (bits == 64 || part_column__is_unknown(o->col[i], nr))
			continue;
		for (u32 k = 0; k < nr; k++)
			over |= o->col[i][k] + offset;
		if (over >> bits)
			return false;
	}
	return true;
}

int part_out__columns(struct part_out *o, const struct data_frame *f,
		      const struct event_desc *event, u32 nr)
{
	o->rows += f->type == DATA_EVENTS ? nr : 0;
	o->again += f->type == DATA_EVENTS;
	return data_encoder__columns(o->encoder, f->type, event, f->stream, o->col, nr,
				     &o->frame) || data_writer__append(o->writer, &o->frame) ? -1 :
	       0;
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
	if (ret)
		return ret;
	part_out__compact(o, event, f->rows, NULL);
	return part_out__fit(o, event, nr) ? part_out__columns(o, f, event, nr) : 1;
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
