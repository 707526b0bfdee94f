// SPDX-License-Identifier: GPL-2.0
/* Encodes rows as one frame: each column is laid out, then compressed, on its own. */
#include <stdlib.h>

#include <zstd.h>

#include "util/data/encode.h"
#include "util/error.h"
#include "util/memory.h"

#define ROWS_LEVEL	1
/* In rows, shorter matches are coincidences, and cost more than they save. */
#define ROWS_MIN_MATCH	7
#define JSON_LEVEL	9	/* there is little of it */
/* Columns of a quiet VM's second: a tenth of a millisecond at most. */
#define SMALL_COLUMN	1024u	/* bytes */
#define SMALL_LEVEL	13

struct data_encoder {
	ZSTD_CCtx *zstd;
	struct layout layout;
	size_t nr_values;	/* room in layout.values */
	struct column column;
	data_edit *edit;	/* or NULL */
	void *edit_ctx;
	struct rounding *rounding;	/* or NULL */
};

/* min_match 0: that of the level */
static void set_zstd(struct data_encoder *enc, int level, int min_match)
{
	ZSTD_CCtx_reset(enc->zstd, ZSTD_reset_session_only);
	ZSTD_CCtx_setParameter(enc->zstd, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(enc->zstd, ZSTD_c_minMatch, min_match);
}

struct data_encoder *data_encoder__new(void)
{
	struct data_encoder *enc = calloc(1, sizeof(*enc));
	struct layout *l;

	if (!enc)
		goto fail;
	enc->zstd = ZSTD_createCCtx();
	l = &enc->layout;
	l->work = malloc(DATA_MAX_ROWS * sizeof(u64));
	l->order = malloc(DATA_MAX_ROWS * sizeof(u32));
	l->plan = malloc(sizeof(*l->plan));
	l->dependent = malloc(sizeof(*l->dependent));
	l->raw = malloc(RAW_MAX + BITS_SLACK);
	for (u32 i = 0; i < NR_NUMBERS; i++)
		l->numbers[i] = malloc(sizeof(*l->numbers[i]));
	for (u32 i = 0; i < NR_NUMBERS; i++)
		if (!l->numbers[i])
			goto fail;
	if (!enc->zstd || !l->work || !l->order || !l->plan || !l->dependent || !l->raw ||
	    keymap__init(&l->keys))
		goto fail;
	set_zstd(enc, ROWS_LEVEL, ROWS_MIN_MATCH);
	return enc;
fail:
	out_of_memory();
	data_encoder__free(enc);
	return NULL;
}

void data_encoder__free(struct data_encoder *enc)
{
	if (!enc)
		return;
	ZSTD_freeCCtx(enc->zstd);
	keymap__free(&enc->layout.keys);
	for (u32 i = 0; i < NR_NUMBERS; i++)
		free(enc->layout.numbers[i]);
	free(enc->layout.values);
	free(enc->layout.work);
	free(enc->layout.order);
	free(enc->layout.plan);
	free(enc->layout.dependent);
	free(enc->layout.raw);
	free(enc->rounding);
	free(enc);
}

/* Four at a time: the loops' own instructions would outnumber the rest. */
static void gather(u64 *to, const struct field_desc *field, const u8 *rows, size_t stride, u32 nr)
{
	const u8 *p = rows + field->offset;

	switch (field->type) {
	case FIELD_u16:
#pragma GCC unroll 4
		for (u32 i = 0; i < nr; i++, p += stride)
			to[i] = *(const u16 *)p;
		break;
	case FIELD_u32:
#pragma GCC unroll 4
		for (u32 i = 0; i < nr; i++, p += stride)
			to[i] = *(const u32 *)p;
		break;
	case FIELD_s32:
#pragma GCC unroll 4
		for (u32 i = 0; i < nr; i++, p += stride)
			to[i] = (s64)*(const s32 *)p;
		break;
	case FIELD_u64:
	case FIELD_s64:
#pragma GCC unroll 4
		for (u32 i = 0; i < nr; i++, p += stride)
			to[i] = *(const u64 *)p;
		break;
	}
}

/* As one piece; the room needed was reserved. */
static int squeeze_whole(struct data_encoder *enc, const void *from, size_t raw, int level,
			 struct data_buf *to)
{
	size_t n;

	set_zstd(enc, level, 0);
	n = ZSTD_compress2(enc->zstd, to->data + to->len, to->size - to->len, from, raw);
	set_zstd(enc, ROWS_LEVEL, ROWS_MIN_MATCH);
	if (ZSTD_isError(n))
		return error("zstd: %s", ZSTD_getErrorName(n));
	to->len += n;
	return 0;
}

/* Each piece becomes zstd blocks of its own, with statistics of their own, unless it is small. */
static int encode__squeeze(struct data_encoder *enc, const struct column *col, size_t raw,
		    struct data_buf *to)
{
	const u8 *from = enc->layout.raw;
	ZSTD_outBuffer out;
	size_t left;

	if (data_buf__reserve(to, ZSTD_compressBound(raw) + 8 * (size_t)col->nr_pieces))
		return -1;
	if (raw <= SMALL_COLUMN)
		return squeeze_whole(enc, from, raw, SMALL_LEVEL, to);
	out = (ZSTD_outBuffer) { to->data + to->len, to->size - to->len, 0 };
	ZSTD_CCtx_reset(enc->zstd, ZSTD_reset_session_only);
	ZSTD_CCtx_setPledgedSrcSize(enc->zstd, raw);
	for (u32 i = 0; i < col->nr_pieces; i++) {
		ZSTD_inBuffer in = { from, col->piece[i], 0 };
		bool last = i + 1 == col->nr_pieces;

		left = ZSTD_compressStream2(enc->zstd, &out, &in, last ? ZSTD_e_end : ZSTD_e_flush);
		if (left)	/* an error, or too little room reserved */
			return error("zstd: %s", ZSTD_getErrorName(left));
		from += col->piece[i];
	}
	to->len += out.pos;
	return 0;
}

/* Appends the laid-out column to the frame and fills in its directory entry. */
static int put_column(struct data_encoder *enc, const struct column *col, u32 index,
		      struct data_buf *frame, size_t dir)
{
	size_t raw = 0, start = frame->len;
	u8 *entry, flags = COLUMN_ZSTD;

	for (u32 i = 0; i < col->nr_pieces; i++)
		raw += col->piece[i];
	if (raw && encode__squeeze(enc, col, raw, frame))
		return -1;
	if (frame->len - start >= raw) {
		flags = 0;
		frame->len = start;
		if (data_buf__reserve(frame, raw))
			return -1;
		memcpy(frame->data + start, enc->layout.raw, raw);
		frame->len += raw;
	}
	entry = frame->data + dir;
	put16(entry + COLUMN_AT_FIELD, index);
	entry[COLUMN_AT_ENCODING] = col->encoding;
	entry[COLUMN_AT_FLAGS] = flags;
	put32(entry + COLUMN_AT_STORED, frame->len - start);
	put32(entry + COLUMN_AT_RAW, raw);
	memcpy(entry + COLUMN_AT_REFS, col->refs, sizeof(col->refs));
	put64(entry + COLUMN_AT_BASE, col->base);
	return 0;
}

static void encode__put_header(struct data_buf *frame, enum data_frame_type type, u32 event,
			       u32 stream, u32 rows, const u64 *span)
{
	u32 size = frame->len - FRAME_HDR_SIZE;
	u8 *h = frame->data;

	memset(h, 0, FRAME_HDR_SIZE);
	put32(h + FRAME_AT_MAGIC, FRAME_MAGIC);
	put16(h + FRAME_AT_TYPE, type);
	put32(h + FRAME_AT_SIZE, size);
	put32(h + FRAME_AT_ROWS, rows);
	put32(h + FRAME_AT_STREAM, stream);
	put32(h + FRAME_AT_EVENT, event);
	put64(h + FRAME_AT_FIRST, span[0]);
	put64(h + FRAME_AT_LAST, span[1]);
	put32(h + FRAME_AT_DATA_CRC, data_crc(h + FRAME_HDR_SIZE, size));
	memset(h + frame->len, 0, frame_padded(size) - size);	/* room was reserved */
	frame->len = FRAME_HDR_SIZE + frame_padded(size);
}

int data_frame__copy(const struct data_frame *f, struct data_buf *frame)
{
	const u64 span[] = { f->first_ns, f->last_ns };

	frame->len = 0;
	if (data_buf__reserve(frame, FRAME_HDR_SIZE + f->size + FRAME_ALIGN))
		return -1;
	memcpy(frame->data + FRAME_HDR_SIZE, f->payload, f->size);
	frame->len = FRAME_HDR_SIZE + f->size;
	encode__put_header(frame, f->type, f->event, f->stream, f->rows, span);
	return 0;
}

/* Room for columns of so many rows. */
static int make_columns(struct data_encoder *enc, const struct event_desc *event, u32 nr)
{
	size_t need = (size_t)event->nr_fields * nr;

	if (!nr || nr > DATA_MAX_ROWS || event->nr_fields > DATA_MAX_FIELDS)
		return error("%u rows of %s do not fit a frame", nr, event->name);
	if (need > enc->nr_values) {
		u64 *values = budget__realloc(NULL, enc->layout.values,
					      enc->nr_values * sizeof(u64), need * sizeof(u64));

		if (!values)
			return -1;
		enc->layout.values = values;
		enc->nr_values = need;
	}
	enc->layout.nr = nr;
	enc->layout.ordered_by = enc->layout.plan->grouped_by = 0;
	memset(enc->layout.only_first, 0, sizeof(enc->layout.only_first));
	for (u32 i = 0; i < NR_NUMBERS; i++)
		enc->layout.numbers[i]->of = 0;
	return 0;
}

static void find_same(struct data_encoder *enc, const struct event_desc *event)
{
	struct layout *l = &enc->layout;

	for (u32 i = 0; i < event->nr_fields; i++)
		l->same[i] = !data_difference(layout__column(l, i), l->nr, *layout__column(l, i));
}

/* So many rows stay in the cache while their fields are gathered. */
#define ROWS_AT_ONCE	64u

#define ROW_WORDS	DATA_MAX_FIELDS
#define WORDS_AT_ONCE	4u

/* Which bits of rows differ from the first row's, by word. */
struct row_bits {
	u64 differ[ROW_WORDS + WORDS_AT_ONCE];
	/* by four words: fields that are the same so far */
	u16 open[ROW_WORDS / WORDS_AT_ONCE + 1];
};

/*
 * Looks at those words alone that have such a field; at some of the last four twice, if there are
 * not four left.
 */
static void add_rows(struct row_bits *bits, const u8 *first, const u8 *rows, size_t stride, u32 nr)
{
	typedef u64 four __attribute__((vector_size(32), aligned(8), may_alias));
	u32 words = stride / 8, few = words < WORDS_AT_ONCE ? words : 0;

	for (u32 of = 0; !few && of < words; of += WORDS_AT_ONCE) {
		u32 w = of + WORDS_AT_ONCE > words ? words - WORDS_AT_ONCE : of;
		const u8 *p = rows + (size_t)8 * w;
		four all, ones;

		if (!bits->open[of / WORDS_AT_ONCE])
			continue;
		all = *(const four *)&bits->differ[w];
		ones = *(const four *)(first + (size_t)8 * w);
#pragma GCC unroll 4
		for (u32 i = 0; i < nr; i++, p += stride)
			all |= *(const four *)p ^ ones;
		*(four *)&bits->differ[w] = all;
	}
	for (u32 w = 0; w < few; w++)
		for (u32 i = 0; bits->open[0] && i < nr; i++)
			bits->differ[w] |= get64(rows + i * stride + (size_t)8 * w) ^
					   get64(first + (size_t)8 * w);
}

static bool field_differs(const struct row_bits *bits, const struct field_desc *field)
{
	u64 differ = bits->differ[field->offset / 8] >> 8 * (field->offset % 8);

	/* Asked for each field of each block: most blocks of most words have no difference. */
	return differ && differ << (64 - 8 * field_type__width(field->type));
}

#define CACHE_LINE	64u

/* The rows have just been written, mostly by another CPU: they are far away. */
static void prefetch_rows(const u8 *rows, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += CACHE_LINE)
		__builtin_prefetch(rows + at);
}

/* Most fields of most frames are the same in all rows: they are not gathered before one differs. */
static void transpose(struct data_encoder *enc, const struct event_desc *event, const u8 *rows,
		      u32 nr)
{
	struct layout *l = &enc->layout;
	struct row_bits bits = { 0 };
	u64 *col[DATA_MAX_FIELDS];

	for (u32 i = 0; i < event->nr_fields; i++) {
		col[i] = l->values + (size_t)i * nr;
		gather(col[i], &event->fields[i], rows, event->size, 1);
		l->same[i] = l->only_first[i] = true;
		bits.open[event->fields[i].offset / 8 / WORDS_AT_ONCE]++;
	}
	for (u32 at = 0; at < nr; at += ROWS_AT_ONCE) {
		u32 n = nr - at < ROWS_AT_ONCE ? nr - at : ROWS_AT_ONCE;
		const u8 *from = rows + (size_t)at * event->size;

		if (nr - at >= 2 * ROWS_AT_ONCE)
			prefetch_rows(from + (size_t)n * event->size, (size_t)n * event->size);
		add_rows(&bits, rows, from, event->size, n);
		for (u32 i = 0; i < event->nr_fields; i++) {
			if (l->same[i] && !field_differs(&bits, &event->fields[i]))
				continue;
			if (l->same[i]) {
				bits.open[event->fields[i].offset / 8 / WORDS_AT_ONCE]--;
				l->same[i] = l->only_first[i] = false;
				for (u32 k = 1; k < at; k++)
					col[i][k] = col[i][0];
			}
			gather(col[i] + at, &event->fields[i], from, event->size, n);
		}
	}
	if (!enc->edit)
		return;
	for (u32 i = 0; i < event->nr_fields; i++)
		layout__column(l, i);
	enc->edit(enc->edit_ctx, event, col, nr);
	find_same(enc, event);
}

void data_encoder__edit(struct data_encoder *enc, data_edit *edit, void *ctx)
{
	enc->edit = edit;
	enc->edit_ctx = ctx;
}

int data_encoder__round(struct data_encoder *enc, const struct resolution *to)
{
	enc->layout.coarse = !resolution__is_exact(to);
	enc->rounding = enc->layout.coarse ? rounding__new(to) : NULL;
	return enc->layout.coarse && !enc->rounding ? -1 : 0;
}

void data_encoder__expect_rounded(struct data_encoder *enc)
{
	enc->layout.coarse = true;
}

/* The earliest and the latest of all times in the rows. */
static void time_span(struct data_encoder *enc, const struct event_desc *event, u32 nr,
		      u64 *span)
{
	bool first = true;
	u64 min, max;

	for (u32 i = 0; i < event->nr_fields; i++) {
		if (strcmp(event->fields[i].unit, "time"))
			continue;
		min_max(layout__column(&enc->layout, i), nr, false, &min, &max);
		span[0] = first || min < span[0] ? min : span[0];
		span[1] = first || max > span[1] ? max : span[1];
		first = false;
	}
}

/*
 * All ones in all rows, as where a frame lacks a column; the first one it always has. -1 in all
 * rows is a value of a signed field that is narrower.
 */
static bool is_unknown(const struct data_encoder *enc, const struct event_desc *event, u32 field)
{
	return field && event->fields[field].type != FIELD_s32 && enc->layout.same[field] &&
	       layout__first(&enc->layout, field) == KVMW_NONE;
}

/* What the columns hold, as a frame. */
static int encode_columns(struct data_encoder *enc, enum data_frame_type type,
			  const struct event_desc *event, u32 stream, struct data_buf *frame)
{
	size_t dir = FRAME_HDR_SIZE + ROWS_HDR_SIZE, nr_columns = 0;
	u32 nr_rows = enc->layout.nr;
	u64 span[2] = { 0, 0 };

	frame->len = 0;
	for (u32 i = 0; i < event->nr_fields; i++)
		nr_columns += !is_unknown(enc, event, i);
	if (data_buf__reserve(frame, dir + nr_columns * COLUMN_HDR_SIZE))
		return -1;
	memset(frame->data, 0, dir);
	put32(frame->data + FRAME_HDR_SIZE, nr_columns);
	frame->len = dir + nr_columns * COLUMN_HDR_SIZE;

	for (u32 i = 0; i < event->nr_fields; i++) {
		if (is_unknown(enc, event, i))
			continue;
		lay_out(&enc->layout, &enc->column, event, i);
		if (put_column(enc, &enc->column, i, frame, dir))
			return -1;
		dir += COLUMN_HDR_SIZE;
	}
	if (data_buf__reserve(frame, FRAME_ALIGN))
		return -1;
	time_span(enc, event, nr_rows, span);
	encode__put_header(frame, type, event->id, stream, nr_rows, span);
	return 0;
}

int data_encoder__rows(struct data_encoder *enc, enum data_frame_type type,
		       const struct event_desc *event, u32 stream,
		       const void *rows, u32 nr_rows, struct data_buf *frame)
{
	if (make_columns(enc, event, nr_rows))
		return -1;
	transpose(enc, event, rows, nr_rows);
	if (enc->rounding && type == DATA_EVENTS)
		rounding__apply(enc->rounding, &enc->layout, event);
	return encode_columns(enc, type, event, stream, frame);
}

int data_encoder__columns(struct data_encoder *enc, enum data_frame_type type,
			  const struct event_desc *event, u32 stream,
			  u64 *const *col, u32 nr_rows, struct data_buf *frame)
{
	if (make_columns(enc, event, nr_rows))
		return -1;
	for (u32 i = 0; i < event->nr_fields; i++)
		memcpy(enc->layout.values + (size_t)i * nr_rows, col[i], nr_rows * sizeof(u64));
	find_same(enc, event);
	return encode_columns(enc, type, event, stream, frame);
}

int data_encoder__json(struct data_encoder *enc, enum data_frame_type type,
		       const char *json, struct data_buf *frame)
{
	size_t raw = strlen(json);
	static const u64 span[2];
	u8 *p;

	if (raw > JSON_MAX)
		return error("%zu bytes of JSON do not fit a frame", raw);
	frame->len = 0;
	if (data_buf__reserve(frame, FRAME_HDR_SIZE + JSON_HDR_SIZE + ZSTD_compressBound(raw) +
			      FRAME_ALIGN))
		return -1;
	p = frame->data + FRAME_HDR_SIZE;
	put32(p, raw);
	put32(p + 4, 0);
	frame->len = FRAME_HDR_SIZE + JSON_HDR_SIZE;
	if (squeeze_whole(enc, json, raw, JSON_LEVEL, frame))
		return -1;
	encode__put_header(frame, type, 0, 0, 0, span);
	return 0;
}
