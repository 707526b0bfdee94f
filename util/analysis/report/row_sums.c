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
	struct agg_key key = { .vcpu = rs->opt->any_vcpu ? 0 : col[VCPU][i], .reason = col[REASON][i], .event = event };

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
	return data_bits_of(b->col[column], b->same >> column & 1 ? 1 : b->rows) < limit;
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
 * Which columns tell the keys of nr rows apart.  Those of a key with fine_rows() stand for it until
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
			key->fine_rows(s->rs->opt, b->event->id, column, nr, SUMS_BLOCK, s->fine[used]);
		for (u32 k = 0; k < key->nr_fine; k++)
			row_sums__add_by(s, s->fine[used++]);
	}
}

bool row_sums__can(struct row_sums *s, const struct report_scan *rs, const struct scan_batch *b)
{
	if (rs->opt->slices || rs->opt->heat || !all_below(b, SPAN, SMALL_NS) ||
	    (!not_captured(b, GAP) && !all_below(b, GAP, SMALL_NS)))
		return false;
	s->rs = rs;
	s->b = b;
	begin_block(s, 0, 0);
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
	memset(s->place, 0, sizeof(s->place));
	s->nr_keys = 0;
}

/* Sums for the key of row i of a block that begins at from, which has none yet; NULL: out of memory. */
static struct key_sums *new_sums(struct row_sums *s, struct agg_table *aggs, u32 from, u32 i, u32 place)
{
	struct agg_key key = report_scan__key(s->rs, s->b->event->id, s->b->col, from + i);
	struct key_sums *k;
	struct agg *agg;

	if (agg_table__get(aggs, &key, &agg))
		return NULL;
	k = &s->of_key[s->nr_keys++];
	k->entry = agg ? hash_table__index(&aggs->table, agg) + 1 : 0;
	k->blocks = agg ? agg->span.blocks : NULL;
	k->rows = 0;
	k->gap_ns = k->span_ns = k->max = 0;
	k->min = UINT64_MAX;
	memset(k->part_ns, 0, sizeof(k->part_ns));
	for (u32 c = 0; c < s->nr_by; c++)
		k->value[c] = s->by[c][i];
	s->place[place] = s->nr_keys;
	return k;
}

static inline __attribute__((always_inline)) struct key_sums *
sums_of(struct row_sums *s, struct agg_table *aggs, u32 from, u32 i, const u64 *const *by, const u32 nr_by)
{
	u64 hash = 0;
	u32 place;

	for (u32 c = 0; c < nr_by; c++)
		hash = (hash ^ by[c][i]) * 0x9e3779b97f4a7c15ULL;
	place = hash >> (64 - SUMS_PLACES_BITS);
	for (; s->place[place]; place = (place + 1) % SUMS_PLACES) {
		struct key_sums *k = &s->of_key[s->place[place] - 1];
		u64 differ = 0;

		for (u32 c = 0; c < nr_by; c++)
			differ |= k->value[c] ^ by[c][i];
		if (!differ)
			return k;
	}
	if (s->nr_keys == SUMS_KEYS) {
		add_sums(s, aggs);
		place = hash >> (64 - SUMS_PLACES_BITS);
	}
	return new_sums(s, aggs, from, i, place);
}

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

static inline __attribute__((always_inline)) int
sum_rows(struct row_sums *s, struct agg_table *aggs, u32 from, u32 nr, const u32 nr_by)
{
	const u64 *spans = s->b->col[SPAN] + from, *part[NR_PARTS], *by[SUMS_BY];
	const u32 nr_vary = s->nr_vary;
	const u64 *gaps = not_captured(s->b, GAP) ? NULL : s->b->col[GAP] + from;

	for (u32 c = 0; c < nr_by; c++)
		by[c] = s->by[c];
	for (u32 p = 0; p < nr_vary; p++)
		part[p] = s->b->col[PARTS + s->part[p]] + from;
	for (u32 i = 0; i < nr; i++) {
		struct key_sums *k = sums_of(s, aggs, from, i, by, nr_by);
		u64 span = spans[i];
		u64 *bucket;

		if (!k)
			return -1;
		k->rows++;
		k->last = from + i;
		k->span_ns += span;
		k->min = span < k->min ? span : k->min;
		k->max = span > k->max ? span : k->max;
		if (gaps)
			k->gap_ns += gaps[i];
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

/* Most keys are of few columns: loops over these are worth their own code. */
static int sum_block(struct row_sums *s, struct agg_table *aggs, u32 from, u32 nr)
{
	switch (s->nr_by) {
	case 1:
		return sum_rows(s, aggs, from, nr, 1);
	case 2:
		return sum_rows(s, aggs, from, nr, 2);
	case 3:
		return sum_rows(s, aggs, from, nr, 3);
	default:
		return sum_rows(s, aggs, from, nr, s->nr_by);
	}
}

int row_sums__take(struct row_sums *s, struct agg_table *aggs)
{
	memset(s->place, 0, sizeof(s->place));
	s->nr_keys = 0;
	for (u32 from = 0; from < s->b->rows; from += SUMS_BLOCK) {
		u32 nr = s->b->rows - from < SUMS_BLOCK ? s->b->rows - from : SUMS_BLOCK;

		begin_block(s, from, nr);
		if (sum_block(s, aggs, from, nr))
			return -1;
	}
	add_sums(s, aggs);
	return 0;
}
