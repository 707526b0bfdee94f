/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A histogram of durations: each power of two split into 16 equal buckets, so
 * that a percentile is off by at most 1/16 of its value; count, sum, least and
 * greatest are exact.  Memory grows with the powers of two that occur (128 bytes for
 * each), never with the number of values.  Where the budget has no more, values have no bucket:
 * all but the percentiles are still known.
 */
#ifndef KVMW_HIST_H
#define KVMW_HIST_H

#include "util/memory.h"

#define HIST_SUB_BITS	4
#define HIST_SUB	(1u << HIST_SUB_BITS)
#define HIST_BUCKETS	((64 - HIST_SUB_BITS + 1) * HIST_SUB)
#define HIST_LOG2	64	/* buckets of hist__log2() */

#define HIST_EXPS	(HIST_BUCKETS / HIST_SUB)	/* blocks of buckets: powers of two */

struct hist_blocks {
	u8 of[HIST_EXPS];	/* number of a power of two's block, plus 1; 0: none */
	u8 nr;
	u64 bucket[][HIST_SUB];
};

struct hist {			/* all zero but for budget: empty */
	u64 count;
	u64 sum;		/* stays at UINT64_MAX where it would overflow */
	u64 min, max;		/* undefined while count is 0 */
	u64 unplaced;		/* values without a bucket */
	struct hist_blocks *blocks;	/* or NULL */
	struct budget *budget;	/* or NULL */
};

static inline u64 sat_add(u64 a, u64 b)
{
	u64 sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* How much two ranges have in common. */
static inline u64 overlap(u64 a, u64 a_size, u64 b, u64 b_size)
{
	u64 from = a > b ? a : b, a_end = sat_add(a, a_size), b_end = sat_add(b, b_size);
	u64 end = a_end < b_end ? a_end : b_end;

	return end > from ? end - from : 0;
}

static inline u32 hist__index(u64 value)
{
	u32 exp;

	if (value < HIST_SUB)
		return value;
	exp = 63 - __builtin_clzll(value);
	return (exp - HIST_SUB_BITS + 1) * HIST_SUB +
	       (u32)((value >> (exp - HIST_SUB_BITS)) & (HIST_SUB - 1));
}

/* The least value of a bucket. */
u64 hist__from(u32 index);

/* Puts values into a bucket, by index, and makes it if there is none. 0, or -1 out of memory. */
int hist__place_many(struct hist *h, u32 index, u64 nr);

/* NULL: there is none yet. */
static inline u64 *hist_blocks__bucket(struct hist_blocks *blocks, u32 index)
{
	u32 block = blocks ? blocks->of[index / HIST_SUB] : 0;

	return block ? &blocks->bucket[block - 1][index % HIST_SUB] : NULL;
}

/* Puts a value into its bucket, and does not count it yet. */
static inline int hist__place(struct hist *h, u64 value)
{
	u32 index = hist__index(value);
	u64 *bucket = hist_blocks__bucket(h->blocks, index);

	if (!bucket)
		return hist__place_many(h, index, 1);
	++*bucket;
	return 0;
}

/* Counts values that are in their buckets: one or more. */
static inline void hist__count(struct hist *h, u64 count, u64 sum, u64 min, u64 max)
{
	if (!h->count || min < h->min)
		h->min = min;
	if (!h->count || max > h->max)
		h->max = max;
	h->count += count;
	h->sum = sat_add(h->sum, sum);
}

static inline int hist__add(struct hist *h, u64 value)
{
	if (hist__place(h, value))
		return -1;
	if (!h->count++)
		h->min = h->max = value;
	h->min = value < h->min ? value : h->min;
	h->max = value > h->max ? value : h->max;
	h->sum = sat_add(h->sum, value);
	return 0;
}

int hist__merge(struct hist *to, const struct hist *from);
void hist__free(struct hist *h);

/*
 * Figures of durations, in ns.  Without any, count is 0 and everything else is KVMW_NONE:
 * unknown.
 */
struct duration_stats {
	u64 count;
	u64 sum, mean;
	u64 min, p50, p90, p99, max;
};

struct duration_stats hist__stats(const struct hist *h);

/*
 * The value which permille of all values do not exceed, interpolated inside its
 * bucket; 0 of an empty histogram, KVMW_NONE if some values have no bucket.
 */
u64 hist__percentile(const struct hist *h, u32 permille);

/*
 * The standard deviation of all values, each taken for the middle of its bucket: off by at most
 * 1/16 of their root mean square. KVMW_NONE of an empty histogram, or if some values have
 * no bucket.
 */
u64 hist__stddev(const struct hist *h);

/* counts[i]: values in [2^i, 2^(i+1)) that have a bucket; zero counts as 1. */
void hist__log2(const struct hist *h, u64 counts[HIST_LOG2]);

#endif
