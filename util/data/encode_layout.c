// SPDX-License-Identifier: GPL-2.0
/* The layouts of a column, as described in kvmw.data-file-format(5). */
#include <stdlib.h>

#include "util/data/encode.h"

void min_max(const u64 *v, u32 nr, bool is_signed, u64 *min, u64 *max)
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

static int compare_u64(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/*
 * The distinct values of v, and in l->work the index of each row's value among them.  They are sorted
 * so that their upper planes compress well and that equal rows give equal frames.
 * 0: too many for a dictionary to pay.
 */
static u32 distinct(struct layout *l, const u64 *v, u64 *sorted)
{
	u32 n = 0, limit = l->nr / 2 < DICT_MAX ? l->nr / 2 : DICT_MAX;
	u64 *id = NULL, last = ~v[0], by_id = 0;
	u16 place[DICT_MAX];
	bool fresh;

	keymap__clear(&l->keys);
	for (u32 i = 0; i < l->nr; i++) {
		if (v[i] != last) {
			last = v[i];
			id = keymap__get(&l->keys, last, &fresh);
			if (!id || (fresh && n == limit))
				return 0;
			if (fresh) {
				sorted[n] = last;
				*id = n++;
			}
			by_id = *id;
		}
		l->work[i] = by_id;
	}
	/* cppcheck-suppress uninitvar ; n of them are filled */
	qsort(sorted, n, sizeof(*sorted), compare_u64);
	for (u32 i = 0; i < n; i++)
		place[*keymap__get(&l->keys, sorted[i], &fresh)] = i;
	for (u32 i = 0; i < l->nr; i++)
		/* cppcheck-suppress uninitvar ; likewise */
		l->work[i] = place[l->work[i]];
	return n;
}

/* l->order by the column that a column depends on. */
static bool put_in_order(struct layout *l, u32 key)
{
	if (l->ordered_by == key + 1)
		return true;
	l->ordered_by = order_by_key(l->order, &l->keys, layout__column(l, key), l->nr) ? key + 1 : 0;
	return l->ordered_by;
}

/*
 * A value often depends on another column, the key: rows with the same key have
 * few distinct values.  So the indices of rows with the same key are stored together.
 */
static bool lay_dict(struct layout *l, struct column *col, const u64 *v)
{
	u64 sorted[DICT_MAX];
	u32 n = distinct(l, v, sorted), planes;
	u8 *to = l->raw;

	if (!n)
		return false;
	col->encoding = COLUMN_DICT;
	col->base = sorted[0];
	planes = bytes_of(sorted[n - 1] - sorted[0]);
	put32(to, n);
	to[4] = planes;
	to[5] = bytes_of(n - 1);
	put16(to + 6, 0);
	to += DICT_HDR_SIZE;
	to += put_planes(to, sorted, n, sorted[0], planes);
	col->piece[col->nr_pieces++] = to - l->raw;

	if (col->refs[0] != COLUMN_NO_REF && !put_in_order(l, col->refs[0]))
		col->refs[0] = COLUMN_NO_REF;
	for (u32 p = 0; p < bytes_of(n - 1); p++, to += l->nr) {
		const u32 *order = col->refs[0] == COLUMN_NO_REF ? NULL : l->order;

		for (u32 i = 0; i < l->nr; i++)
			to[order ? order[i] : i] = l->work[i] >> (8 * p);
		col->piece[col->nr_pieces++] = l->nr;
	}
	return true;
}

/*
 * Rows with the same key mostly follow each other without a hole: a row's time is that
 * of the previous one, plus its span, plus the gap between the two.  So most differences
 * are zero.
 */
static bool lay_chain(struct layout *l, struct column *col, const u64 *v)
{
	const u64 *key = layout__column(l, col->refs[0]);
	const u64 *gap = layout__column(l, col->refs[1]);
	const u64 *span = layout__column(l, col->refs[2]);

	col->encoding = COLUMN_CHAIN;
	col->base = v[0];
	keymap__clear(&l->keys);
	for (u32 i = 0; i < l->nr; i++) {
		bool fresh;
		u64 *end = keymap__get(&l->keys, key[i], &fresh);

		if (!end)
			return false;
		l->work[i] = v[i] - (fresh ? col->base : *end + captured(gap[i]));
		*end = v[i] + captured(span[i]);
	}
	add_differences(l, col);
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

void lay_out(struct layout *l, struct column *col, const struct event_desc *event, u32 index)
{
	const struct field_desc *field = &event->fields[index];
	const u64 *v = layout__column(l, index);
	u64 min, max;

	col->nr_pieces = 0;
	col->base = 0;
	find_refs(col, event, field->ref);
	if (l->same[index]) {
		col->encoding = COLUMN_CONST;
		col->base = v[0];
	} else if ((field->encoding == ENC_CHAIN && lay_chain(l, col, v)) ||
		   (field->encoding == ENC_DICT && lay_dict(l, col, v))) {
		return;
	} else if (field->encoding == ENC_TOKENS) {
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
