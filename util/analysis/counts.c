// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/analysis/counts.h"

struct counted_hist {
	u64 count[COUNTS_LATENCIES], ended_ns;
};

struct counted {
	struct agg_key key;
	struct kvmw_total now, before;
	struct counted_hist hist, hist_before;
	bool in_guest;
};

/* Of a vCPU: its time in the guest, or in KVM_RUN, before exits of this interval. */
struct guest_time {
	struct { u32 vcpu, event; } key;
	u64 ended_ns;
	u64 earlier_ns;		/* of this, what an earlier interval has counted */
};

static int counts__get(struct counts *c, const struct agg_key *key, struct counted **counted)
{
	bool full;

	if (!c->table.entry_size)
		c->table = HASH_TABLE(struct counted, NULL);
	*counted = hash_table__get_limited(&c->table, key, AGG_MAX_KEYS, &full);
	c->over_limit += full;
	return *counted || full ? 0 : -1;
}

/* All ones, not captured, stays. */
static void counts__grow(u64 *to, u64 value)
{
	if (value > *to)
		*to = value;
}

static void counts__take_total(struct counted *counted, const struct kvmw_total *t)
{
	struct kvmw_total *now = &counted->now;

	/* In the guest the time begins anew with each entry. */
	if (counted->in_guest)
		now->gap_ns = t->gap_ns;
	else
		counts__grow(&now->gap_ns, t->gap_ns);
	counts__grow(&now->count, t->count);
	counts__grow(&now->done, t->done);
	counts__grow(&now->span_ns, t->span_ns);
	counts__grow(&now->user_ns, t->user_ns);
	counts__grow(&now->halt_ns, t->halt_ns);
	counts__grow(&now->poll_ns, t->poll_ns);
	counts__grow(&now->wait_ns, t->wait_ns);
	counts__grow(&now->throttled_ns, t->throttled_ns);
	counts__grow(&now->block_ns, t->block_ns);
}

int counts__take(struct counts *c, const struct agg_table *totals, u32 in_guest)
{
	for (u32 i = 0; i < totals->table.nr; i++) {
		const struct agg *agg = agg_table__at(totals, i);
		struct counted *counted;

		if (counts__get(c, &agg->key, &counted))
			return -1;
		if (!counted)
			continue;
		counted->in_guest = event_desc__is_cycle(agg->key.event) && agg->key.reason == in_guest;
		counts__take_total(counted, &agg->total);
	}
	return 0;
}

int counts__take_latencies(struct counts *c, const struct agg_key *key,
			   const u64 count[COUNTS_LATENCIES], u64 ended_ns)
{
	struct counted *counted;

	if (counts__get(c, key, &counted))
		return -1;
	if (!counted)
		return 0;
	memcpy(counted->hist.count, count, sizeof(counted->hist.count));
	counted->hist.ended_ns = ended_ns;
	return 0;
}

static u64 counted_since(u64 now, u64 before)
{
	return now == KVMW_NONE ? KVMW_NONE : before == KVMW_NONE ? now : now - before;
}

static struct kvmw_total total_since(const struct counted *c, const struct kvmw_total *before)
{
	const struct kvmw_total *now = &c->now;

	return (struct kvmw_total) {
		.count = counted_since(now->count, before->count),
		.done = counted_since(now->done, before->done),
		.gap_ns = counted_since(now->gap_ns, before->gap_ns),
		.span_ns = counted_since(now->span_ns, before->span_ns),
		.user_ns = counted_since(now->user_ns, before->user_ns),
		.halt_ns = counted_since(now->halt_ns, before->halt_ns),
		.poll_ns = counted_since(now->poll_ns, before->poll_ns),
		.wait_ns = counted_since(now->wait_ns, before->wait_ns),
		.block_ns = counted_since(now->block_ns, before->block_ns),
		.throttled_ns = counted_since(now->throttled_ns, before->throttled_ns),
	};
}

/* Durations of a power of two stand at its end. */
static int hist_since(const struct counted *c, const struct counted_hist *before, struct hist *h)
{
	for (u32 i = 0; i < COUNTS_LATENCIES; i++) {
		u64 nr = c->hist.count[i] - before->count[i];

		if (!nr)
			continue;
		if (hist__place_many(h, hist__index((2ULL << i) - 1), nr))
			return -1;
		h->count += nr;
	}
	h->sum = c->hist.ended_ns - before->ended_ns;
	h->max = UINT64_MAX;
	return 0;
}

static struct counted *counted_at(const struct counts *c, u32 i)
{
	return hash_table__at(&c->table, i);
}

/*
 * What an interval has counted of time in the guest, before its exit came, is no more counted when
 * it comes.
 */
static int find_guest_times(const struct counts *c, struct hash_table *times)
{
	*times = HASH_TABLE(struct guest_time, NULL);
	for (u32 pass = 0; pass < 2; pass++)
		for (u32 i = 0; i < c->table.nr; i++) {
			const struct counted *counted = counted_at(c, i);
			const struct guest_time of = { .key = { counted->key.vcpu, counted->key.event } };
			struct guest_time *time;

			if (!event_desc__is_cycle(of.key.event) || counted->in_guest != (pass == 1))
				continue;
			time = hash_table__get(times, &of.key);
			if (!time)
				return -1;
			if (!pass)
				time->ended_ns += counted_since(counted->now.gap_ns, counted->before.gap_ns);
			else if (time->ended_ns >= counted->before.gap_ns)
				time->earlier_ns = counted->before.gap_ns;
		}
	return 0;
}

static void without_earlier(struct kvmw_total *total, const struct counted *c, struct hash_table *times)
{
	const struct guest_time of = { .key = { c->key.vcpu, c->key.event } };
	struct guest_time *time = hash_table__find(times, &of.key);
	u64 ns;

	if (!time)
		return;
	if (c->in_guest) {
		ns = time->ended_ns >= c->before.gap_ns ? 0 : c->before.gap_ns;
		total->gap_ns = c->now.gap_ns > ns ? c->now.gap_ns - ns : 0;
		return;
	}
	ns = total->gap_ns < time->earlier_ns ? total->gap_ns : time->earlier_ns;
	total->gap_ns -= ns;
	time->earlier_ns -= ns;
}

/* A vCPU of which nothing was counted may have been gone for long. */
static bool is_nothing(const struct kvmw_total *t)
{
	return !t->count && !t->done && !t->span_ns && !t->gap_ns;
}

static int counts__add(const struct counted *counted, const struct kvmw_total *total,
		       const struct counted_hist *before, struct agg_table *aggs)
{
	struct agg *agg;

	if (agg_table__get(aggs, &counted->key, &agg))
		return -1;
	if (!agg)
		return 0;
	agg->has_total = true;
	agg->in_guest = counted->in_guest;
	agg->total = *total;
	if (hist_since(counted, before, &agg->span))
		return -1;
	/* A cycle that ended between two looks has its duration in the next interval. */
	if (agg->span.count > total->done)
		agg->span.count = total->done;
	return 0;
}

int counts__since(const struct counts *c, bool all, struct agg_table *aggs)
{
	static const struct counted_hist no_hist;
	static const struct kvmw_total none;
	struct hash_table times = HASH_TABLE(struct guest_time, NULL);
	int ret = all ? 0 : find_guest_times(c, &times);

	for (u32 i = 0; i < c->table.nr && !ret; i++) {
		const struct counted *counted = counted_at(c, i);
		struct kvmw_total total = total_since(counted, all ? &none : &counted->before);

		if (!all)
			without_earlier(&total, counted, &times);
		if (!is_nothing(&total))
			ret = counts__add(counted, &total, all ? &no_hist : &counted->hist_before, aggs);
	}
	hash_table__free(&times);
	return ret;
}

void counts__next(struct counts *c)
{
	for (u32 i = 0; i < c->table.nr; i++) {
		struct counted *counted = counted_at(c, i);

		counted->before = counted->now;
		counted->hist_before = counted->hist;
	}
}

int counts__keep(struct counts *c, bool (*keep)(void *arg, u32 vcpu), void *arg)
{
	struct hash_table kept = HASH_TABLE(struct counted, NULL);

	for (u32 i = 0; i < c->table.nr; i++) {
		struct counted *counted;

		if (!keep(arg, counted_at(c, i)->key.vcpu))
			continue;
		counted = hash_table__get(&kept, &counted_at(c, i)->key);
		if (!counted) {
			hash_table__free(&kept);
			return -1;
		}
		*counted = *counted_at(c, i);
	}
	hash_table__free(&c->table);
	c->table = kept;
	return 0;
}

void counts__free(struct counts *c)
{
	hash_table__free(&c->table);
}

static u64 end_of_power(u64 ns)
{
	if (!captured(ns))
		return ns;
	return ns >> (COUNTS_LATENCIES - 1) ? KVMW_NONE : 2ULL << (63 - __builtin_clzll(ns));
}

static void counts__finish_row(struct report_row *row)
{
	row->mean_ns = row->span.count ? row->span.sum / row->span.count : KVMW_NONE;
	row->min_ns = row->max_ns = KVMW_NONE;
	row->p50_ns = end_of_power(row->p50_ns);
	row->p90_ns = end_of_power(row->p90_ns);
	row->p99_ns = end_of_power(row->p99_ns);
}

void counts__finish(struct report *rep)
{
	for (u32 i = 0; i < rep->nr_rows; i++)
		counts__finish_row(&rep->row[i]);
	counts__finish_row(&rep->total);
}
