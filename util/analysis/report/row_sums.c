// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/analysis/report/row_sums.h"

/* The sums of so many rows with times below this, some days, do not overflow. */
#define SMALL_NS	(1ULL << 47)
_Static_assert(SMALL_NS <= UINT64_MAX / DATA_MAX_ROWS, "sums of a frame");

/* Keys that are not counted, from their columns. */
static void fine_key(const struct report_scan *rs, u32 event, u64 *const *col, u32 row,
		     struct agg_key *agg_key)
{
	u64 *fine = agg_key->fine;

	col += KEYS;
	for (u32 i = 0; i < rs->nr_keys; i++, col += KEY_COLUMNS) {
		u64 column[KEY_COLUMNS];

		for (u32 k = 0; k < KEY_COLUMNS; k++)
			column[k] = col[k][row];
		if (rs->key[i]->fine)
			rs->key[i]->fine(rs->opt, event, column, fine);
		else
			memcpy(fine, column, rs->key[i]->nr_fine * sizeof(*fine));
		fine += rs->key[i]->nr_fine;
	}
}

struct agg_key report_scan__key(const struct report_scan *rs, u32 event, u64 *const *col, u32 i)
{
	struct agg_key key = { .vcpu = rs->opt->any_vcpu ? 0 : col[VCPU][i],
			       .reason = col[REASON][i], .event = event };

	/* Of families only nested has it, and only in its rows. */
	if (col[ISA][i] != KVMW_NONE)
		key.isa = col[ISA][i];
	if (rs->nr_keys)
		fine_key(rs, event, col, i, &key);
	return key;
}

/* ---- what a batch allows ---------------------------------------------------- */

/* Whether all rows have a value below limit. */
static bool all_below(const struct scan_batch *b, u32 column, u64 limit)
{
	return scan_batch__bits(b, column) < limit;
}

static bool not_captured(const struct scan_batch *b, u32 column)
{
	return b->same >> column & 1 && b->col[column][0] == KVMW_NONE;
}

static void row_sums__add_by(struct row_sums *s, const u64 *column)
{
	if (s->nr_by < SUMS_BY)
		s->by[s->nr_by] = column;
	s->nr_by++;
}

/*
 * Which columns separate the keys of nr rows.  Those of a key with fine_rows() stand for it until
 * there are rows.
 */
static void begin_block(struct row_sums *s, u32 from, u32 nr)
{
	static const u8 counted[] = { VCPU, REASON, ISA };
	const struct scan_batch *b = s->b;
	u32 used = 0;

	s->nr_by = 0;
	for (u32 i = 0; i < ARRAY_SIZE(counted); i++)
		if (!(b->same >> counted[i] & 1) && (counted[i] != VCPU || !s->rs->opt->any_vcpu))
			row_sums__add_by(s, b->col[counted[i]] + from);
	for (u32 i = 0; i < s->rs->nr_keys; i++) {
		const struct sort_key *key = s->rs->key[i];
		const u64 *column[KEY_COLUMNS];
		u32 first = KEYS + i * KEY_COLUMNS;
		u64 vary = ~b->same >> first & (BIT(KEY_COLUMNS) - 1);

		for (u32 k = 0; k < KEY_COLUMNS; k++) {
			column[k] = b->col[first + k] + from;
			if (vary >> k & 1 && !key->fine_rows)
				row_sums__add_by(s, column[k]);
		}
		if (!vary || !key->fine_rows)
			continue;
		if (nr)
			key->fine_rows(s->rs->opt, b->event->id, column, nr, SUMS_BLOCK,
				       s->fine[used]);
		for (u32 k = 0; k < key->nr_fine; k++)
			row_sums__add_by(s, s->fine[used++]);
	}
}

/* The same by codes, which distinguish what makes fine keys: then none of these is made. */
static void find_codes(struct row_sums *s)
{
	u64 columns = BIT(REASON) | BIT(ISA) | (BIT(s->rs->nr_keys * KEY_COLUMNS) - 1) << KEYS;

	if (!s->rs->opt->any_vcpu)
		columns |= BIT(VCPU);
	s->codes = row_codes__of(s->b, columns, SUMS_CODES);
	s->nr_by = s->codes.nr;
}

bool row_sums__can(struct row_sums *s, const struct report_scan *rs, const struct scan_batch *b)
{
	if (rs->opt->slices || rs->opt->heat || !all_below(b, SPAN, SMALL_NS) ||
	    (!not_captured(b, GAP) && !all_below(b, GAP, SMALL_NS)))
		return false;
	s->rs = rs;
	s->b = b;
	find_codes(s);
	if (!s->codes.all) {
		scan_batch__set_rows(b);
		begin_block(s, 0, 0);
	}
	if (s->nr_by > SUMS_BY)
		return false;
	s->nr_parts = s->nr_vary = 0;
	for (u32 k = 0; k < NR_PARTS && rs->sums; k++) {
		u32 at = s->nr_parts;

		if (not_captured(b, PARTS + k))
			continue;
		if (!all_below(b, PARTS + k, SMALL_NS))
			return false;
		s->nr_parts++;
		if (!(b->same >> (PARTS + k) & 1)) {
			s->part[at] = s->part[s->nr_vary];
			at = s->nr_vary++;
		}
		s->part[at] = k;
	}
	return true;
}

/* ---- sums ------------------------------------------------------------------- */

static void begin_keys(struct row_sums *s)
{
	if (s->codes.all)
		memset(s->by_codes, 0, s->codes.all * sizeof(s->by_codes[0]));
	else
		memset(s->place, 0, sizeof(s->place));
	s->nr_keys = 0;
}

/* Adds what was summed up of each key to its aggregate, and begins again. */
static void add_sums(struct row_sums *s, struct agg_table *aggs)
{
	for (struct key_sums *k = s->of_key; k < s->of_key + s->nr_keys; k++) {
		struct agg *agg = k->entry ? agg_table__at(aggs, k->entry - 1) : NULL;
		u64 at = scan_batch__at(s->b, k->last);

		if (!agg) {
			aggs->over_limit += k->rows;
			continue;
		}
		agg->rows += k->rows;
		if (!not_captured(s->b, GAP)) {
			agg->gap_rows += k->rows;
			agg->gap_ns = sat_add(agg->gap_ns, k->gap_ns);
		}
		for (u32 p = 0; p < s->nr_parts; p++) {
			struct agg_sum *part = &agg->part[s->part[p]];

			part->rows += k->rows;
			part->ns = sat_add(part->ns, p < s->nr_vary ? k->part_ns[p] :
					   k->rows * s->b->col[PARTS + s->part[p]][0]);
		}
		hist__count(&agg->span, k->rows, k->span_ns, k->min, k->max);
		if (at > agg->last_at)
			agg->last_at = at;
	}
	begin_keys(s);
}

/* Of the key of row i, which has none yet: its number plus 1; 0: out of memory. */
static u32 new_sums(struct row_sums *s, struct agg_table *aggs, u32 i)
{
	struct agg_key key;
	struct agg *agg;

	scan_batch__set_coded(s->b, i);
	key = report_scan__key(s->rs, s->b->event->id, s->b->col, i);
	if (agg_table__get(aggs, &key, &agg))
		return 0;
	s->of_key[s->nr_keys++] = (struct key_sums) {
		.entry = agg ? hash_table__index(&aggs->table, agg) + 1 : 0,
		.blocks = agg ? agg->span.blocks : NULL,
		.min = UINT64_MAX,
	};
	return s->nr_keys;
}

/* ---- the key of each row ---------------------------------------------------- */

/*
 * Numbers the keys of rows from to nr of a block that begins at row base. Returns the row it came
 * to: less than nr if there are too many keys until sums are added; UINT32_MAX: out of memory.
 */
static inline __attribute__((always_inline)) u32 number_by_codes(struct row_sums *s,
								 struct agg_table *aggs, u32 base,
								 u32 from, u32 nr, const u32 nr_by)
{
	struct row_codes codes = s->codes;

	for (u32 i = from; i < nr; i++) {
		u16 *number = &s->by_codes[row_codes__at(&codes, base + i, nr_by)];

		if (!*number) {
			if (s->nr_keys == SUMS_KEYS)
				return i;
			*number = new_sums(s, aggs, base + i);
			if (!*number)
				return UINT32_MAX;
		}
		s->number[i] = *number - 1;
	}
	return nr;
}

static inline __attribute__((always_inline)) u32 number_by_values(struct row_sums *s,
								  struct agg_table *aggs, u32 base,
								  u32 from, u32 nr, const u32 nr_by)
{
	const u64 *by[SUMS_BY];

	for (u32 c = 0; c < nr_by; c++)
		by[c] = s->by[c];
	for (u32 i = from; i < nr; i++) {
		u64 hash = 0;
		u32 place;

		for (u32 c = 0; c < nr_by; c++)
			hash = (hash ^ by[c][i]) * 0x9e3779b97f4a7c15ULL;
		for (place = hash >> (64 - SUMS_PLACES_BITS); s->place[place];
		     place = (place + 1) % SUMS_PLACES) {
			const u64 *value = s->value[s->place[place] - 1];
			u64 differ = 0;

			for (u32 c = 0; c < nr_by; c++)
				differ |= value[c] ^ by[c][i];
			if (!differ)
				break;
		}
		if (!s->place[place]) {
			if (s->nr_keys == SUMS_KEYS)
				return i;
			s->place[place] = new_sums(s, aggs, base + i);
			if (!s->place[place])
				return UINT32_MAX;
			for (u32 c = 0; c < nr_by; c++)
				s->value[s->nr_keys - 1][c] = by[c][i];
		}
		s->number[i] = s->place[place] - 1;
	}
	return nr;
}

/* Most keys are of few columns: loops over these are worth their own code. */
static u32 number_rows(struct row_sums *s, struct agg_table *aggs, u32 base, u32 from, u32 nr)
{
	if (s->codes.all)
		return s->nr_by == 1 ? number_by_codes(s, aggs, base, from, nr, 1) :
		       s->nr_by == 2 ? number_by_codes(s, aggs, base, from, nr, 2) :
		       number_by_codes(s, aggs, base, from, nr, s->nr_by);
	return s->nr_by == 1 ? number_by_values(s, aggs, base, from, nr, 1) :
	       s->nr_by == 2 ? number_by_values(s, aggs, base, from, nr, 2) :
	       s->nr_by == 3 ? number_by_values(s, aggs, base, from, nr, 3) :
	       number_by_values(s, aggs, base, from, nr, s->nr_by);
}

/* ---- their sums --------------------------------------------------------------- */

/* Of a power of two that the aggregate had not seen; several keys may be of the same one. */
static int place_new(struct row_sums *s, struct agg_table *aggs, u32 entry, u64 span)
{
	struct agg *agg = agg_table__at(aggs, entry - 1);

	if (hist__place(&agg->span, span))
		return -1;
	for (struct key_sums *k = s->of_key; k < s->of_key + s->nr_keys; k++)
		if (k->entry == entry)
			k->blocks = agg->span.blocks;
	return 0;
}

static inline __attribute__((always_inline)) int sum_rows(struct row_sums *s,
							  struct agg_table *aggs, u32 base,
							  u32 from, u32 nr, const bool gaps,
							  const u32 nr_vary)
{
	const u64 *spans = s->b->col[SPAN] + base, *gap = s->b->col[GAP] + base, *part[NR_PARTS];

	for (u32 p = 0; p < nr_vary; p++)
		part[p] = s->b->col[PARTS + s->part[p]] + base;
	for (u32 i = from; i < nr; i++) {
		struct key_sums *k = &s->of_key[s->number[i]];
		u64 span = spans[i], *bucket;

		k->rows++;
		k->last = base + i;
		k->span_ns += span;
		k->min = span < k->min ? span : k->min;
		k->max = span > k->max ? span : k->max;
		if (gaps)
			k->gap_ns += gap[i];
		for (u32 p = 0; p < nr_vary; p++)
			k->part_ns[p] += part[p][i];
		bucket = hist_blocks__bucket(k->blocks, hist__index(span));
		if (bucket)
			++*bucket;
		else if (k->entry && place_new(s, aggs, k->entry, span))
			return -1;
	}
	return 0;
}

static int sum_block(struct row_sums *s, struct agg_table *aggs, u32 base, u32 from, u32 nr)
{
	bool gaps = !not_captured(s->b, GAP);

	if (s->nr_vary)
		return gaps ? sum_rows(s, aggs, base, from, nr, true, s->nr_vary) :
		       sum_rows(s, aggs, base, from, nr, false, s->nr_vary);
	return gaps ? sum_rows(s, aggs, base, from, nr, true, 0) :
	       sum_rows(s, aggs, base, from, nr, false, 0);
}

int row_sums__take(struct row_sums *s, struct agg_table *aggs)
{
	begin_keys(s);
	for (u32 base = 0; base < s->b->rows; base += SUMS_BLOCK) {
		u32 nr = s->b->rows - base < SUMS_BLOCK ? s->b->rows - base : SUMS_BLOCK, to;

		if (!s->codes.all)
			begin_block(s, base, nr);
		for (u32 from = 0; from < nr; from = to) {
			to = number_rows(s, aggs, base, from, nr);
			if (to == UINT32_MAX || sum_block(s, aggs, base, from, to))
				return -1;
			if (to < nr)
				add_sums(s, aggs);
		}
	}
	add_sums(s, aggs);
	return 0;
}
