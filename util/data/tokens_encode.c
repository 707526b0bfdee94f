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
	const struct numbers *of;
	u8 group[KEYMAP_MAX];

	/* Columns that depend on the same one follow each other. */
	if (plan->grouped_by == by + 1)
		return;
	plan->grouped_by = by + 1;
	plan->other.like = 0;
	plan->nr_groups = 1;
	of = by == COLUMN_NO_REF ? NULL : layout__numbers(l, by);
	if (!of || !of->keys.n) {
		memset(plan->group, 0, l->nr);
		return;
	}
	for (u32 k = 0; k < of->keys.n; k++) {
		group[k] = 0;
		if (of->keys.rows[k] < GROUP_ROWS || plan->nr_groups == TOKEN_GROUPS)
			continue;
		plan->key[plan->nr_groups] = of->value[k];
		group[k] = plan->nr_groups++;
	}
#pragma GCC unroll 4
	for (u32 i = 0; i < l->nr; i++)
		plan->group[i] = group[of->number[i]];
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
	u64 tick = find_quantum(&l->quantum, v, l->nr);

	for (u32 i = 0; tick && i < l->nr; i++)
		if (v[i] >= QUANTUM_LIMIT && v[i] != KVMW_NONE)
			return 0;
	return tick;
}

/* A group that is empty, or without captured values, begins at 0. */
static void begin_at_0(u64 *base, u32 nr)
{
	for (u32 g = 0; g < nr; g++)
		if (base[g] == KVMW_NONE)
			base[g] = 0;
}

/* The least value of each group. */
static void least_by_group(u64 *least, const struct token_plan *plan, const u64 *v, u32 nr)
{
	const u8 *group = plan->group;

	memset(least, 0xff, plan->nr_groups * sizeof(*least));
#pragma GCC unroll 4
	for (u32 i = 0; i < nr; i++)
		if (v[i] < least[group[i]])
			least[group[i]] = v[i];
	begin_at_0(least, plan->nr_groups);
}

static inline void count_cell(struct token_cells *cells, u32 g, u32 i, u64 like)
{
	u32 cell = g * TOKEN_CLASSES + token_class(like, cells->like_base[g]);

	cells->cell[i] = cell;
	cells->rows[cell]++;
}

static void clear_cells(struct token_cells *cells, u32 nr_groups)
{
	memset(cells->rows, 0, (size_t)nr_groups * TOKEN_CLASSES * sizeof(cells->rows[0]));
	memset(cells->like_base, 0, nr_groups * sizeof(cells->like_base[0]));
}

/* By the magnitude of another column, or, if there is none, all alike. */
static const struct token_cells *cells_like_other(struct layout *l, struct token_plan *plan,
						  u32 field)
{
	const u64 *like = field == COLUMN_NO_REF ? NULL : layout__column(l, field);
	struct token_cells *cells = &plan->other;

	if (cells->like == field + 1)
		return cells;
	cells->like = field + 1;
	clear_cells(cells, plan->nr_groups);
	if (like)
		least_by_group(cells->like_base, plan, like, l->nr);
	for (u32 i = 0; i < l->nr; i++)
		count_cell(cells, plan->group[i], i, like ? like[i] : 0);
	return cells;
}

/* By the magnitude of the previous row's value, and 0 before the first. */
static const struct token_cells *cells_like_itself(struct token_plan *plan, const u64 *v, u32 nr)
{
	struct token_cells *cells = &plan->own;
	const u8 *group = plan->group;

	clear_cells(cells, plan->nr_groups);
	memset(cells->like_base, 0xff, plan->nr_groups * sizeof(cells->like_base[0]));
	cells->like_base[group[0]] = 0;
	for (u32 i = 1; i < nr; i++)
		if (v[i - 1] < cells->like_base[group[i]])
			cells->like_base[group[i]] = v[i - 1];
	begin_at_0(cells->like_base, plan->nr_groups);
	count_cell(cells, group[0], 0, 0);
	for (u32 i = 1; i < nr; i++)
		count_cell(cells, group[i], i, v[i - 1]);
	return cells;
}

/*
 * Writes the streams of one group.  Neighbouring classes share a stream until it has
 * enough rows for statistics of its own.
 */
static u8 *put_streams(struct token_plan *plan, const struct token_cells *cells, struct column *col,
		       u32 g, u8 *to)
{
	const u32 *rows_of = &cells->rows[(size_t)g * TOKEN_CLASSES];
	u32 first[TOKEN_CLASSES + 1], rows[TOKEN_CLASSES + 1], n = 0, sum = 0, left = 0;

	for (u32 c = 0; c < TOKEN_CLASSES; c++)
		left += rows_of[c];
	first[0] = 0;
	for (u32 c = 0; c < TOKEN_CLASSES; c++) {
		plan->stream[g * TOKEN_CLASSES + c] = plan->nr_streams + n;
		sum += rows_of[c];
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

/* A stream of bits, the lowest first; after each call, its end is in memory. */
struct bits {
	u8 *to;
	u64 held;		/* what byte *to has so far */
	u32 fill;		/* how many bits these are, less than 8 */
};

/* n: at most 56 */
static inline void add_bits(struct bits *b, u64 v, u32 n)
{
	b->held |= v << b->fill;
	put64(b->to, b->held);
	b->fill += n;
	b->to += b->fill / 8;
	b->held >>= b->fill & ~7u;
	b->fill %= 8;
}

/* Returns the number of bytes of bits. */
static size_t put_tokens(struct layout *l, struct token_plan *plan, const struct token_cells *cells,
			 const u64 *v, u8 *bits)
{
	struct bits b = { .to = bits };

	for (u32 i = 0; i < l->nr; i++) {
		u8 **put = &plan->put[plan->stream[cells->cell[i]]];
		u64 x = v[i] - plan->base[plan->group[i]];
		u32 shift = value_shift(x);
		u64 high = x >> shift;

		if (v[i] == KVMW_NONE) {
			*(*put)++ = TOKEN_NONE;
			continue;
		}
		*(*put)++ = (shift << TOKEN_BITS) + high;
		x ^= high << shift;
		if (shift > 32) {	/* seldom: above some 30 seconds */
			add_bits(&b, x & 0xffffffff, 32);
			x >>= 32;
			shift -= 32;
		}
		add_bits(&b, x, shift);
	}
	return b.to - bits + !!b.fill;
}

/* Writes the tick and all groups with their streams; returns where the tokens begin. */
static u8 *put_plan(struct token_plan *plan, const struct token_cells *cells, struct column *col,
		    u64 tick, u8 *to)
{
	plan->nr_streams = 0;
	to = put_varint(to, tick);
	to = put_varint(to, plan->nr_groups);
	for (u32 g = 0; g < plan->nr_groups; g++) {
		if (g)
			to = put_varint(to, plan->key[g]);
		to = put_varint(to, plan->base[g]);
		to = put_varint(to, cells->like_base[g]);
		to = put_streams(plan, cells, col, g, to);
	}
	return to;
}

void lay_tokens(struct layout *l, struct column *col, u32 index)
{
	const u64 *v = layout__column(l, index);
	struct token_plan *plan = l->plan;
	u64 tick = column_tick(l, v);
	const struct token_cells *cells;
	size_t bytes;
	u8 *to;

	find_groups(l, plan, col->refs[0]);
	if (tick) {
		to_ticks(l, v, tick);
		v = l->work;
	}
	cells = col->refs[1] == index ? cells_like_itself(plan, v, l->nr) :
		cells_like_other(l, plan, col->refs[1]);
	if (!tick && plan->other.like == index + 1)
		memcpy(plan->base, plan->other.like_base, plan->nr_groups * sizeof(plan->base[0]));
	else
		least_by_group(plan->base, plan, v, l->nr);

	col->encoding = COLUMN_TOKENS;
	to = put_plan(plan, cells, col, tick, l->raw);
	col->piece[0] = to - l->raw;
	for (u32 s = 0; s < plan->nr_streams; s++) {
		plan->put[s] = to;
		to += col->piece[1 + s];
	}
	col->nr_pieces = 1 + plan->nr_streams;
	bytes = put_tokens(l, plan, cells, v, to);
	col->piece[col->nr_pieces++] = bytes;
	if (tick)
		put_rests(l, col, tick, to + bytes);
}
