// SPDX-License-Identifier: GPL-2.0
/* Rows to one frame: each column laid out as suits it, then compressed by itself. */
#include <stdlib.h>

#include <zstd.h>

#include "util/data/format.h"
#include "util/error.h"

#define ZSTD_LEVEL	1
#define MAX_PIECES	16

struct data_encoder {
	ZSTD_CCtx *zstd;
	u64 *values;		/* all columns of the rows, one after the other */
	u64 *work;		/* one column */
	u8 *raw;		/* one column, laid out */
	struct keymap keys;
	size_t nr_values;	/* room in values */
};

/* One column while it is being laid out. */
struct column {
	enum column_encoding encoding;
	u8 refs[COLUMN_NR_REFS];
	u64 base;
	u32 nr_pieces;
	size_t piece[MAX_PIECES];	/* bytes; each is compressed by itself */
};

struct data_encoder *data_encoder__new(void)
{
	struct data_encoder *enc = calloc(1, sizeof(*enc));

	if (!enc)
		goto fail;
	enc->zstd = ZSTD_createCCtx();
	enc->work = malloc(DATA_MAX_ROWS * sizeof(u64));
	enc->raw = malloc(DICT_HDR_SIZE + DICT_MAX * sizeof(u64) + DATA_MAX_ROWS * sizeof(u64));
	if (!enc->zstd || !enc->work || !enc->raw || keymap__init(&enc->keys))
		goto fail;
	ZSTD_CCtx_setParameter(enc->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
	return enc;
fail:
	error("out of memory (an encoder)");
	data_encoder__free(enc);
	return NULL;
}

void data_encoder__free(struct data_encoder *enc)
{
	if (!enc)
		return;
	ZSTD_freeCCtx(enc->zstd);
	keymap__free(&enc->keys);
	free(enc->values);
	free(enc->work);
	free(enc->raw);
	free(enc);
}

static void gather(u64 *to, const struct field_desc *field, const u8 *rows, size_t stride, u32 nr)
{
	const u8 *p = rows + field->offset;

	switch (field->type) {
	case FIELD_u16:
		for (u32 i = 0; i < nr; i++, p += stride)
			to[i] = *(const u16 *)p;
		break;
	case FIELD_u32:
		for (u32 i = 0; i < nr; i++, p += stride)
			to[i] = *(const u32 *)p;
		break;
	case FIELD_s32:
		for (u32 i = 0; i < nr; i++, p += stride)
			to[i] = (s64)*(const s32 *)p;
		break;
	case FIELD_u64:
		for (u32 i = 0; i < nr; i++, p += stride)
			to[i] = *(const u64 *)p;
		break;
	}
}

static void min_max(const u64 *v, u32 nr, bool is_signed, u64 *min, u64 *max)
{
	u64 flip = is_signed ? 1ULL << 63 : 0, lo = ~0ULL, hi = 0;

	for (u32 i = 0; i < nr; i++) {
		u64 x = v[i] ^ flip;

		lo = x < lo ? x : lo;
		hi = x > hi ? x : hi;
	}
	*min = lo ^ flip;
	*max = hi ^ flip;
}

static u32 bytes_of(u64 max)
{
	return max ? (63 - __builtin_clzll(max)) / 8 + 1 : 0;
}

/* v - base as byte planes, the lowest first; returns the bytes written. */
static size_t put_planes(u8 *to, const u64 *v, u32 nr, u64 base, u32 planes)
{
	for (u32 p = 0; p < planes; p++)
		for (u32 i = 0; i < nr; i++)
			*to++ = (v[i] - base) >> (8 * p);
	return (size_t)nr * planes;
}

static void add_planes(struct data_encoder *enc, struct column *col, const u64 *v, u32 nr,
		       u64 base, u64 range)
{
	u32 planes = bytes_of(range);

	put_planes(enc->raw, v, nr, base, planes);
	for (u32 p = 0; p < planes; p++)
		col->piece[col->nr_pieces++] = nr;
}

static void lay_planes(struct data_encoder *enc, struct column *col, const u64 *v, u32 nr,
		       u64 min, u64 max)
{
	col->encoding = COLUMN_PLANES;
	col->base = min;
	add_planes(enc, col, v, nr, min, max - min);
}

/* Differences whose size is what counts, whatever their sign. */
static void lay_differences(struct data_encoder *enc, struct column *col, u32 nr)
{
	u64 max = 0;

	for (u32 i = 0; i < nr; i++) {
		enc->work[i] = zigzag(enc->work[i]);
		max |= enc->work[i];
	}
	add_planes(enc, col, enc->work, nr, 0, max);
}

static void lay_delta(struct data_encoder *enc, struct column *col, const u64 *v, u32 nr)
{
	u64 last = v[0];

	col->encoding = COLUMN_DELTA;
	col->base = v[0];
	for (u32 i = 0; i < nr; i++) {
		enc->work[i] = v[i] - last;
		last = v[i];
	}
	lay_differences(enc, col, nr);
}

static int compare_u64(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* false: too many distinct values. */
static bool lay_dict(struct data_encoder *enc, struct column *col, const u64 *v, u32 nr)
{
	u64 sorted[DICT_MAX], *index, last = ~v[0];
	u8 *to = enc->raw + DICT_HDR_SIZE;
	u32 n = 0, planes, limit = nr / 4 < DICT_MAX ? nr / 4 : DICT_MAX;
	bool fresh;

	keymap__clear(&enc->keys);
	for (u32 i = 0; i < nr; i++) {
		if (v[i] == last)
			continue;
		last = v[i];
		index = keymap__get(&enc->keys, last, &fresh);
		if (!index || (fresh && n == limit))
			return false;
		if (fresh)
			sorted[n++] = last;
	}
	/* Sorted, so that their upper planes compress and equal frames are equal. */
	qsort(sorted, n, sizeof(*sorted), compare_u64);
	for (u32 i = 0; i < n; i++)
		*keymap__get(&enc->keys, sorted[i], &fresh) = i;

	for (u32 i = 0; i < nr; i++) {
		if (!i || v[i] != v[i - 1])
			last = *keymap__get(&enc->keys, v[i], &fresh);
		enc->work[i] = last;
	}
	col->encoding = COLUMN_DICT;
	col->base = sorted[0];
	planes = bytes_of(sorted[n - 1] - sorted[0]);
	put32(enc->raw, n);
	enc->raw[4] = planes;
	enc->raw[5] = bytes_of(n - 1);
	put16(enc->raw + 6, 0);
	to += put_planes(to, sorted, n, sorted[0], planes);
	col->piece[col->nr_pieces++] = to - enc->raw;
	for (u32 p = 0; p < bytes_of(n - 1); p++) {
		to += put_planes(to, enc->work, nr, 0, 1);
		for (u32 i = 0; i < nr; i++)
			enc->work[i] >>= 8;
		col->piece[col->nr_pieces++] = nr;
	}
	return true;
}

/*
 * A vCPU's next exit happens when its last one did, plus the time until it
 * entered the guest, plus the time in the guest: mostly the difference is zero.
 */
static bool lay_chain(struct data_encoder *enc, struct column *col, const u64 *v, u32 nr)
{
	const u64 *key = enc->values + (size_t)col->refs[0] * nr;
	const u64 *gap = enc->values + (size_t)col->refs[1] * nr;
	const u64 *span = enc->values + (size_t)col->refs[2] * nr;

	col->encoding = COLUMN_CHAIN;
	col->base = v[0];
	keymap__clear(&enc->keys);
	for (u32 i = 0; i < nr; i++) {
		bool fresh;
		u64 *end = keymap__get(&enc->keys, key[i], &fresh);

		if (!end)
			return false;
		enc->work[i] = v[i] - (fresh ? col->base : *end + captured(gap[i]));
		*end = v[i] + captured(span[i]);
	}
	lay_differences(enc, col, nr);
	return true;
}

static void find_refs(struct column *col, const struct event_desc *event, const char *ref)
{
	memset(col->refs, COLUMN_NO_REF, sizeof(col->refs));
	for (u32 n = 0; *ref && n < COLUMN_NR_REFS; n++) {
		size_t len = strcspn(ref, ",");

		col->refs[n] = event_desc__field(event, ref, len);
		ref += len + (ref[len] == ',');
	}
}

static void lay_out(struct data_encoder *enc, struct column *col, const struct event_desc *event,
		    u32 index, u32 nr)
{
	const struct field_desc *field = &event->fields[index];
	const u64 *v = enc->values + (size_t)index * nr;
	u64 min, max;

	memset(col, 0, sizeof(*col));
	find_refs(col, event, field->ref);
	min_max(v, nr, field_type__signed(field->type), &min, &max);
	if (min == max) {
		col->encoding = COLUMN_CONST;
		col->base = min;
		return;
	}
	if (field->encoding == ENC_CHAIN && lay_chain(enc, col, v, nr))
		return;
	if (field->encoding == ENC_DICT && lay_dict(enc, col, v, nr))
		return;
	if (field->encoding == ENC_CHAIN || field->encoding == ENC_DELTA)
		lay_delta(enc, col, v, nr);
	else
		lay_planes(enc, col, v, nr, min, max);
}

/* Appends the laid out column to the frame and fills its directory entry. */
static int put_column(struct data_encoder *enc, const struct column *col, u32 index,
		      struct data_buf *frame, size_t dir)
{
	size_t raw = 0, start = frame->len;
	u8 *entry, flags = COLUMN_ZSTD;

	for (u32 i = 0; i < col->nr_pieces; i++) {
		size_t bound = ZSTD_compressBound(col->piece[i]), n;

		if (data_buf__reserve(frame, bound))
			return -1;
		n = ZSTD_compress2(enc->zstd, frame->data + frame->len, bound,
				   enc->raw + raw, col->piece[i]);
		if (ZSTD_isError(n))
			return error("zstd: %s", ZSTD_getErrorName(n));
		frame->len += n;
		raw += col->piece[i];
	}
	if (frame->len - start >= raw) {
		flags = 0;
		frame->len = start;
		if (data_buf__reserve(frame, raw))
			return -1;
		memcpy(frame->data + start, enc->raw, raw);
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

static void put_header(struct data_buf *frame, enum data_frame_type type, u32 event, u32 stream,
		       u32 rows, const u64 *span)
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

static int transpose(struct data_encoder *enc, const struct event_desc *event, const void *rows,
		     u32 nr)
{
	size_t need = (size_t)event->nr_fields * nr;

	if (need > enc->nr_values) {
		u64 *values = realloc(enc->values, need * sizeof(u64));

		if (!values)
			return error("out of memory (%u rows of %s)", nr, event->name);
		enc->values = values;
		enc->nr_values = need;
	}
	for (u32 i = 0; i < event->nr_fields; i++)
		gather(enc->values + (size_t)i * nr, &event->fields[i], rows, event->size, nr);
	return 0;
}

/* From the earliest to the latest of all times in the rows. */
static void time_span(const struct data_encoder *enc, const struct event_desc *event, u32 nr,
		      u64 *span)
{
	bool first = true;
	u64 min, max;

	for (u32 i = 0; i < event->nr_fields; i++) {
		if (strcmp(event->fields[i].unit, "time"))
			continue;
		min_max(enc->values + (size_t)i * nr, nr, false, &min, &max);
		span[0] = first || min < span[0] ? min : span[0];
		span[1] = first || max > span[1] ? max : span[1];
		first = false;
	}
}

int data_encoder__rows(struct data_encoder *enc, enum data_frame_type type,
		       const struct event_desc *event, u32 stream,
		       const void *rows, u32 nr_rows, struct data_buf *frame)
{
	size_t dir = FRAME_HDR_SIZE + ROWS_HDR_SIZE;
	u64 span[2] = { 0, 0 };
	struct column col;

	if (!nr_rows || nr_rows > DATA_MAX_ROWS || event->nr_fields > DATA_MAX_FIELDS)
		return error("%u rows of %s do not fit a frame", nr_rows, event->name);
	if (transpose(enc, event, rows, nr_rows))
		return -1;

	frame->len = 0;
	if (data_buf__reserve(frame, dir + event->nr_fields * COLUMN_HDR_SIZE))
		return -1;
	memset(frame->data, 0, dir);
	put32(frame->data + FRAME_HDR_SIZE, event->nr_fields);
	frame->len = dir + event->nr_fields * COLUMN_HDR_SIZE;

	for (u32 i = 0; i < event->nr_fields; i++, dir += COLUMN_HDR_SIZE) {
		lay_out(enc, &col, event, i, nr_rows);
		if (put_column(enc, &col, i, frame, dir))
			return -1;
	}
	if (data_buf__reserve(frame, FRAME_ALIGN))
		return -1;
	time_span(enc, event, nr_rows, span);
	put_header(frame, type, event->id, stream, nr_rows, span);
	return 0;
}

int data_encoder__json(struct data_encoder *enc, enum data_frame_type type,
		       const char *json, struct data_buf *frame)
{
	size_t raw = strlen(json), bound = ZSTD_compressBound(raw), n;
	static const u64 span[2];
	u8 *p;

	if (raw > JSON_MAX)
		return error("%zu bytes of JSON do not fit a frame", raw);
	frame->len = 0;
	if (data_buf__reserve(frame, FRAME_HDR_SIZE + JSON_HDR_SIZE + bound + FRAME_ALIGN))
		return -1;
	p = frame->data + FRAME_HDR_SIZE;
	put32(p, raw);
	put32(p + 4, 0);
	n = ZSTD_compress2(enc->zstd, p + JSON_HDR_SIZE, bound, json, raw);
	if (ZSTD_isError(n))
		return error("zstd: %s", ZSTD_getErrorName(n));
	frame->len = FRAME_HDR_SIZE + JSON_HDR_SIZE + n;
	put_header(frame, type, 0, 0, 0, span);
	return 0;
}
