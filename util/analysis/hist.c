// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/hist.h"
#include "util/events.h"
#include "util/memory.h"

u64 hist__from(u32 index)
{
	u32 exp = index / HIST_SUB, sub = index % HIST_SUB;

	if (!exp)
		return sub;
	return (u64)(HIST_SUB + sub) << (exp - 1);
}

static size_t blocks_bytes(u32 nr)
{
	return nr ? sizeof(struct hist_blocks) + nr * sizeof(u64[HIST_SUB]) : 0;
}

/* The bucket, made if there is none, in *bucket: NULL: no budget. 0, or -1 out of memory. */
static int hist__bucket(struct hist *h, u32 index, u64 **bucket)
{
	u32 exp = index / HIST_SUB, nr = h->blocks ? h->blocks->nr : 0;
	size_t old = blocks_bytes(nr), new = blocks_bytes(nr + 1);
	struct hist_blocks *blocks;

	*bucket = NULL;
	if (nr && h->blocks->of[exp]) {
		*bucket = &h->blocks->bucket[h->blocks->of[exp] - 1][index % HIST_SUB];
		return 0;
	}
	if (budget__take(h->budget, new - old))
		return 0;
	blocks = realloc(h->blocks, new);
	if (!blocks) {
		budget__give(h->budget, new - old);
		return out_of_memory();
	}
	memset((char *)blocks + old, 0, new - old);
	blocks->of[exp] = blocks->nr = nr + 1;
	h->blocks = blocks;
	*bucket = &blocks->bucket[nr][index % HIST_SUB];
	return 0;
}

int hist__place_many(struct hist *h, u32 index, u64 nr)
{
	u64 *bucket;

	if (hist__bucket(h, index, &bucket))
		return -1;
	*(bucket ? bucket : &h->unplaced) += nr;
	return 0;
}

/* The buckets of a power of two; NULL: all are empty. */
static const u64 *hist__block(const struct hist *h, u32 exp)
{
	return h->blocks && h->blocks->of[exp] ? h->blocks->bucket[h->blocks->of[exp] - 1] : NULL;
}

int hist__merge(struct hist *to, const struct hist *from)
{
	if (!from->count)
		return 0;
	for (u32 exp = 0; exp < HIST_EXPS; exp++) {
		const u64 *block = hist__block(from, exp);
		u64 *bucket;

		if (!block)
			continue;
		if (hist__bucket(to, exp * HIST_SUB, &bucket))
			return -1;
		for (u32 i = 0; i < HIST_SUB; i++)
			*(bucket ? &bucket[i] : &to->unplaced) += block[i];
	}
	to->unplaced += from->unplaced;
	hist__count(to, from->count, from->sum, from->min, from->max);
	return 0;
}

void hist__free(struct hist *h)
{
	budget__free(h->budget, h->blocks, blocks_bytes(h->blocks ? h->blocks->nr : 0));
	*h = (struct hist) { .budget = h->budget };
}

static u64 clamp_value(const struct hist *h, u64 value)
{
	if (value < h->min)
		return h->min;
	return value > h->max ? h->max : value;
}

/* Between the least value of a bucket and that of the next, at rank of its n values. */
static u64 within_bucket(u32 index, double rank, u64 n)
{
	u64 from = hist__from(index);
	/* The last bucket ends with the last u64, so its width is one too much. */
	u64 width = index + 1 < HIST_BUCKETS ? hist__from(index + 1) - from : UINT64_MAX - from;

	return from + (u64)((double)width * (rank - 0.5) / n);
}

u64 hist__stddev(const struct hist *h)
{
	double sum = 0, mean, squares = 0;

	if (!h->count || h->unplaced)
		return KVMW_NONE;
	/* Once for their mean, once for what they differ from it. */
	for (int pass = 0; pass < 2; pass++) {
		mean = sum / h->count;
		for (u32 exp = 0; exp < HIST_EXPS; exp++) {
			const u64 *block = hist__block(h, exp);

			for (u32 i = 0; block && i < HIST_SUB; i++) {
				double middle =
					clamp_value(h, within_bucket(exp * HIST_SUB + i, 1, 1));

				sum += block[i] * middle;
				squares += block[i] * (middle - mean) * (middle - mean) * pass;
			}
		}
	}
	return sqrt(squares / h->count);
}

u64 hist__percentile(const struct hist *h, u32 permille)
{
	/* The rank of the requested value, counted from 1; 128 bits cannot overflow. */
	u64 rank = ((unsigned __int128)h->count * permille + 999) / 1000;
	u64 below = 0;

	if (!h->count)
		return 0;
	if (h->unplaced)
		return KVMW_NONE;
	if (!rank)
		rank = 1;
	for (u32 exp = 0; exp < HIST_EXPS; exp++) {
		const u64 *block = hist__block(h, exp);

		for (u32 i = 0; block && i < HIST_SUB; i++) {
			if (rank <= below + block[i])
				return clamp_value(h, within_bucket(exp * HIST_SUB + i,
								    rank - below, block[i]));
			below += block[i];
		}
	}
	return h->max;
}

struct duration_stats hist__stats(const struct hist *h)
{
	if (!h->count)
		return (struct duration_stats) {
			.sum = KVMW_NONE, .mean = KVMW_NONE, .min = KVMW_NONE, .p50 = KVMW_NONE,
			.p90 = KVMW_NONE, .p99 = KVMW_NONE, .max = KVMW_NONE,
		};
	return (struct duration_stats) {
		.count = h->count,
		.sum = h->sum,
		.mean = h->sum / h->count,
		.min = h->min,
		.p50 = hist__percentile(h, 500),
		.p90 = hist__percentile(h, 900),
		.p99 = hist__percentile(h, 990),
		.max = h->max,
	};
}

void hist__log2(const struct hist *h, u64 counts[HIST_LOG2])
{
	memset(counts, 0, HIST_LOG2 * sizeof(*counts));
	for (u32 index = 0; index < HIST_BUCKETS; index++) {
		const u64 *block = hist__block(h, index / HIST_SUB);
		u64 from = hist__from(index);

		if (block)
			counts[from ? 63 - __builtin_clzll(from) : 0] += block[index % HIST_SUB];
	}
}
