// SPDX-License-Identifier: GPL-2.0
/*
 * Lays out durations.  Most of their bits are noise, which does not compress.  What can
 * be exploited is the shape of their distribution.  It differs by group (the value of
 * the key) and, because slow moments are slow for everything, by the magnitude of
 * another duration of the same row, or of the same column in the previous row.
 */
#include "util/data/encode.h"

#define GROUP_ROWS	192u	/* rows that justify a group of their own */
#define STREAM_ROWS	512u	/* rows that justify a stream of their own */

static u8 *put_varint(u8 *to, u64 v)
{
	for (; v >= 0x80; v >>= 7)
		*to++ = v | 0x80;
	*to++ = v;
	return to;
}

/* Group 0 takes all keys that have few rows. */
static void find_groups(struct layout *l, struct token_plan *plan, u32 by)
{
	const u64 *key = by == COLUMN_NO_REF ? NULL : layout__column(l, by);
	u32 *id = l->order, rows[KEYMAP_MAX] = { 0 };
	u8 group[KEYMAP_MAX];
	bool fresh;

	/* Columns that depend on the same one follow each other. */
	if (plan->grouped_by == by + 1)
		return;
	plan->grouped_by = by + 1;
	plan->nr_groups = 1;
	memset(plan->group, 0, l->nr);
	if (!key)
		return;
	l->ordered_by = 0;
	keymap__clear(&l->keys);
	for (u32 i = 0; i < l->nr; i++) {
		u64 *slot;

		if (i && key[i] == key[i - 1]) {
			id[i] = id[i - 1];
		} else {
			slot = keymap__get(&l->keys, key[i], &fresh);
			if (!slot)
				return;
			if (fresh)
				*slot = l->keys.nr - 1;
			id[i] = *slot;
		}
		rows[id[i]]++;
	}
	memset(group, 0, sizeof(group));
	for (u32 i = 0; i < l->nr; i++) {
		if (rows[id[i]] >= GROUP_ROWS && !group[id[i]] && plan->nr_groups < TOKEN_GROUPS) {
			plan->key[plan->nr_groups] = key[i];
			group[id[i]] = plan->nr_groups++;
		}
		plan->group[i] = group[id[i]];
	}
}

/* The value whose magnitude gives the class; for the column itself, the previous row's. */
static inline u64 like_value(const u64 *like, bool self, u32 i)
{
	return !self ? like[i] : i ? like[i - 1] : 0;
}

/* Stores v in ticks in l->work, and what remains in the plan's rests. */
static void to_ticks(struct layout *l, const u64 *v, u64 tick)
{
	for (u32 i = 0; i < l->nr; i++) {
		l->work[i] = v[i];
		if (v[i] == KVMW_NONE)
			continue;
		l->work[i] = quantum_ticks(v[i], tick);
		l->plan->rest[i] = v[i] - quantum_ns(l->work[i], tick);
	}
}

static void put_rests(struct layout *l, struct column *col, u64 tick, u8 *to)
{
	size_t bytes = rests__put(to, l->work, l->plan->rest, l->nr, tick);
	u32 start[REST_CLASSES + 1], from = 0;

	rests__classes(l->work, l->nr, tick, start);
	for (u32 c = 1; c < REST_CLASSES; c++) {
		col->piece[col->nr_pieces++] = start[c] / 4 - from;
		from = start[c] / 4;
	}
	col->piece[col->nr_pieces++] = bytes - from;
}

/* The tick; 0: none, or a value is too long to be stored in ticks. */
static u64 column_tick(struct layout *l, const u64 *v)
{
	for (u32 i = 0; i < l->nr; i++)
		if (v[i] >= QUANTUM_LIMIT && v[i] != KVMW_NONE)
			return 0;
	return find_quantum(&l->quantum, v, l->nr);
}

static void find_bases(struct token_plan *plan, const u64 *v, u32 nr)
{
	memset(plan->base, 0xff, plan->nr_groups * sizeof(plan->base[0]));
	for (u32 i = 0; i < nr; i++)
		if (v[i] < plan->base[plan->group[i]])
			plan->base[plan->group[i]] = v[i];
	for (u32 g = 0; g < plan->nr_groups; g++)
		if (plan->base[g] == KVMW_NONE)		/* empty, or nothing captured */
			plan->base[g] = 0;
}

static void find_classes(struct token_plan *plan, const u64 *like, bool self, u32 nr)
{
	memset(plan->rows, 0, plan->nr_groups * sizeof(plan->rows[0]));
	memset(plan->like_base, like ? 0xff : 0, plan->nr_groups * sizeof(plan->like_base[0]));
	for (u32 i = 0; like && i < nr; i++) {
		u64 x = like_value(like, self, i);

		if (x < plan->like_base[plan->group[i]])
			plan->like_base[plan->group[i]] = x;
	}
	for (u32 g = 0; g < plan->nr_groups; g++)
		if (plan->like_base[g] == KVMW_NONE)
			plan->like_base[g] = 0;
	for (u32 i = 0; i < nr; i++) {
		u32 g = plan->group[i];
		u32 class = like ? token_class(like_value(like, self, i), plan->like_base[g]) : 0;

		plan->class[i] = class;
		plan->rows[g][class]++;
	}
}

/*
 * Writes the streams of one group.  Neighbouring classes share a stream until it has
 * enough rows for statistics of its own.
 */
static u8 *put_streams(struct token_plan *plan, struct column *col, u32 g, u8 *to)
{
	u32 first[257], rows[257], n = 0, sum = 0, left = 0;

	for (u32 c = 0; c < 256; c++)
		left += plan->rows[g][c];
	first[0] = 0;
	for (u32 c = 0; c < 256; c++) {
		plan->stream[g][c] = plan->nr_streams + n;
		sum += plan->rows[g][c];
		if (sum < STREAM_ROWS || left - sum < STREAM_ROWS)
			continue;
		rows[n++] = sum;
		first[n] = c + 1;
		left -= sum;
		sum = 0;
	}
	rows[n++] = left;
	to = put_varint(to, n);
	for (u32 s = 0; s < n; s++) {
		if (s)
			to = put_varint(to, first[s] - first[s - 1]);
		to = put_varint(to, rows[s]);
		col->piece[1 + plan->nr_streams++] = rows[s];
	}
	return to;
}

/* Writes the low bits of a token at bit *at of bits, and zeros after them. */
static inline void put_bits(u8 *bits, u64 *at, u64 v, u32 n)
{
	u8 *p = bits + *at / 8;
	u32 shift = *at % 8;

	put64(p, (*p & ((1u << shift) - 1)) | v << shift);
	p[8] = shift ? v >> (64 - shift) : 0;
	*at += n;
}

static u64 put_tokens(struct layout *l, struct token_plan *plan, const u64 *v, u8 *bits)
{
	u64 at = 0;

	bits[0] = 0;
	for (u32 i = 0; i < l->nr; i++) {
		u32 g = plan->group[i], shift, token;
		u64 x = v[i] - plan->base[g];

		token = v[i] == KVMW_NONE ? TOKEN_NONE : token_of(x);
		*plan->put[plan->stream[g][plan->class[i]]]++ = token;
		if (token == TOKEN_NONE)
			continue;
		shift = token_shift(token);
		put_bits(bits, &at, x & ((1ULL << shift) - 1), shift);
	}
	return at;
}

/* Writes the tick and all groups with their streams; returns where the tokens begin. */
static u8 *put_plan(struct token_plan *plan, struct column *col, u64 tick, u8 *to)
{
	plan->nr_streams = 0;
	to = put_varint(to, tick);
	to = put_varint(to, plan->nr_groups);
	for (u32 g = 0; g < plan->nr_groups; g++) {
		if (g)
			to = put_varint(to, plan->key[g]);
		to = put_varint(to, plan->base[g]);
		to = put_varint(to, plan->like_base[g]);
		to = put_streams(plan, col, g, to);
	}
	return to;
}

void lay_tokens(struct layout *l, struct column *col, u32 index)
{
	const u64 *v = layout__column(l, index), *like = NULL;
	bool self = col->refs[1] == index;
	struct token_plan *plan = l->plan;
	u64 bits, tick = column_tick(l, v);
	u8 *to;

	if (col->refs[1] != COLUMN_NO_REF)
		like = layout__column(l, col->refs[1]);
	find_groups(l, plan, col->refs[0]);
	if (tick) {
		to_ticks(l, v, tick);
		v = l->work;
	}
	find_classes(plan, self ? v : like, self, l->nr);
	find_bases(plan, v, l->nr);

	col->encoding = COLUMN_TOKENS;
	to = put_plan(plan, col, tick, l->raw);
	col->piece[0] = to - l->raw;
	for (u32 s = 0; s < plan->nr_streams; s++) {
		plan->put[s] = to;
		to += col->piece[1 + s];
	}
	col->nr_pieces = 1 + plan->nr_streams;
	bits = put_tokens(l, plan, v, to);
	col->piece[col->nr_pieces++] = (bits + 7) / 8;
	if (tick)
		put_rests(l, col, tick, to + (bits + 7) / 8);
}
