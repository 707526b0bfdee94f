// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/info.h"
#include "util/array.h"
#include "util/privacy/privacy.h"

#define MAX_COLUMNS	DATA_MAX_FIELDS

const char *frame_type__name(u32 type, char *buf)
{
	static const char *const names[] = {
		[DATA_SCHEMA] = "SCHEMA", [DATA_META] = "META", [DATA_IDENT] = "IDENT",
		[DATA_EVENTS] = "EVENTS", [DATA_LOSS] = "LOSS", [DATA_STATS] = "STATS",
		[DATA_INDEX] = "INDEX", [DATA_END] = "END",
	};

	if (type < ARRAY_SIZE(names) && names[type])
		return names[type];
	snprintf(buf, 16, "type %u", type);
	return buf;
}

/* Room for the columns of an event, named and typed as the recording says. */
static int info__describe(struct info_frames *k, const struct data_event *event)
{
	u32 nr = event->nr_fields;

	snprintf(k->name, sizeof(k->name), "%s", event->name);
	k->column = calloc(nr ?: 1, sizeof(*k->column));
	k->column_name = calloc(nr ?: 1, sizeof(*k->column_name));
	k->column_type = calloc(nr ?: 1, sizeof(*k->column_type));
	if (!k->column || !k->column_name || !k->column_type)
		return out_of_memory();
	k->nr_columns = nr;
	for (u32 i = 0; i < nr; i++) {
		snprintf(k->column_name[i], sizeof(k->column_name[i]), "%s",
			 event->fields[i].name);
		snprintf(k->column_type[i], sizeof(k->column_type[i]), "%s",
			 field_type__name(event->fields[i].type));
	}
	return 0;
}

static struct info_frames *info__find(struct recording_info *inv, const struct data_reader *r,
			       const struct data_frame *f)
{
	const struct data_event *event = f->event ? data_reader__event(r, f->event) : NULL;
	struct info_frames *k;

	for (u32 i = 0; i < inv->nr; i++)
		if (inv->frames[i].type == f->type && inv->frames[i].event == f->event)
			return &inv->frames[i];
	/* The last kind takes all that follow. */
	if (inv->nr == INV_MAX)
		return &inv->frames[inv->nr - 1];
	if (array__reserve(inv->frames, inv->nr, inv->room, NULL))
		return NULL;
	k = &inv->frames[inv->nr++];
	*k = (struct info_frames) { .type = f->type, .event = f->event, .first_ns = UINT64_MAX };
	return event && info__describe(k, event) ? NULL : k;
}

static void add_encoding(struct info_column *column, const char *encoding)
{
	for (u32 i = 0; i < column->nr_encodings; i++)
		if (!strcmp(column->encoding[i], encoding))
			return;
	if (column->nr_encodings < INFO_ENCODINGS)
		column->encoding[column->nr_encodings++] = encoding;
}

static int add_columns(struct recording *rec, struct info_frames *k, const struct data_frame *f)
{
	struct data_column cols[MAX_COLUMNS];
	int nr = data_frame__columns(f, cols, ARRAY_SIZE(cols));

	if (nr < 0)
		return recording__damaged(rec, f, 0, "damaged column directory");
	for (int i = 0; i < nr; i++) {
		if (cols[i].field >= k->nr_columns)
			continue;
		k->column[cols[i].field].stored += cols[i].stored;
		k->column[cols[i].field].raw += cols[i].raw;
		add_encoding(&k->column[cols[i].field], cols[i].encoding);
	}
	return 0;
}

static int add_frame(struct recording *rec, struct recording_info *inv, const struct data_reader *r,
		     const struct data_frame *f)
{
	struct info_frames *k = info__find(inv, r, f);

	if (!k)
		return -1;
	k->frames++;
	k->rows += f->rows;
	k->bytes += f->size;
	if (f->rows) {
		k->first_ns = f->first_ns < k->first_ns ? f->first_ns : k->first_ns;
		k->last_ns = f->last_ns > k->last_ns ? f->last_ns : k->last_ns;
	}
	/* The last frames are in none until the recorder finishes. */
	if (f->type != DATA_END)
		inv->has_index = f->type == DATA_INDEX;
	return k->nr_columns ? add_columns(rec, k, f) : 0;
}

/* Whether any frame has a column of what is secret. */
static bool has_column(const struct recording_info *inv, enum kvmw_secret secret)
{
	for (u32 i = 0; i < inv->nr; i++) {
		const struct info_frames *k = &inv->frames[i];
		const struct event_desc *event = event_desc__by_id(k->event);

		for (u32 c = 0; event && c < k->nr_columns; c++) {
			int field = event_desc__field(event, k->column_name[c],
						      strlen(k->column_name[c]));

			if (k->column[c].nr_encodings && field >= 0 &&
			    secret_of_field(&event->fields[field]) == secret)
				return true;
		}
	}
	return false;
}

static bool holds(const struct recording_info *inv, const struct recording *rec,
		  enum kvmw_secret secret)
{
	if (has_column(inv, secret))
		return true;
	switch (secret) {
	case KVMW_SECRET_COMMANDS:
		return rec->meta.command.nr;
	case KVMW_SECRET_NAMES:
		return rec->meta.host || rec->nr_vms || rec->nr_vcpus || rec->nr_tasks ||
		       rec->nr_neighbours;
	case KVMW_SECRET_STACKS:
		return rec->nr_stacks;
	case KVMW_SECRET_RAW:
		return rec->meta.nr_tracepoints;
	case KVMW_SECRET_SYMBOLS:
		return rec->has_symbols;
	case KVMW_SECRET_NOTES:
		return rec->meta.notes.nr;
	default:
		return false;
	}
}

static void find_secrets(struct recording_info *inv, const struct recording *rec)
{
	for (u32 i = 0; i < KVMW_NR_SECRETS; i++)
		inv->secret[i] = rec->meta.hidden[i] ?:
				 holds(inv, rec, i) ? INFO_SECRET_HELD : INFO_SECRET_NONE;
}

const char *info_secret__name(u32 state)
{
	return state == INFO_SECRET_HELD ? "held" : state == INFO_SECRET_NONE ? "none" :
	       secret_state__name(state);
}

int recording_info__read(struct data_reader *r, struct recording *rec, struct recording_info *inv)
{
	struct data_frame *f;
	int ret = 0, more;

	memset(inv, 0, sizeof(*inv));
	while (!ret && (more = data_reader__next(r, &f)) != 0) {
		if (more < 0) {
			rec->read_error = true;
			ret = more == DATA_NO_MEMORY ? -1 : 0;
			break;
		}
		ret = recording__take(rec, r, f) || add_frame(rec, inv, r, f) ? -1 : 0;
		data_frame__put(f);
	}
	if (recording__close_reader(rec, r, ret) || vm_threads__make(&inv->threads, rec) ||
	    vm_limits__make(&inv->limits, rec, &inv->threads) ||
	    host_facts__make(&inv->host, rec) || vm_setups__make(&inv->setups, rec) ||
	    slot_lists__make(&inv->slots, rec) || process_memories__make(&inv->memory, rec))
		ret = -1;
	find_secrets(inv, rec);
	return ret;
}

void recording_info__free(struct recording_info *inv)
{
	for (u32 i = 0; i < inv->nr; i++) {
		free(inv->frames[i].column);
		free(inv->frames[i].column_name);
		free(inv->frames[i].column_type);
	}
	free(inv->frames);
	vm_threads__free(&inv->threads);
	vm_limits__free(&inv->limits);
	host_facts__free(&inv->host);
	vm_setups__free(&inv->setups);
	slot_lists__free(&inv->slots);
	process_memories__free(&inv->memory);
	memset(inv, 0, sizeof(*inv));
}
