// SPDX-License-Identifier: GPL-2.0
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "util/memory.h"
#include "util/privacy/scrub.h"

int scrub__open(struct scrub *s)
{
	return part_out__open(&s->out);
}

/* Columns that the recording has and this kvmw does not know. */
static void count_unknown(struct scrub *s, const struct event_desc *event,
			  const struct data_event *described, const struct data_frame *f)
{
	struct data_column cols[DATA_MAX_FIELDS];
	int nr = data_frame__columns(f, cols, ARRAY_SIZE(cols));

	for (int i = 0; i < nr; i++) {
		u32 field = cols[i].field;
		const char *name = field < described->nr_fields ?
				   described->fields[field].name : "";
		u8 *bits = s->unknown[event->id % ARRAY_SIZE(s->unknown)];

		if (field >= DATA_MAX_FIELDS || bits[field / 8] >> field % 8 & 1 ||
		    event_desc__field(event, name, strlen(name)) >= 0)
			continue;
		bits[field / 8] |= 1 << field % 8;
		s->dropped.fields++;
	}
}

/* Of the detail only where it is an address. */
static bool holds_secret(const struct scrub *s, const struct event_desc *event, u32 field, u32 rows)
{
	const u64 *v = s->out.col[field], *kind;

	if (event->fields[field].holds != KVMW_HOLDS_DETAIL)
		return !part_column__is_unknown(v, rows);
	kind = s->out.col[event_desc__field(event, "detail_kind", strlen("detail_kind"))];
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

static int scrub_rows(void *ctx, const struct data_reader *r, const struct data_frame *f,
		      const struct event_desc *event)
{
	struct scrub *s = ctx;
	int ret = part_out__decode(&s->out, r, f, event, NULL);

	ret = ret ?: !part_out__fit(&s->out, event, f->rows);
	if (ret)
		return ret;
	count_unknown(s, event, data_reader__event(r, f->event), f);
	note_secrets(s, event, f->rows);
	if (privacy__each_text(event, s->out.col, f->rows, scrub__use_text, s))
		return -1;
	privacy__hide(&s->privacy, event, s->out.col, f->rows);
	return part_out__columns(&s->out, f, event, f->rows);
}

static int scrub_text(void *ctx, const struct data_frame *f, const char *text)
{
	return f->type == DATA_META ? scrub__meta(ctx, text) : scrub__ident(ctx, text);
}

int scrub__take(struct scrub *s, const struct data_reader *r, const struct data_frame *f)
{
	return part_out__take(&s->out, r, f, scrub_text, scrub_rows, s);
}

bool scrub__is_whole(const struct scrub *s, const struct data_reader *r, u64 *missing_rows)
{
	size_t nr;

	data_reader__damage(r, &nr);
	*missing_rows = s->out.dropped_rows + data_reader__missing_rows(r);
	if (__builtin_add_overflow(*missing_rows, s->missed_before, missing_rows))
		*missing_rows = INT64_MAX;
	return !nr && !s->out.dropped_frames && !*missing_rows;
}

int scrub__finish(struct scrub *s, const struct data_reader *r)
{
	u64 rows;
	bool whole = scrub__is_whole(s, r, &rows);

	if (scrub__texts(s) ||
	    scrub__last_meta(s,
			     whole ? NULL : "kvmw scrub dropped what was damaged or unknown to it",
			     rows))
		return -1;
	/* Without its end, the copy is seen to lack something, as IN was. */
	return whole && data_reader__finished(r) ? data_writer__finish(s->out.writer) : 0;
}

void scrub__close(struct scrub *s)
{
	part_out__close(&s->out);
	for (u32 i = 0; i < s->texts.nr; i++)
		free(((struct scrub_text *)hash_table__at(&s->texts, i))->text);
	hash_table__free(&s->texts);
	json_object_put(s->notes);
	json_object_put(s->states);
}
