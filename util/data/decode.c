// SPDX-License-Identifier: GPL-2.0
/*
 * Decodes columns of a frame to 64-bit values.  The checksum only shows that the frame
 * is unchanged; its writer may be hostile, so nothing here is trusted.
 */
#include <stdlib.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "util/data/format.h"
#include "util/memory.h"

#define MAX_SCRATCH	16u	/* columns decoded because others refer to them */
#define MAX_CODES	4u	/* columns whose codes are kept, because others are in their order */

struct data_decoder {
	ZSTD_DCtx *zstd;
	u8 *raw;		/* grows with the columns */
	size_t raw_room;
	u32 *order;		/* this and scratch grow with the frames */
	const u64 *ordered_by;	/* the column that order is by, or NULL */
	u64 *scratch[MAX_SCRATCH];
	u8 *codes[MAX_CODES];	/* so do these */
	u32 nr_scratch, nr_codes, row_room;
	struct keymap keys;	/* made, like tokens, for the first column that needs them */
	struct tokens *tokens;
	/* Of the frame of this call, by field: */
	u32 data_at[DATA_MAX_FIELDS + 1];	/* offset of its column's data, 0: the frame lacks it */
	u8 entry[DATA_MAX_FIELDS + 1];		/* its column in the directory */
	bool is_key[DATA_MAX_FIELDS + 1];	/* a DICT column is in its order */
	bool one_value[DATA_MAX_FIELDS + 1];
	const u8 *codes_of[DATA_MAX_FIELDS + 1];	/* of a DICT column that is a key; or NULL */
	u64 *wanted[DATA_MAX_FIELDS + 1];	/* where the caller wants it, or NULL */
	const u64 *done[DATA_MAX_FIELDS + 1];
	u8 state[DATA_MAX_FIELDS + 1];
	bool cut;				/* the directory is of more data than there is */
	const char *why;
	bool no_memory;
	bool more;		/* of the frame of the last call */
};

enum { COLUMN_UNTOUCHED, COLUMN_BUSY, COLUMN_DONE };

/* A validated directory entry. */
struct column {
	u32 field, encoding, flags, stored, raw;
	u8 refs[COLUMN_NR_REFS];
	u64 base;
	const u8 *data;
};

struct data_decoder *data_decoder__new(void)
{
	struct data_decoder *dec = mem__calloc(1, sizeof(*dec));

	if (!dec)
		return NULL;
	dec->zstd = ZSTD_createDCtx();
	if (dec->zstd)
		return dec;
	out_of_memory();
	free(dec);
	return NULL;
}

void data_decoder__free(struct data_decoder *dec)
{
	if (!dec)
		return;
	ZSTD_freeDCtx(dec->zstd);
	keymap__free(&dec->keys);
	for (u32 i = 0; i < MAX_SCRATCH; i++)
		free(dec->scratch[i]);
	for (u32 i = 0; i < MAX_CODES; i++)
		free(dec->codes[i]);
	free(dec->raw);
	free(dec->order);
	free(dec->tokens);
	free(dec);
}

static int bad(struct data_decoder *dec, const char *why)
{
	dec->why = why;
	return -1;
}

static int no_memory(struct data_decoder *dec)
{
	dec->no_memory = true;
	return -1;
}

static int make_row_room(struct data_decoder *dec, u32 rows)
{
	u32 room = data_row_room(rows);

	if (rows <= dec->row_room)
		return 0;
	dec->row_room = 0;
	for (u32 i = 0; i < MAX_SCRATCH; i++) {
		free(dec->scratch[i]);
		dec->scratch[i] = NULL;
	}
	for (u32 i = 0; i < MAX_CODES; i++) {
		free(dec->codes[i]);
		dec->codes[i] = NULL;
	}
	free(dec->order);
	dec->order = malloc(room * sizeof(*dec->order));
	if (!dec->order)
		return no_memory(dec);
	dec->row_room = room;
	return 0;
}

static int make_raw_room(struct data_decoder *dec, size_t bytes)
{
	size_t room = bytes + bytes / 2 + BITS_SLACK;

	if (bytes + BITS_SLACK <= dec->raw_room)
		return 0;
	dec->raw_room = 0;
	free(dec->raw);
	dec->raw = malloc(room);
	if (!dec->raw)
		return no_memory(dec);
	dec->raw_room = room;
	return 0;
}

static int make_keys(struct data_decoder *dec)
{
	return dec->keys.key || !keymap__init(&dec->keys) ? 0 : no_memory(dec);
}

/* Number of columns, or -1 if the directory does not fit into the payload. */
static int nr_columns(const struct data_frame *f)
{
	u32 nr;

	if (f->size < ROWS_HDR_SIZE || !f->rows || f->rows > DATA_MAX_ROWS)
		return -1;
	nr = get32(f->payload);
	if (nr > DATA_MAX_FIELDS || nr * COLUMN_HDR_SIZE > f->size - ROWS_HDR_SIZE)
		return -1;
	return nr;
}

static void get_column(const struct data_frame *f, u32 i, struct column *col)
{
	const u8 *entry = f->payload + ROWS_HDR_SIZE + (size_t)i * COLUMN_HDR_SIZE;

	col->field = get16(entry + COLUMN_AT_FIELD);
	col->encoding = entry[COLUMN_AT_ENCODING];
	col->flags = entry[COLUMN_AT_FLAGS];
	col->stored = get32(entry + COLUMN_AT_STORED);
	col->raw = get32(entry + COLUMN_AT_RAW);
	memcpy(col->refs, entry + COLUMN_AT_REFS, sizeof(col->refs));
	col->base = get64(entry + COLUMN_AT_BASE);
}

/* Of two columns of one field, the first one counts. */
static void read_directory(struct data_decoder *dec, const struct data_frame *f, u32 nr)
{
	u32 at = ROWS_HDR_SIZE + nr * COLUMN_HDR_SIZE;
	struct column col;

	memset(dec->data_at, 0, sizeof(dec->data_at));
	memset(dec->is_key, 0, sizeof(dec->is_key));
	dec->cut = false;
	for (u32 i = 0; i < nr; i++) {
		get_column(f, i, &col);
		dec->cut = col.stored > f->size - at;
		if (dec->cut)
			return;
		if (col.field <= DATA_MAX_FIELDS && !dec->data_at[col.field]) {
			dec->data_at[col.field] = at;
			dec->entry[col.field] = i;
			if (col.encoding == COLUMN_DICT && col.refs[0] != COLUMN_NO_REF)
				dec->is_key[col.refs[0]] = true;
		}
		at += col.stored;
	}
}

/* 1: found, 0: the frame lacks it, -1: damaged. */
static int find_column(struct data_decoder *dec, const struct data_frame *f, u32 field,
		       struct column *col)
{
	if (!dec->data_at[field])
		return dec->cut ? bad(dec, "a column reaches past its end") : 0;
	get_column(f, dec->entry[field], col);
	col->data = f->payload + dec->data_at[field];
	return 1;
}

/* Decompresses the column's data: raw bytes at dec->raw. */
static int unpack(struct data_decoder *dec, const struct column *col)
{
	size_t n;

	if (col->raw > RAW_MAX)
		return bad(dec, "a column is larger than its rows can be");
	if (make_raw_room(dec, col->raw))
		return -1;
	if (!(col->flags & COLUMN_ZSTD)) {
		if (col->stored != col->raw)
			return bad(dec, "a column's two sizes disagree");
		memcpy(dec->raw, col->data, col->raw);
		return 0;
	}
	n = ZSTD_decompressDCtx(dec->zstd, dec->raw, col->raw, col->data, col->stored);
	if (ZSTD_isError(n) || n != col->raw)
		return bad(dec, "a column cannot be decompressed");
	return 0;
}

static int raw_planes(struct data_decoder *dec, const struct column *col, u32 nr, u64 *out,
		      u64 base)
{
	if (col->raw % nr || col->raw / nr > sizeof(u64))
		return bad(dec, "a column has no whole number of byte planes");
	if (unpack(dec, col))
		return -1;
	get_planes(out, dec->raw, nr, col->raw / nr, base);
	return 0;
}

static int get_delta(struct data_decoder *dec, const struct column *col, u32 nr, u64 *out)
{
	u64 last = col->base;

	if (raw_planes(dec, col, nr, out, 0))
		return -1;
	for (u32 i = 0; i < nr; i++) {
		last += unzigzag(out[i]);
		out[i] = last;
	}
	return 0;
}

static const u64 *ref_column(struct data_decoder *dec, const struct data_frame *f, u32 field);

/*
 * What puts rows in the order of a key column; NULL in *order: they stay.  Codes tell the same rows
 * apart as values, without a search.
 */
static int find_order(struct data_decoder *dec, u32 field, const u64 *key, u32 nr, const u32 **order)
{
	*order = NULL;
	if (dec->one_value[field])
		return 0;
	*order = dec->order;
	if (dec->ordered_by == key)
		return 0;
	dec->ordered_by = key;
	if (dec->codes_of[field]) {
		order_by_codes(dec->order, dec->codes_of[field], nr);
		return 0;
	}
	if (make_keys(dec))
		return -1;
	return order_by_key(dec->order, &dec->keys, key, nr) ? 0 : bad(dec, "a column has too many keys");
}

/* Room for the codes of a column if others are stored in its order; NULL: they are not wanted. */
static u8 *codes_room(struct data_decoder *dec, u32 field)
{
	u8 **codes = &dec->codes[dec->nr_codes];

	if (!dec->is_key[field] || dec->nr_codes == MAX_CODES)
		return NULL;
	if (!*codes)
		*codes = malloc(dec->row_room);
	dec->nr_codes += !!*codes;
	return *codes;
}

/* NOLINTNEXTLINE(misc-no-recursion): a column that is being decoded is refused */
static int get_dict(struct data_decoder *dec, const struct data_frame *f,
		    const struct column *col, u64 *out)
{
	const u32 *order = NULL;
	const u64 *key;
	u8 *codes;

	if (col->refs[0] != COLUMN_NO_REF) {
		key = ref_column(dec, f, col->refs[0]);
		if (!key || find_order(dec, col->refs[0], key, f->rows, &order))
			return -1;
	}
	if (unpack(dec, col))
		return -1;
	codes = codes_room(dec, col->field);
	dec->why = dict__decode(dec->raw, col->raw, col->base, order, f->rows, out, &codes);
	dec->codes_of[col->field] = codes;
	return dec->why ? -1 : 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): a column that is being decoded is refused */
static int get_tokens(struct data_decoder *dec, const struct data_frame *f,
		      const struct column *col, u64 *out)
{
	const u64 *key = NULL, *like = NULL;

	if (col->refs[0] != COLUMN_NO_REF) {
		key = ref_column(dec, f, col->refs[0]);
		if (!key)
			return -1;
	}
	if (col->refs[1] == col->field) {
		like = out;
	} else if (col->refs[1] != COLUMN_NO_REF) {
		like = ref_column(dec, f, col->refs[1]);
		if (!like)
			return -1;
	}
	if (unpack(dec, col))
		return -1;
	if (!dec->tokens)
		dec->tokens = tokens__new();
	if (!dec->tokens)
		return no_memory(dec);
	memset(dec->raw + col->raw, 0, BITS_SLACK);
	dec->why = tokens__decode(dec->tokens, dec->raw, col->raw, key, like, f->rows, out);
	return dec->why ? -1 : 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): a column that is being decoded is refused */
static int get_chain(struct data_decoder *dec, const struct data_frame *f,
		     const struct column *col, u64 *out)
{
	const u64 *key = ref_column(dec, f, col->refs[0]);
	const u64 *gap = key ? ref_column(dec, f, col->refs[1]) : NULL;
	const u64 *span = gap ? ref_column(dec, f, col->refs[2]) : NULL;
	u64 *end = NULL;

	if (!span || raw_planes(dec, col, f->rows, out, 0) || make_keys(dec))
		return -1;
	keymap__clear(&dec->keys);
	for (u32 i = 0; i < f->rows; i++) {
		bool fresh = false;

		if (!i || key[i] != key[i - 1])
			end = keymap__get(&dec->keys, key[i], &fresh);
		if (!end)
			return bad(dec, "a chain has too many keys");
		out[i] = unzigzag(out[i]) + (fresh ? col->base : *end + captured(gap[i]));
		*end = out[i] + captured(span[i]);
	}
	return 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): a column that is being decoded is refused */
static int decode__decode(struct data_decoder *dec, const struct data_frame *f,
			  const struct column *col, u64 *out)
{
	switch (col->encoding) {
	case COLUMN_CONST:
		get_planes(out, NULL, f->rows, 0, col->base);
		return 0;
	case COLUMN_PLANES:
		return raw_planes(dec, col, f->rows, out, col->base);
	case COLUMN_DELTA:
		return get_delta(dec, col, f->rows, out);
	case COLUMN_DICT:
		return get_dict(dec, f, col, out);
	case COLUMN_CHAIN:
		return get_chain(dec, f, col, out);
	case COLUMN_TOKENS:
		return get_tokens(dec, f, col, out);
	}
	return bad(dec, "a column has an encoding that this version does not know");
}

/* Decodes the field into out; -1: damaged. */
/* NOLINTNEXTLINE(misc-no-recursion): a column that is being decoded is refused */
static int field_into(struct data_decoder *dec, const struct data_frame *f, u32 field, u64 *out)
{
	struct column col;
	int found;

	if (dec->state[field] == COLUMN_BUSY)
		return bad(dec, "a column refers to itself");
	if (dec->state[field] == COLUMN_DONE) {
		if (dec->done[field] != out)
			memcpy(out, dec->done[field], f->rows * sizeof(*out));
		return 0;
	}
	dec->state[field] = COLUMN_BUSY;
	found = find_column(dec, f, field, &col);
	if (found < 0)
		return -1;
	dec->one_value[field] = !found || col.encoding == COLUMN_CONST;
	if (!found)
		get_planes(out, NULL, f->rows, 0, KVMW_NONE);
	else if (decode__decode(dec, f, &col, out))
		return -1;
	dec->state[field] = COLUMN_DONE;
	dec->done[field] = out;
	return 0;
}

/* The same, into scratch memory if it has no place yet; NULL: damaged. */
/* NOLINTNEXTLINE(misc-no-recursion): a column that is being decoded is refused */
static const u64 *ref_column(struct data_decoder *dec, const struct data_frame *f, u32 field)
{
	u64 *out;

	if (dec->state[field] == COLUMN_DONE)
		return dec->done[field];
	if (dec->wanted[field])
		return field_into(dec, f, field, dec->wanted[field]) ? NULL : dec->wanted[field];
	if (dec->nr_scratch == MAX_SCRATCH) {
		dec->why = "its columns refer to too many others";
		return NULL;
	}
	if (!dec->scratch[dec->nr_scratch])
		dec->scratch[dec->nr_scratch] = malloc(dec->row_room * sizeof(*out));
	out = dec->scratch[dec->nr_scratch++];
	if (!out) {
		no_memory(dec);
		return NULL;
	}
	return field_into(dec, f, field, out) ? NULL : out;
}

/* Whether the field's type can hold every value. */
static bool fits(enum field_type type, const u64 *v, u32 nr)
{
	u32 bits = 8 * field_type__width(type);
	u64 offset = field_type__signed(type) ? 1ULL << (bits - 1) : 0, over = 0;

	if (bits == 64)
		return true;
	if (!offset)
		return !(data_bits_of(v, nr) >> bits);
	for (u32 i = 0; i < nr; i++)
		over |= v[i] + offset;
	return !(over >> bits);
}

u64 data_decoder__constants(struct data_decoder *dec, const struct data_event *event,
			    const struct data_frame *f, const int *fields, u32 nr_fields, u64 *value)
{
	int nr_cols = nr_columns(f);
	struct column col;
	u64 same = 0;

	if (nr_cols < 0)
		return 0;
	read_directory(dec, f, nr_cols);
	for (u32 i = 0; i < nr_fields && !dec->cut; i++) {
		value[i] = KVMW_NONE;
		if (fields[i] >= 0 && (u32)fields[i] >= event->nr_fields)
			continue;
		if (fields[i] >= 0 && find_column(dec, f, fields[i], &col)) {
			value[i] = col.base;
			if (col.encoding != COLUMN_CONST || !fits(event->fields[fields[i]].type, &col.base, 1))
				continue;
		}
		same |= 1ULL << i;
	}
	return same;
}

void data_decoder__continue(struct data_decoder *dec)
{
	dec->more = true;
}

static void begin_frame(struct data_decoder *dec)
{
	memset(dec->state, COLUMN_UNTOUCHED, sizeof(dec->state));
	memset(dec->wanted, 0, sizeof(dec->wanted));
	memset(dec->codes_of, 0, sizeof(dec->codes_of));
	memset(dec->one_value, 0, sizeof(dec->one_value));
	dec->nr_scratch = dec->nr_codes = 0;
	dec->ordered_by = NULL;
}

int data_decoder__columns(struct data_decoder *dec, const struct data_event *event,
			  const struct data_frame *f, const int *fields,
			  u32 nr_fields, u64 **cols, const char **why)
{
	int nr_cols = nr_columns(f);
	struct column col;

	if (!dec->more)
		begin_frame(dec);
	dec->more = false;
	dec->why = NULL;
	dec->no_memory = false;
	*why = "it has no rows";
	if (nr_cols < 0)
		return 1;
	read_directory(dec, f, nr_cols);
	if (make_row_room(dec, f->rows))
		return out_of_memory();

	for (u32 i = 0; i < nr_fields; i++)
		if (fields[i] >= 0 && (u32)fields[i] < event->nr_fields)
			dec->wanted[fields[i]] = cols[i];
	for (u32 i = 0; i < nr_fields; i++) {
		if (fields[i] < 0) {
			get_planes(cols[i], NULL, f->rows, 0, KVMW_NONE);
			continue;
		}
		if ((u32)fields[i] >= event->nr_fields || field_into(dec, f, fields[i], cols[i]))
			goto damaged;
		if (find_column(dec, f, fields[i], &col) == 1 &&
		    !fits(event->fields[fields[i]].type, cols[i], f->rows)) {
			dec->why = "a value is wider than its field";
			goto damaged;
		}
	}
	return 0;
damaged:
	*why = dec->why ? dec->why : "no such field";
	return dec->no_memory ? out_of_memory() : 1;
}

static const char *const encoding_names[] = {
#define NAME(name, nr) [nr] = #name,
	COLUMN_ENCODINGS(NAME)
};

int data_frame__columns(const struct data_frame *f, struct data_column *cols, u32 max)
{
	int nr = nr_columns(f);
	struct column col;

	for (int i = 0; i < nr && (u32)i < max; i++) {
		get_column(f, i, &col);
		cols[i].field = col.field;
		cols[i].encoding = col.encoding < ARRAY_SIZE(encoding_names) ?
				   encoding_names[col.encoding] : "unknown";
		cols[i].stored = col.stored;
		cols[i].raw = col.raw;
	}
	return nr < 0 || (u32)nr < max ? nr : (int)max;
}

u32 data_frame__json_bytes(const struct data_frame *f)
{
	return f->size < JSON_HDR_SIZE ? 0 : get32(f->payload);
}

int data_decoder__json(struct data_decoder *dec, const struct data_frame *f, char **text)
{
	u32 raw = data_frame__json_bytes(f);
	unsigned long long known;
	size_t n;

	*text = NULL;
	if (!raw || raw > JSON_MAX)
		return 1;
	/* Before there is memory for what is not there. */
	known = ZSTD_getFrameContentSize(f->payload + JSON_HDR_SIZE, f->size - JSON_HDR_SIZE);
	if (known != raw && known != ZSTD_CONTENTSIZE_UNKNOWN)
		return 1;
	*text = malloc((size_t)raw + 1);
	if (!*text)
		return out_of_memory();
	n = ZSTD_decompressDCtx(dec->zstd, *text, raw, f->payload + JSON_HDR_SIZE, f->size - JSON_HDR_SIZE);
	if (!ZSTD_isError(n) && n == raw) {
		(*text)[raw] = 0;
		return 0;
	}
	free(*text);
	*text = NULL;
	return ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation ? out_of_memory() : 1;
}
