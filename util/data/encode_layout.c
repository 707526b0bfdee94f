// SPDX-License-Identifier: GPL-2.0
/* The layouts of a column, as described in kvmw.data-file-format(5). */
#include <stdlib.h>

#include "util/data/encode.h"

void min_max(const u64 *v, u32 nr, bool is_signed, u64 *min, u64 *max)
{
	u64 flip = is_signed ? 1ULL << 63 : 0, lo = ~0ULL, hi = 0;

#pragma GCC unroll 4
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

/* Writes v - base as byte planes, lowest first; returns the number of bytes written. */
static size_t put_planes(u8 *to, const u64 *v, u32 nr, u64 base, u32 planes)
{
	for (u32 p = 0; p < planes; p++)
		for (u32 i = 0; i < nr; i++)
			*to++ = (v[i] - base) >> (8 * p);
	return (size_t)nr * planes;
}

static void add_planes(struct layout *l, struct column *col, const u64 *v, u64 base, u64 range)
{
	u32 planes = bytes_of(range);

	put_planes(l->raw, v, l->nr, base, planes);
	for (u32 p = 0; p < planes; p++)
		col->piece[col->nr_pieces++] = l->nr;
}

/* Differences in zigzag form: small ones are small numbers, whatever their sign. */
static void add_differences(struct layout *l, struct column *col)
{
	u64 max = 0;

#pragma GCC unroll 4
	for (u32 i = 0; i < l->nr; i++) {
		l->work[i] = zigzag(l->work[i]);
		max |= l->work[i];
	}
	add_planes(l, col, l->work, 0, max);
}

static void lay_delta(struct layout *l, struct column *col, const u64 *v)
{
	u64 last = v[0];

	col->encoding = COLUMN_DELTA;
	col->base = v[0];
	for (u32 i = 0; i < l->nr; i++) {
		l->work[i] = v[i] - last;
		last = v[i];
	}
	add_differences(l, col);
}

const struct numbers *layout__numbers(struct layout *l, u32 field)
{
	struct numbers *found;
	const u64 *v;
	u32 i = 0;

	while (i < NR_NUMBERS - 1 && l->numbers[i]->of != field + 1)
		i++;
	found = l->numbers[i];
	memmove(&l->numbers[1], &l->numbers[0], i * sizeof(l->numbers[0]));
	l->numbers[0] = found;
	if (found->of == field + 1)
		return found;
	found->of = field + 1;
	if (l->same[field]) {
		found->keys.n = 1;
		found->keys.rows[0] = l->nr;
		found->keys.first[0] = 0;
		found->value[0] = layout__first(l, field);
		memset(found->number, 0, l->nr * sizeof(found->number[0]));
		return found;
	}
	v = layout__column(l, field);
	keymap__number(&l->keys, v, l->nr, KEYMAP_MAX, found->number, &found->keys);
	for (u32 k = 0; k < found->keys.n; k++)
		found->value[k] = v[found->keys.first[k]];
	return found;
}

/* Sets *order to the rows' positions by a column that another depends on; NULL: they stay. */
static bool put_in_order(struct layout *l, u32 key, const u32 **order)
{
	const struct numbers *by;

	*order = NULL;
	if (l->same[key])
		return true;
	if (l->ordered_by != key + 1) {
		by = layout__numbers(l, key);
		if (!by->keys.n)
			return false;
		order_by_number(l->order, by->number, &by->keys, l->nr);
		l->ordered_by = key + 1;
	}
	*order = l->order;
	return true;
}

struct dict_value {
	u64 value;
	u32 number;
};

static int compare_values(const void *a, const void *b)
{
	const struct dict_value *x = a, *y = b;

	return x->value < y->value ? -1 : x->value > y->value;
}

/*
 * The values are sorted so that the upper planes of their places compress well and that equal rows
 * give equal frames. Writes them, and the place of each.
 */
static u8 *put_dict(struct column *col, const u64 *values, u32 n, u8 *to, u16 *place)
{
	struct dict_value sorted[DICT_MAX];
	u64 value[DICT_MAX];
	u32 planes;

	for (u32 i = 0; i < n; i++)
		sorted[i] = (struct dict_value) { values[i], i };
	/* cppcheck-suppress uninitvar ; a dictionary has values */
	qsort(sorted, n, sizeof(*sorted), compare_values);
	for (u32 i = 0; i < n; i++) {
		value[i] = sorted[i].value;
		place[sorted[i].number] = i;
	}
	/* cppcheck-suppress uninitvar ; likewise */
	col->base = value[0];
	planes = bytes_of(value[n - 1] - value[0]);
	put32(to, n);
	to[4] = planes;
	to[5] = bytes_of(n - 1);
	put16(to + 6, 0);
	return to + DICT_HDR_SIZE + put_planes(to + DICT_HDR_SIZE, value, n, value[0], planes);
}

/* A plane of the places; at: where each row's goes, NULL: they stay. */
static void put_places(u8 *to, const struct numbers *d, const u8 *place, const u32 *at, u32 nr)
{
	if (!at) {
		for (u32 i = 0; i < nr; i++)
			to[i] = place[d->number[i]];
		return;
	}
	for (u32 i = 0; i < nr; i++)
		to[at[i]] = place[d->number[i]];
}

/*
 * Compares rows with the first one that has the same key. false: too many of them differ, or they
 * have too many values.
 */
static bool find_exceptions(struct layout *l, const struct numbers *by, const u64 *v)
{
	struct dependent *d = l->dependent;
	u32 end;

	for (u32 k = 0; k < by->keys.n; k++)
		d->value[k] = v[by->keys.first[k]];
	d->nr = 0;
	for (u32 at = 0; at < l->nr; at = end) {
		if (d->nr > ROWS_BETWEEN_LOOKS + at / ROWS_PER_EXCEPTION)
			return false;
		end = l->nr - at < ROWS_BETWEEN_LOOKS ? l->nr : at + ROWS_BETWEEN_LOOKS;
#pragma GCC unroll 4
		for (u32 i = at; i < end; i++)
			if (v[i] != d->value[by->number[i]])
				d->row[d->nr++] = i;
	}
	for (u32 i = 0; i < d->nr; i++)
		d->value[by->keys.n + i] = v[d->row[i]];
	return keymap__number(&l->keys, d->value, by->keys.n + d->nr, DICT_MAX, d->number,
			      &d->distinct);
}

/*
 * Mostly rows with the same key have the same value: then its place is looked up once, not for
 * each row.
 */
static bool lay_dependent(struct layout *l, struct column *col, u32 index)
{
	struct dependent *d = l->dependent;
	u64 values[DICT_MAX];
	const struct numbers *by;
	const u32 *order = NULL;
	u16 place[DICT_MAX];
	u32 n;
	u8 *to;

	if (col->refs[0] == COLUMN_NO_REF || l->same[col->refs[0]])
		return false;
	by = layout__numbers(l, col->refs[0]);
	if (!by->keys.n || !find_exceptions(l, by, layout__column(l, index)))
		return false;
	n = d->distinct.n;
	if (n > l->nr / 2)
		return false;
	for (u32 i = 0; i < n; i++)
		values[i] = d->value[d->distinct.first[i]];
	if (d->nr)
		put_in_order(l, col->refs[0], &order);
	col->encoding = COLUMN_DICT;
	to = put_dict(col, values, n, l->raw, place);
	col->piece[col->nr_pieces++] = to - l->raw;
	for (u32 p = 0; p < bytes_of(n - 1); p++) {
		u8 *plane = to;

		for (u32 k = 0; k < by->keys.n; k++) {
			memset(to, place[d->number[k]] >> (8 * p), by->keys.rows[k]);
			to += by->keys.rows[k];
		}
		for (u32 i = 0; i < d->nr; i++)
			plane[order[d->row[i]]] = place[d->number[by->keys.n + i]] >> (8 * p);
		col->piece[col->nr_pieces++] = l->nr;
	}
	return true;
}

/*
 * A value often depends on another column, the key: rows with the same key have
 * few distinct values.  So the indices of rows with the same key are stored together.
 */
static bool lay_dict(struct layout *l, struct column *col, u32 index)
{
	const struct numbers *d;
	const u32 *order = NULL;
	u16 place[DICT_MAX];
	u8 low[DICT_MAX];
	u8 *to;

	if (lay_dependent(l, col, index))
		return true;
	d = layout__numbers(l, index);
	if (!d->keys.n || d->keys.n > DICT_MAX || d->keys.n > l->nr / 2)
		return false;
	col->encoding = COLUMN_DICT;
	to = put_dict(col, d->value, d->keys.n, l->raw, place);
	col->piece[col->nr_pieces++] = to - l->raw;
	if (col->refs[0] != COLUMN_NO_REF && !put_in_order(l, col->refs[0], &order))
		col->refs[0] = COLUMN_NO_REF;
	for (u32 p = 0; p < bytes_of(d->keys.n - 1); p++, to += l->nr) {
		for (u32 i = 0; i < d->keys.n; i++)
			low[i] = place[i] >> (8 * p);
		put_places(to, d, low, order, l->nr);
		col->piece[col->nr_pieces++] = l->nr;
	}
	return true;
}

#define COARSE_ROWS	1024u	/* rows that justify statistics of their own */

/*
 * Durations that were rounded have few values. The rows of a plane are in the order of the key:
 * those of keys with many rows are pieces of their own.
 */
static bool lay_coarse(struct layout *l, struct column *col, u32 index)
{
	const struct keymap_keys *keys;
	u32 pieces = 0, sum = 0, plane;

	memset(&col->refs[1], COLUMN_NO_REF, COLUMN_NR_REFS - 1);
	if (!lay_dict(l, col, index))
		return false;
	if (col->refs[0] == COLUMN_NO_REF || l->same[col->refs[0]] || col->nr_pieces == 1)
		return true;
	keys = &layout__numbers(l, col->refs[0])->keys;
	plane = col->nr_pieces - 1;
	col->nr_pieces = 1;
	for (u32 k = 0; k < keys->n; k++) {
		sum += keys->rows[k];
		if (sum < COARSE_ROWS && k + 1 < keys->n)
			continue;
		col->piece[1 + pieces++] = sum;
		sum = 0;
	}
	for (u32 p = 1; p < plane; p++)
		memcpy(&col->piece[1 + p * pieces], &col->piece[1], pieces * sizeof(col->piece[0]));
	col->nr_pieces = 1 + plane * pieces;
	return true;
}

/*
 * Rows with the same key mostly follow each other without a hole: a row's time is that
 * of the previous one, plus its span, plus the gap between the two.  So most differences
 * are zero.
 */
static bool lay_chain(struct layout *l, struct column *col, const u64 *v)
{
	const struct numbers *key = layout__numbers(l, col->refs[0]);
	const u64 *gap = layout__column(l, col->refs[1]);
	const u64 *span = layout__column(l, col->refs[2]);
	u64 end[KEYMAP_MAX];
	u32 seen = 0;

	if (!key->keys.n)
		return false;
	/* Each number is new before it is met again, which a compiler cannot know. */
	memset(end, 0, key->keys.n * sizeof(end[0]));
	col->encoding = COLUMN_CHAIN;
	col->base = v[0];
	for (u32 i = 0; i < l->nr; i++) {
		u32 of = key->number[i];

		l->work[i] = v[i] - (of == seen ? col->base : end[of] + captured(gap[i]));
		seen += of == seen;
		end[of] = v[i] + captured(span[i]);
	}
	add_differences(l, col);
	return true;
}

void find_refs(u8 *refs, const struct event_desc *event, const char *ref)
{
	memset(refs, COLUMN_NO_REF, COLUMN_NR_REFS);
	for (u32 n = 0; *ref && n < COLUMN_NR_REFS; n++) {
		size_t len = strcspn(ref, ",");

		refs[n] = event_desc__field(event, ref, len);
		ref += len + (ref[len] == ',');
	}
}

void lay_out(struct layout *l, struct column *col, const struct event_desc *event, u32 index)
{
	const struct field_desc *field = &event->fields[index];
	const u64 *v;
	u64 min, max;

	col->nr_pieces = 0;
	col->base = 0;
	find_refs(col->refs, event, field->ref);
	if (l->same[index]) {
		col->encoding = COLUMN_CONST;
		col->base = layout__first(l, index);
		memset(col->refs, COLUMN_NO_REF, sizeof(col->refs));
		return;
	}
	v = layout__column(l, index);
	if ((field->encoding == ENC_CHAIN && lay_chain(l, col, v)) ||
	    (field->encoding == ENC_DICT && lay_dict(l, col, index))) {
		return;
	} else if (field->encoding == ENC_TOKENS) {
		if (l->coarse && lay_coarse(l, col, index))
			return;
		find_refs(col->refs, event, field->ref);
		lay_tokens(l, col, index);
		return;
	} else if (field->encoding == ENC_CHAIN || field->encoding == ENC_DELTA) {
		lay_delta(l, col, v);
	} else {
		min_max(v, l->nr, field_type__signed(field->type), &min, &max);
		col->encoding = COLUMN_PLANES;
		col->base = min;
		add_planes(l, col, v, min, max - min);
	}
	memset(col->refs, COLUMN_NO_REF, sizeof(col->refs));
}
