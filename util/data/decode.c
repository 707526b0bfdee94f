// SPDX-License-Identifier: GPL-2.0
/*
 * Decodes columns of a frame to 64-bit values.  The checksum only shows that the frame
 * is unchanged; its writer may be hostile, so nothing here is trusted.
 */
#include <stdlib.h>

#include "util/data/decode.h"
#include "util/memory.h"

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
		free(dec->codes[i].of_row);
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
		free(dec->codes[i].of_row);
		dec->codes[i].of_row = NULL;
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

/* Of two columns of one field, the first one counts. */
static void read_directory(struct data_decoder *dec, const struct data_frame *f, u32 nr)
{
	u32 at = ROWS_HDR_SIZE + nr * COLUMN_HDR_SIZE;
	struct column col;

	memset(dec->data_at, 0, sizeof(dec->data_at));
	dec->cut = false;
	for (u32 i = 0; i < nr; i++) {
		decode__get_column(f, i, &col);
		dec->cut = col.stored > f->size - at;
		if (dec->cut)
			return;
		if (col.field <= DATA_MAX_FIELDS && !dec->data_at[col.field]) {
			dec->data_at[col.field] = at;
			dec->entry[col.field] = i;
		}
		at += col.stored;
	}
}

int decode__find_column(struct data_decoder *dec, const struct data_frame *f, u32 field,
			struct column *col)
{
	if (!dec->data_at[field])
		return dec->cut ? bad(dec, "a column reaches past its end") : 0;
	decode__get_column(f, dec->entry[field], col);
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
static int ref_key(struct data_decoder *dec, const struct data_frame *f, u32 field);

/*
 * What puts rows in the order of a key column.  Codes separate the same rows as values, without a
 * search, and need no order for one column alone.
 */
/* NOLINTNEXTLINE(misc-no-recursion): a column that is being decoded is refused */
static int find_order(struct data_decoder *dec, const struct data_frame *f, u32 field,
		      struct dict_order *order)
{
	const u64 *key;

	if (ref_key(dec, f, field))
		return -1;
	if (dec->one_value[field])
		return 0;
	order->at = dec->order;
	if (dec->ordered_by == field + 1)
		return 0;
	if (dec->codes_of[field]) {
		if (dec->order_of != field + 1) {
			dec->order_of = field + 1;
			*order = (struct dict_order) { .by = dec->codes_of[field] };
			return 0;
		}
		dec->ordered_by = field + 1;
		order_by_codes(dec->order, dec->codes_of[field]->of_row, f->rows);
		return 0;
	}
	key = ref_column(dec, f, field);
	if (!key || make_keys(dec))
		return -1;
	dec->ordered_by = field + 1;
	return order_by_key(dec->order, &dec->keys, key, f->rows) ? 0 :
	       bad(dec, "a column has too many keys");
}

static void set_bits(struct data_decoder *dec, u32 field, u64 bits)
{
	dec->bits[field] = bits;
	dec->bits_known[field] = true;
}

/* Room for the codes of a column; NULL: there is none. */
static struct codes *codes_room(struct data_decoder *dec)
{
	struct codes *codes = &dec->codes[dec->nr_codes];

	if (dec->nr_codes == MAX_CODES)
		return NULL;
	if (!codes->of_row)
		codes->of_row = malloc(dec->row_room);
	return codes->of_row ? codes : NULL;
}

/* Where rows of a column go that has no place yet; NULL: there is none. */
u64 *decode__rows_room(struct data_decoder *dec, u32 field)
{
	u64 **scratch = &dec->scratch[dec->nr_scratch];

	if (dec->wanted[field])
		return dec->wanted[field];
	if (dec->nr_scratch == MAX_SCRATCH) {
		dec->why = "its columns refer to too many others";
		return NULL;
	}
	if (!*scratch)
		*scratch = malloc(dec->row_room * sizeof(**scratch));
	if (!*scratch)
		no_memory(dec);
	dec->nr_scratch++;
	return *scratch;
}

/* *out: NULL becomes where values are if there are no codes. */
/* NOLINTNEXTLINE(misc-no-recursion): a column that is being decoded is refused */
static int get_dict(struct data_decoder *dec, const struct data_frame *f,
		    const struct column *col, u64 **out)
{
	struct dict_order order = { .at = NULL };
	struct codes *codes;

	if (col->refs[0] != COLUMN_NO_REF && find_order(dec, f, col->refs[0], &order))
		return -1;
	if (unpack(dec, col))
		return -1;
	codes = codes_room(dec);
	dec->why = dict__decode(dec->raw, col->raw, col->base, &order, f->rows, *out, codes);
	if (dec->why)
		return -1;
	if (codes && codes->nr) {
		dec->codes_of[col->field] = codes;
		dec->nr_codes++;
		set_bits(dec, col->field, data_bits_of(codes->value, codes->nr));
		return 0;
	}
	if (*out)
		return 0;
	*out = decode__rows_room(dec, col->field);
	if (!*out)
		return -1;
	dec->why = dict__decode(dec->raw, col->raw, col->base, &order, f->rows, *out, NULL);
	return dec->why ? -1 : 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): a column that is being decoded is refused */
int decode__tokens(struct data_decoder *dec, const struct data_frame *f, const struct column *col,
		   u64 *out, struct token_column *c)
{
	*c = (struct token_column) { .size = col->raw, .out = out, .nr = f->rows };
	if (col->refs[0] != COLUMN_NO_REF) {
		if (ref_key(dec, f, col->refs[0]))
			return -1;
		c->key.codes = dec->codes_of[col->refs[0]];
		c->key.rows = c->key.codes ? NULL : ref_column(dec, f, col->refs[0]);
		if (!c->key.codes && !c->key.rows)
			return -1;
	}
	if (col->refs[1] == col->field) {
		c->like = out;
	} else if (col->refs[1] != COLUMN_NO_REF) {
		c->like = ref_column(dec, f, col->refs[1]);
		if (!c->like)
			return -1;
	}
	if (unpack(dec, col))
		return -1;
	if (!dec->tokens)
		dec->tokens = tokens__new();
	if (!dec->tokens)
		return no_memory(dec);
	memset(dec->raw + col->raw, 0, BITS_SLACK);
	c->raw = dec->raw;
	return 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): a column that is being decoded is refused */
static int get_tokens(struct data_decoder *dec, const struct data_frame *f,
		      const struct column *col, u64 *out)
{
	struct token_column c;

	if (decode__tokens(dec, f, col, out, &c))
		return -1;
	dec->why = tokens__decode(dec->tokens, &c);
	if (dec->why)
		return -1;
	set_bits(dec, col->field, c.bits);
	return 0;
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
	case COLUMN_CHAIN:
		return get_chain(dec, f, col, out);
	case COLUMN_TOKENS:
		return get_tokens(dec, f, col, out);
	}
	return bad(dec, "a column has an encoding that this version does not know");
}

/* Decodes the field into out, or, if that is NULL, into codes or any free room; -1: damaged. */
/* NOLINTNEXTLINE(misc-no-recursion): a column that is being decoded is refused */
static int decode_field(struct data_decoder *dec, const struct data_frame *f, u32 field, u64 *out)
{
	struct column col;
	int found;

	if (dec->state[field] == COLUMN_BUSY)
		return bad(dec, "a column refers to itself");
	dec->state[field] = COLUMN_BUSY;
	found = decode__find_column(dec, f, field, &col);
	if (found < 0)
		return -1;
	dec->one_value[field] = !found || col.encoding == COLUMN_CONST;
	if (found && col.encoding == COLUMN_DICT) {
		if (get_dict(dec, f, &col, &out))
			return -1;
	} else {
		out = out ?: decode__rows_room(dec, field);
		if (!out)
			return -1;
		if (!found)
			get_planes(out, NULL, f->rows, 0, KVMW_NONE);
		else if (decode__decode(dec, f, &col, out))
			return -1;
	}
	dec->state[field] = COLUMN_DONE;
	dec->done[field] = out;
	return 0;
}

void decode__set_done(struct data_decoder *dec, u32 field, u64 bits, u64 *out)
{
	dec->one_value[field] = false;
	dec->state[field] = COLUMN_DONE;
	dec->done[field] = out;
	set_bits(dec, field, bits);
}

/* NOLINTNEXTLINE(misc-no-recursion): a column that is being decoded is refused */
static int field_into(struct data_decoder *dec, const struct data_frame *f, u32 field, u64 *out)
{
	if (dec->state[field] != COLUMN_DONE)
		return decode_field(dec, f, field, out);
	if (!dec->done[field])
		dict__values(dec->codes_of[field], f->rows, out);
	else if (dec->done[field] != out)
		memcpy(out, dec->done[field], f->rows * sizeof(*out));
	dec->done[field] = dec->done[field] ?: out;
	return 0;
}

/* A column that decides on a group or an order: its codes are enough. */
/* NOLINTNEXTLINE(misc-no-recursion): a column that is being decoded is refused */
static int ref_key(struct data_decoder *dec, const struct data_frame *f, u32 field)
{
	int ret;

	if (dec->state[field] == COLUMN_DONE)
		return 0;
	if (dec->depth == MAX_DEPTH)
		return bad(dec, "its columns refer to too many others");
	dec->depth++;
	ret = decode_field(dec, f, field, NULL);
	dec->depth--;
	return ret;
}

/* Its values; NULL: damaged. */
/* NOLINTNEXTLINE(misc-no-recursion): a column that is being decoded is refused */
static const u64 *ref_column(struct data_decoder *dec, const struct data_frame *f, u32 field)
{
	u64 *out;

	if (ref_key(dec, f, field))
		return NULL;
	if (!dec->done[field]) {
		out = decode__rows_room(dec, field);
		if (!out || field_into(dec, f, field, out))
			return NULL;
	}
	return dec->done[field];
}

/* Whether a type can hold every value. */
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

/* The same of a column that goes to v; values of a dictionary that no row has do not matter. */
static bool column_fits(struct data_decoder *dec, const struct data_frame *f, u32 field,
			enum field_type type, u64 *v)
{
	const struct codes *codes = dec->codes_of[field];

	if (codes && fits(type, codes->value, codes->nr))
		return true;
	return !field_into(dec, f, field, v) && fits(type, v, f->rows);
}

/* Decodes a column, or its codes if they are enough, as far as is left to do. */
static int get_field(struct data_decoder *dec, const struct data_frame *f, u32 field, u64 *out,
		     bool codes)
{
	return codes ?
	       ref_key(dec, f, field) || (!dec->codes_of[field] && field_into(dec, f, field, out)) ?
	       -1 : 0 : field_into(dec, f, field, out);
}

u64 data_decoder__constants(struct data_decoder *dec, const struct data_event *event,
			    const struct data_frame *f, const int *fields, u32 nr, u64 *value)
{
	int nr_cols = decode__nr_columns(f);
	struct column col;
	u64 same = 0;

	if (nr_cols < 0)
		return 0;
	read_directory(dec, f, nr_cols);
	for (u32 i = 0; i < nr && !dec->cut; i++) {
		value[i] = KVMW_NONE;
		if (fields[i] >= 0 && (u32)fields[i] >= event->nr_fields)
			continue;
		if (fields[i] >= 0 && decode__find_column(dec, f, fields[i], &col)) {
			value[i] = col.base;
			if (col.encoding != COLUMN_CONST ||
			    !fits(event->fields[fields[i]].type, &col.base, 1))
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

void data_decoder__codes(struct data_decoder *dec, u64 enough)
{
	dec->codes_enough = enough;
}

static void begin_frame(struct data_decoder *dec)
{
	memset(dec->state, COLUMN_UNTOUCHED, sizeof(dec->state));
	memset(dec->wanted, 0, sizeof(dec->wanted));
	memset(dec->codes_of, 0, sizeof(dec->codes_of));
	memset(dec->bits_known, 0, sizeof(dec->bits_known));
	memset(dec->one_value, 0, sizeof(dec->one_value));
	dec->nr_scratch = dec->nr_codes = dec->depth = 0;
	dec->ordered_by = dec->order_of = 0;
}

int decode__begin(struct data_decoder *dec, const struct data_frame *f)
{
	int nr_cols = decode__nr_columns(f);

	/* Not of another one, if no call followed. */
	if (!dec->more || dec->offset != f->offset)
		begin_frame(dec);
	dec->more = false;
	dec->offset = f->offset;
	dec->why = NULL;
	dec->no_memory = false;
	if (nr_cols < 0)
		return 1;
	read_directory(dec, f, nr_cols);
	return make_row_room(dec, f->rows);
}

int data_decoder__columns(struct data_decoder *dec, const struct data_event *event,
			  const struct data_frame *f, const int *fields,
			  u32 nr_fields, u64 **cols, const char **why)
{
	u64 enough = dec->codes_enough;
	struct column col;
	int ret = decode__begin(dec, f);

	dec->codes_enough = 0;
	*why = "it has no rows";
	if (ret)
		return ret < 0 ? out_of_memory() : ret;
	for (u32 i = 0; i < nr_fields; i++)
		if (fields[i] >= 0 && (u32)fields[i] < event->nr_fields)
			dec->wanted[fields[i]] = cols[i];
	for (u32 i = 0; i < nr_fields; i++) {
		if (fields[i] < 0) {
			get_planes(cols[i], NULL, f->rows, 0, KVMW_NONE);
			continue;
		}
		if ((u32)fields[i] >= event->nr_fields ||
		    get_field(dec, f, fields[i], cols[i], i < 64 && enough >> i & 1))
			goto damaged;
		if (decode__find_column(dec, f, fields[i], &col) == 1 &&
		    !column_fits(dec, f, fields[i], event->fields[fields[i]].type, cols[i])) {
			dec->why = "a value is wider than its field";
			goto damaged;
		}
	}
	return 0;
damaged:
	*why = dec->why ? dec->why : "no such field";
	return dec->no_memory ? out_of_memory() : 1;
}

void data_decoder__facts(const struct data_decoder *dec, int field, u32 rows,
			 struct data_facts *facts)
{
	const struct codes *codes = field < 0 ? NULL : dec->codes_of[field];

	*facts = (struct data_facts) { .bits = KVMW_NONE };
	if (field >= 0)
		facts->bits = dec->bits_known[field] ? dec->bits[field] :
			      data_bits_of(dec->done[field], rows);
	if (!codes)
		return;
	facts->code = codes->of_row;
	facts->value = codes->value;
	facts->nr_values = codes->nr;
}
