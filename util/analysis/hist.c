// SPDX-License-Identifier: GPL-2.0
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

int hist__cover(struct hist *h, u32 index)
{
	u32 first = index / HIST_SUB * HIST_SUB, end = first + HIST_SUB;
	u64 *bucket;

	if (h->nr) {
		first = first < h->base ? first : h->base;
		end = end > h->base + h->nr ? end : h->base + h->nr;
	}
	bucket = calloc(end - first, sizeof(*bucket));
	if (!bucket)
		return out_of_memory();
	if (h->nr)
		memcpy(bucket + (h->base - first), h->bucket, h->nr * sizeof(*bucket));
	free(h->bucket);
	h->bucket = bucket;
	h->base = first;
	h->nr = end - first;
	return 0;
}

int hist__merge(struct hist *to, const struct hist *from)
{
	if (!from->count)
		return 0;
	if (hist__cover(to, from->base) || hist__cover(to, from->base + from->nr - 1))
		return -1;
	for (u32 i = 0; i < from->nr; i++)
		to->bucket[from->base - to->base + i] += from->bucket[i];
	if (!to->count || from->min < to->min)
		to->min = from->min;
	if (!to->count || from->max > to->max)
		to->max = from->max;
	to->count += from->count;
	to->sum = sat_add(to->sum, from->sum);
	return 0;
}

void hist__free(struct hist *h)
{
	free(h->bucket);
	memset(h, 0, sizeof(*h));
}

static u64 clamp_value(const struct hist *h, u64 value)
{
	if (value < h->min)
		return h->min;
	return value > h->max ? h->max : value;
}

u64 hist__percentile(const struct hist *h, u32 permille)
{
	/* The rank of the requested value, counted from 1; 128 bits cannot overflow. */
	u64 rank = ((unsigned __int128)h->count * permille + 999) / 1000;
	u64 below = 0;

	if (!h->count)
		return 0;
	if (!rank)
		rank = 1;
	for (u32 i = 0; i < h->nr; i++) {
		u64 n = h->bucket[i], from = hist__from(h->base + i);
		/* The last bucket ends with the last u64, so its width is one too much. */
		u64 width = h->base + i + 1 < HIST_BUCKETS ?
			    hist__from(h->base + i + 1) - from : UINT64_MAX - from;

		if (rank > below + n) {
			below += n;
			continue;
		}
		return clamp_value(h, from + (u64)((double)width * (rank - below - 0.5) / n));
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
	for (u32 i = 0; i < h->nr; i++) {
		u64 from = hist__from(h->base + i);

		counts[from ? 63 - __builtin_clzll(from) : 0] += h->bucket[i];
	}
}
