/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rows of one batch, summed up by their keys before they reach the aggregates: without a look
 * at each value, and without a search for the aggregate of each row.
 */
#ifndef KVMW_ROW_SUMS_H
#define KVMW_ROW_SUMS_H

#include "util/analysis/report/aggregate_rows.h"
#include "util/recording/row_codes.h"

/* Column numbers of all events; lazily decoded times come last. */
enum { SPAN, GAP, REASON, VCPU, ISA, PARTS, KEYS = PARTS + NR_PARTS };

/* Columns that distinguish the keys of a batch, at most. */
#define SUMS_BY		ROW_CODES_COLUMNS
#define SUMS_KEYS	256	/* keys at once */
#define SUMS_PLACES_BITS 9	/* some times as many places, so that keys seldom meet */
#define SUMS_PLACES	(1u << SUMS_PLACES_BITS)
#define SUMS_CODES	4096	/* combinations of codes that may be keys */
#define SUMS_BLOCK	1024	/* rows whose keys are made at once */
#define SUMS_FINE	6	/* values that fine_rows() of all keys make */

/* What is summed up of rows with one key. */
struct key_sums {
	u64 span_ns, min, max, gap_ns;
	struct hist_blocks *blocks;	/* of the aggregate, as long as it has no new one */
	u32 rows, last;
	u64 part_ns[NR_PARTS];
	u32 entry;		/* of the aggregate, plus 1; 0: it has none, being one too many */
};

struct row_sums {
	const struct report_scan *rs;
	const struct scan_batch *b;
	u32 nr_parts, nr_vary, nr_keys, nr_by;
	u8 part[NR_PARTS];	/* those that are summed up: first those that vary */
	const u64 *by[SUMS_BY];	/* from the first row of a block on */
	struct row_codes codes;	/* of the same columns, if all have some */
	u16 number[SUMS_BLOCK];	/* of the block's rows: of its key in of_key */
	u16 place[SUMS_PLACES];	/* by hash: number of a key plus 1 */
	u16 by_codes[SUMS_CODES];	/* the same by combination */
	struct key_sums of_key[SUMS_KEYS];
	u64 value[SUMS_KEYS][SUMS_BY];
	u64 fine[SUMS_FINE][SUMS_BLOCK];
};

/* Whether a batch can be summed up, as most can: all or nothing is captured, nothing is large. */
bool row_sums__can(struct row_sums *s, const struct report_scan *rs, const struct scan_batch *b);
/* Sums it up. 0, or -1 out of memory. */
int row_sums__take(struct row_sums *s, struct agg_table *aggs);

/* The key of a row. */
struct agg_key report_scan__key(const struct report_scan *rs, u32 event, u64 *const *col, u32 i);

/* Where a row is: the rows of a vCPU are in the order of these, since they are in one stream. */
static inline u64 scan_batch__at(const struct scan_batch *b, u32 i)
{
	return (u64)b->frame->seq * DATA_MAX_ROWS + i + 1;
}

#endif
