// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/data/format.h"
#include "util/keep/series.h"

#define SUMS_NS		(5 * NSEC_PER_SEC)

static const u32 tables[] = { KVMW_EVENT_TOTAL, KVMW_EVENT_HOLDER, KVMW_EVENT_TAKEN };

/* ---- a file -------------------------------------------------------------- */

static int series__open_file(struct series *s)
{
	int fd = s->files->make(s->files->arg);

	s->writer = fd < 0 ? NULL : data_writer__new(fd, s->files->path, s->files->events);
	if (!s->writer)
		return -1;
	if (s->progress)
		series__watch(s, s->progress);
	return 0;
}

int series__open(struct series *s, const struct series_files *files)
{
	memset(s, 0, sizeof(*s));
	s->files = files;
	s->file.number = 1;
	account__init(&s->account);
	keep_sums__init(&s->sums, NULL);
	return series__open_file(s);
}

/* Rows are those of all files. */
void series__watch(struct series *s, struct data_progress *progress)
{
	u64 rows = s->progress ? __atomic_load_n(&progress->rows, __ATOMIC_RELAXED) : 0;

	s->progress = progress;
	data_writer__watch(s->writer, progress);
	__atomic_fetch_add(&progress->rows, rows, __ATOMIC_RELAXED);
}

void series__start(struct series *s, u64 start_ns)
{
	s->file.begin_ns = s->cost.time_ns = start_ns;
}

static int series__append(struct series *s)
{
	return s->writer ? data_writer__append(s->writer, &s->frame) : -1;
}

static int series__put_text(struct series *s, struct data_encoder *enc, enum data_frame_type type,
			    const char *text)
{
	s->frame.len = 0;
	return data_encoder__json(enc, type, text, &s->frame) || series__append(s) ? -1 : 0;
}

static int series__put_rows(struct series *s, struct data_encoder *enc, u32 id, const void *rows,
			    u32 nr)
{
	const struct event_desc *event = event_desc__by_id(id);

	for (u32 some; nr; nr -= some, rows = (const u8 *)rows + (size_t)some * event->size) {
		some = nr < DATA_MAX_ROWS ? nr : DATA_MAX_ROWS;
		s->frame.len = 0;
		if (data_encoder__rows(enc, DATA_STATS, event, 0, rows, some, &s->frame) ||
		    series__append(s))
			return -1;
	}
	return 0;
}

/* What this file has for itself. */
static int put_begin(struct series *s, struct data_encoder *enc)
{
	char text[128];

	snprintf(text, sizeof(text), "{\"start_ns\":%llu,\"series\":{\"number\":%u}}",
		 (unsigned long long)s->file.begin_ns, s->file.number);
	return series__put_text(s, enc, DATA_META, text);
}

static int put_identities(struct series *s, struct data_encoder *enc)
{
	char *text = identity__json(&s->identity), *at = text;
	int err = text ? 0 : -1;

	for (char *line; !err && (line = strsep(&at, "\n")); )
		if (*line)
			err = series__put_text(s, enc, DATA_IDENT, line);
	free(text);
	return err;
}

/* ---- sums ---------------------------------------------------------------- */

static int series__add_total(void *arg, const struct kvmw_total *row)
{
	struct series *s = arg;

	s->file.lost += row->lost;
	s->due |= row->lost || row->left_out || row->reason == KVMW_REASON_OTHER;
	return keep_sums__add(&s->sums, KVMW_EVENT_TOTAL, row);
}

/* That nothing was taken is known, too. */
static int add_none_taken(struct series *s)
{
	struct kvmw_taken none = s->deltas.others;

	none.count = none.bytes = none.guest_count = none.guest_bytes = 0;
	return s->deltas.knows_taken ? keep_sums__add(&s->sums, KVMW_EVENT_TAKEN, &none) : 0;
}

static int series__put_cost(struct series *s, struct data_encoder *enc)
{
	const struct kvmw_cost cost =
		deltas__cost(&s->begin, &s->cost, data_writer__bytes(s->writer));

	return series__put_rows(s, enc, KVMW_EVENT_COST, &cost, 1);
}

/* Of what ended, the file has all now. */
static void forget_ended(struct series *s)
{
	s->nr_ended = 0;
	identity__forget_ended(&s->identity);
	account__forget(&s->account, &s->identity);
	deltas__forget(&s->deltas, &s->identity);
	keep_sums__forget(&s->sums, &s->identity);
}

/* As they are now: a file that has no end has the last ones. */
static int series__put_sums(struct series *s, struct data_encoder *enc)
{
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		u32 nr;
		void *rows = keep_sums__take_changed(&s->sums, tables[i], &nr);
		int err = rows ? series__put_rows(s, enc, tables[i], rows, nr) : -1;

		free(rows);
		if (err)
			return -1;
	}
	s->due = false;
	s->sums_ns = s->cost.time_ns + SUMS_NS;
	if (series__put_cost(s, enc))
		return -1;
	if (s->nr_ended)
		forget_ended(s);
	return 0;
}

static int series__take_cost(struct series *s, struct data_encoder *enc,
			     const struct kvmw_cost *cost)
{
	s->cost = *cost;
	if (account__end(&s->account, series__add_total, s))
		return -1;
	return s->nr_ended || (s->due && cost->time_ns >= s->sums_ns) ?
	       series__put_sums(s, enc) : 0;
}

/* Of all the recording, until now: what they grew by. */
static int series__take_holders(struct series *s, struct kvmw_holder *rows, u32 nr)
{
	if (deltas__holders(&s->deltas, rows, nr))
		return -1;
	s->due = true;
	for (u32 i = 0; i < nr; i++)
		if (keep_sums__add(&s->sums, KVMW_EVENT_HOLDER, &rows[i]))
			return -1;
	return 0;
}

static int series__take_takens(struct series *s, struct kvmw_taken *rows, u32 nr)
{
	if (deltas__takens(&s->deltas, rows, nr))
		return -1;
	s->due = true;
	for (u32 i = 0; i < nr; i++)
		if (keep_sums__add(&s->sums, KVMW_EVENT_TAKEN, &rows[i]))
			return -1;
	return 0;
}

/* ---- what comes ---------------------------------------------------------- */

static void see_growth(struct series *s, u64 before)
{
	u64 grown = s->grown + data_writer__bytes(s->writer) - before;

	__atomic_store_n(&s->grown, grown, __ATOMIC_RELAXED);
}

static int series__add(struct series *s, struct data_encoder *enc, enum data_frame_type type,
		       const struct event_desc *event, u32 stream, void *rows, u32 nr)
{
	if (type == DATA_STATS && event->id == KVMW_EVENT_TOTAL)
		return account__counted(&s->account, rows, nr);
	if (type == DATA_STATS && event->id == KVMW_EVENT_COST)
		return series__take_cost(s, enc, rows);
	if (type == DATA_STATS && event->id == KVMW_EVENT_HOLDER)
		return series__take_holders(s, rows, nr);
	if (type == DATA_STATS && event->id == KVMW_EVENT_TAKEN)
		return series__take_takens(s, rows, nr);
	s->frame.len = 0;
	if (data_encoder__rows(enc, type, event, stream, rows, nr, &s->frame) || series__append(s))
		return -1;
	if (type != DATA_EVENTS)
		return 0;
	s->file.events += nr;
	return account__rows(&s->account, event, rows, nr);
}

int series__rows(struct series *s, struct data_encoder *enc, enum data_frame_type type,
		 const struct event_desc *event, u32 stream, void *rows, u32 nr)
{
	u64 before = data_writer__bytes(s->writer);
	int err = series__add(s, enc, type, event, stream, rows, nr);

	see_growth(s, before);
	return err;
}

int series__begun(struct series *s, const struct kvmw_total *row)
{
	return account__begun(&s->account, row);
}

int series__json(struct series *s, struct data_encoder *enc, enum data_frame_type type,
		 const char *json)
{
	u64 before = data_writer__bytes(s->writer);
	int err = (type == DATA_IDENT && identity__take(&s->identity, json)) ||
		  series__put_text(s, enc, type, json) || (type == DATA_META && put_begin(s, enc)) ?
		  -1 : 0;

	see_growth(s, before);
	return err;
}

void series__ended(struct series *s, u32 vcpu)
{
	identity__end(&s->identity, vcpu);
	s->nr_ended++;
}

/* ---- the next one -------------------------------------------------------- */

static int end_file(struct series *s, struct data_encoder *enc)
{
	int err = account__end(&s->account, series__add_total, s) || add_none_taken(s) ||
		  series__put_sums(s, enc) || data_writer__finish(s->writer);

	s->file.end_ns = s->cost.time_ns;
	s->file.bytes = data_writer__bytes(s->writer);
	err |= data_writer__close(s->writer);
	s->writer = NULL;
	s->before_bytes += s->file.bytes;
	return err || s->files->done(s->files->arg, &s->file) ? -1 : 0;
}

int series__next(struct series *s, struct data_encoder *enc, const char *meta)
{
	char text[128];

	snprintf(text, sizeof(text), "{\"stop\":{\"time_ns\":%llu,\"why\":\"" SERIES_STOP "\"}}",
		 (unsigned long long)s->cost.time_ns);
	__atomic_store_n(&s->grown, 0, __ATOMIC_RELAXED);
	if (series__put_text(s, enc, DATA_META, text) || end_file(s, enc))
		return -1;
	s->file = (struct series_file) { .number = s->file.number + 1,
					 .begin_ns = s->cost.time_ns };
	s->begin = s->cost;
	keep_sums__free(&s->sums);
	keep_sums__init(&s->sums, NULL);
	return series__open_file(s) || series__put_text(s, enc, DATA_META, meta) ||
	       put_begin(s, enc) || put_identities(s, enc) ? -1 : 0;
}

int series__finish(struct series *s, struct data_encoder *enc)
{
	s->file.last = true;
	return end_file(s, enc);
}

u64 series__bytes(const struct series *s)
{
	return s->before_bytes + (s->writer ? data_writer__bytes(s->writer) : 0);
}

u64 series__grown(const struct series *s)
{
	return __atomic_load_n(&s->grown, __ATOMIC_RELAXED);
}

void series__close(struct series *s)
{
	data_writer__close(s->writer);
	s->writer = NULL;
	account__free(&s->account);
	deltas__free(&s->deltas);
	identity__free(&s->identity);
	keep_sums__free(&s->sums);
	free(s->frame.data);
}
