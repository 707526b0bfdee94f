// SPDX-License-Identifier: GPL-2.0
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "util/memory.h"
#include "util/privacy/scrub.h"

int scrub__open(struct scrub *s)
{
	u32 most = 0;
	size_t nr;
	const struct event_desc *events = event_desc__all(&nr);

	for (size_t i = 0; i < nr; i++)
		most = events[i].nr_fields > most ? events[i].nr_fields : most;
	for (u32 i = 0; i < most; i++) {
		s->col[i] = malloc(DATA_MAX_ROWS * sizeof(u64));
		if (!s->col[i])
			return out_of_memory();
	}
	s->encoder = data_encoder__new();
	s->decoder = s->encoder ? data_decoder__new() : NULL;
	return s->decoder ? 0 : -1;
}

int scrub__json(struct scrub *s, enum data_frame_type type, const char *text)
{
	return data_encoder__json(s->encoder, type, text, &s->frame) ||
	       data_writer__append(s->writer, &s->frame) ? -1 : 0;
}

static int drop_frame(struct scrub *s, const struct data_frame *f)
{
	s->dropped.frames++;
	s->dropped.rows += f->rows;
	return 0;
}

/* Columns that the recording has and this kvmw does not know. */
static void count_unknown(struct scrub *s, const struct event_desc *event, const struct data_event *described,
			  const struct data_frame *f)
{
	struct data_column cols[DATA_MAX_FIELDS];
	int nr = data_frame__columns(f, cols, ARRAY_SIZE(cols));

	for (int i = 0; i < nr; i++) {
		u32 field = cols[i].field;
		const char *name = field < described->nr_fields ? described->fields[field].name : "";
		u8 *bits = s->unknown[event->id % ARRAY_SIZE(s->unknown)];

		if (field >= DATA_MAX_FIELDS || bits[field / 8] >> field % 8 & 1 ||
		    event_desc__field(event, name, strlen(name)) >= 0)
			continue;
		bits[field / 8] |= 1 << field % 8;
		s->dropped.fields++;
	}
}

static bool is_absent(const u64 *v, u32 nr)
{
	while (nr && v[nr - 1] == KVMW_NONE)
		nr--;
	return !nr;
}

/* Whether the values fit the fields as this kvmw has them: the recording may say otherwise. */
static bool rows_fit(const struct scrub *s, const struct event_desc *event, u32 nr)
{
	if (is_absent(s->col[0], nr))
		return false;
	for (u32 i = 0; i < event->nr_fields; i++) {
		u32 bits = 8 * field_type__width(event->fields[i].type);
		u64 offset = field_type__signed(event->fields[i].type) ? 1ULL << (bits - 1) : 0, over = 0;

		if (bits == 64 || is_absent(s->col[i], nr))
			continue;
		for (u32 k = 0; k < nr; k++)
			over |= s->col[i][k] + offset;
		if (over >> bits)
			return false;
	}
	return true;
}

/* Of the detail only where it is an address. */
static bool holds_secret(const struct scrub *s, const struct event_desc *event, u32 field, u32 rows)
{
	const u64 *v = s->col[field], *kind;

	if (event->fields[field].holds != KVMW_HOLDS_DETAIL)
		return !is_absent(v, rows);
	kind = s->col[event_desc__field(event, "detail_kind", strlen("detail_kind"))];
	for (u32 i = 0; i < rows; i++)
		if (v[i] != KVMW_NONE && (detail_is_mmio(kind[i]) || detail_is_fault(kind[i])))
			return true;
	return false;
}

static void note_secrets(struct scrub *s, const struct event_desc *event, u32 rows)
{
	for (u32 i = 0; i < event->nr_fields; i++) {
		enum kvmw_secret secret = secret_of_field(&event->fields[i]);

		if (secret != KVMW_SECRET_NONE && !s->met[secret])
			s->met[secret] = holds_secret(s, event, i, rows);
	}
}

static int scrub_rows(struct scrub *s, const struct data_reader *r, const struct data_frame *f)
{
	const struct event_desc *event = event_desc__by_id(f->event);
	const struct data_event *described = data_reader__event(r, f->event);
	int fields[DATA_MAX_FIELDS];
	const char *why;
	int ret;

	if (!event || !described || !f->rows || (event->class == EVENT_TABLE) == (f->type == DATA_EVENTS))
		return drop_frame(s, f);
	for (u32 i = 0; i < event->nr_fields; i++)
		fields[i] = data_event__field(described, event->fields[i].name);
	ret = data_decoder__columns(s->decoder, described, f, fields, event->nr_fields, s->col, &why);
	if (ret < 0)
		return -1;
	if (ret || !rows_fit(s, event, f->rows))
		return drop_frame(s, f);
	count_unknown(s, event, described, f);
	note_secrets(s, event, f->rows);
	if (privacy__each_text(event, s->col, f->rows, scrub__use_text, s))
		return -1;
	privacy__hide(&s->privacy, event, s->col, f->rows);
	s->rows += f->type == DATA_EVENTS ? f->rows : 0;
	return data_encoder__columns(s->encoder, f->type, event, f->stream, s->col, f->rows, &s->frame) ||
	       data_writer__append(s->writer, &s->frame) ? -1 : 0;
}

static int scrub_text(struct scrub *s, const struct data_frame *f)
{
	u32 bytes = data_frame__json_bytes(f);
	char *text = NULL;
	int ret;

	json_purse__earn(&s->purse, f->offset + f->size);
	if ((f->type == DATA_META && bytes > JSON_TEXT_MAX) || json_purse__pay_text(&s->purse, bytes))
		return drop_frame(s, f);
	ret = data_decoder__json(s->decoder, f, &text);
	if (!ret)
		ret = f->type == DATA_META ? scrub__meta(s, text) : scrub__ident(s, text);
	free(text);
	return ret > 0 ? drop_frame(s, f) : ret;
}

int scrub__take(struct scrub *s, const struct data_reader *r, const struct data_frame *f)
{
	switch (f->type) {
	case DATA_SCHEMA:
	case DATA_INDEX:
	case DATA_END:
		return 0;	/* the writer has its own */
	case DATA_META:
	case DATA_IDENT:
		return scrub_text(s, f);
	case DATA_EVENTS:
	case DATA_LOSS:
	case DATA_STATS:
		return scrub_rows(s, r, f);
	default:
		return drop_frame(s, f);
	}
}

bool scrub__is_whole(const struct scrub *s, const struct data_reader *r, u64 *missing_rows)
{
	size_t nr;

	data_reader__damage(r, &nr);
	*missing_rows = s->dropped.rows + data_reader__missing_rows(r);
	if (__builtin_add_overflow(*missing_rows, s->missed_before, missing_rows))
		*missing_rows = INT64_MAX;
	return !nr && !s->dropped.frames && !*missing_rows;
}

int scrub__finish(struct scrub *s, const struct data_reader *r)
{
	u64 rows;
	bool whole = scrub__is_whole(s, r, &rows);

	if (scrub__texts(s) ||
	    scrub__last_meta(s, whole ? NULL : "kvmw scrub dropped what was damaged or unknown to it", rows))
		return -1;
	/* Without its end, the copy is seen to lack something, as IN was. */
	return whole && data_reader__finished(r) ? data_writer__finish(s->writer) : 0;
}

void scrub__close(struct scrub *s)
{
	for (u32 i = 0; i < ARRAY_SIZE(s->col); i++)
		free(s->col[i]);
	data_encoder__free(s->encoder);
	data_decoder__free(s->decoder);
	free(s->frame.data);
	if (s->list)
		fclose(s->list);
	free(s->list_text);
	for (u32 i = 0; i < s->texts.nr; i++)
		free(((struct scrub_text *)hash_table__at(&s->texts, i))->text);
	hash_table__free(&s->texts);
	json_object_put(s->notes);
	json_object_put(s->states);
}
