// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/analysis/counts.h"

struct counted_hist {
	u64 count[COUNTS_LATENCIES], ended_ns;
};

struct counted {
	struct agg_key key;
	struct kvmw_total now;		/* taken; of a cycle that goes on, the parts are a guess */
	struct kvmw_total shown;	/* by intervals and sums that only grow */
	struct kvmw_total before;	/* of this, when the interval began */
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
	c->full |= full;
	return *counted || full ? 0 : -1;
}

static void counts__grow(u64 *to, u64 value)
{
	if (value > *to)
		*to = value;
}

/*
 * Of a part, what was read of it last; all ones, not captured, stays. The parts of a cycle that
 * goes on are read after its span, some of them later than others: together they are no
 * more than that.
 */
static void take_part(u64 *to, u64 value, u64 *left)
{
	if (*to == KVMW_NONE || value == KVMW_NONE) {
		*to = KVMW_NONE;
		return;
	}
	*to = value < *left ? value : *left;
	*left -= *to;
}

static void counts__take_total(struct counted *counted, const struct kvmw_total *t)
{
	struct kvmw_total *now = &counted->now;
	u64 left, halt, wait;

	/* In the guest the time begins anew with each entry. */
	if (counted->in_guest)
		now->gap_ns = t->gap_ns;
	else
		counts__grow(&now->gap_ns, t->gap_ns);
	counts__grow(&now->count, t->count);
	counts__grow(&now->done, t->done);
	counts__grow(&now->span_ns, t->span_ns);
	left = now->span_ns;
	take_part(&now->user_ns, t->user_ns, &left);
	take_part(&now->halt_ns, t->halt_ns, &left);
	take_part(&now->wait_ns, t->wait_ns, &left);
	take_part(&now->block_ns, t->block_ns, &left);
	halt = captured(now->halt_ns);
	wait = captured(now->wait_ns);
	take_part(&now->poll_ns, t->poll_ns, &halt);
	take_part(&now->throttled_ns, t->throttled_ns, &wait);
}

int counts__take(struct counts *c, const struct agg_table *totals, u32 in_guest)
{
	c->full |= totals->over_limit;
	for (u32 i = 0; i < totals->table.nr; i++) {
		const struct agg *agg = agg_table__at(totals, i);
		struct counted *counted;

		if (counts__get(c, &agg->key, &counted))
			return -1;
		if (!counted)
			continue;
		counted->in_guest =
			event_desc__is_cycle(agg->key.event) && agg->key.reason == in_guest;
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

/* ---- what is shown never goes back ---------------------------------------- */

/* The parts of a span, and the rest of it, which is KVM's. */
enum { SPAN_USER, SPAN_HALT, SPAN_WAIT, SPAN_BLOCK, SPAN_KVM, SPAN_PARTS };

static void span_parts(const struct kvmw_total *t, u64 part[SPAN_PARTS])
{
	const u64 all[SPAN_KVM] = { t->user_ns, t->halt_ns, t->wait_ns, t->block_ns };

	part[SPAN_KVM] = t->span_ns;
	for (u32 i = 0; i < SPAN_KVM; i++) {
		part[i] = all[i] == KVMW_NONE ? 0 : all[i];
		part[SPAN_KVM] = time__less(part[SPAN_KVM], part[i]);
	}
}

static u64 shown_part(u64 now, u64 grown)
{
	return now == KVMW_NONE ? KVMW_NONE : grown;
}

/* Of what is part of a part: no more of it in an interval than of that. */
static u64 shown_within(u64 now, u64 shown, u64 more)
{
	shown = shown == KVMW_NONE ? 0 : shown;
	if (now == KVMW_NONE || now <= shown)
		return shown_part(now, shown);
	return shown + (now - shown < more ? now - shown : more);
}

/*
 * Time that was shown of one part and turned out to be of another stays where it was shown; of the
 * other it is not shown again. So parts add up to the whole in each interval.
 */
static void counted__show(struct counted *counted)
{
	const struct kvmw_total *now = &counted->now, was = counted->shown;
	u64 part[SPAN_PARTS], grown[SPAN_PARTS], debt = 0;
	struct kvmw_total *shown = &counted->shown;

	span_parts(now, part);
	span_parts(&was, grown);
	for (u32 i = 0; i < SPAN_PARTS; i++)
		debt += time__less(grown[i], part[i]);
	for (u32 i = 0; i < SPAN_PARTS; i++) {
		u64 more = time__less(part[i], grown[i]), paid = more < debt ? more : debt;

		debt -= paid;
		grown[i] += more - paid;
		part[i] = more - paid;
	}
	*shown = *now;
	shown->user_ns = shown_part(now->user_ns, grown[SPAN_USER]);
	shown->halt_ns = shown_part(now->halt_ns, grown[SPAN_HALT]);
	shown->wait_ns = shown_part(now->wait_ns, grown[SPAN_WAIT]);
	shown->block_ns = shown_part(now->block_ns, grown[SPAN_BLOCK]);
	shown->poll_ns = shown_within(now->poll_ns, was.poll_ns, part[SPAN_HALT]);
	shown->throttled_ns = shown_within(now->throttled_ns, was.throttled_ns, part[SPAN_WAIT]);
}

static u64 counted_since(u64 now, u64 before)
{
	return now == KVMW_NONE ? KVMW_NONE : before == KVMW_NONE ? now : now - before;
}

static struct kvmw_total total_since(const struct kvmw_total *now, const struct kvmw_total *before)
{
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
			const struct guest_time of = { .key = { counted->key.vcpu,
								counted->key.event } };
			struct guest_time *time;

			if (!event_desc__is_cycle(of.key.event) || counted->in_guest != (pass == 1))
				continue;
			time = hash_table__get(times, &of.key);
			if (!time)
				return -1;
			if (!pass)
				time->ended_ns +=
					counted_since(counted->now.gap_ns, counted->before.gap_ns);
			else if (time->ended_ns >= counted->before.gap_ns)
				time->earlier_ns = counted->before.gap_ns;
		}
	return 0;
}

static void without_earlier(struct kvmw_total *total, const struct counted *c,
			    struct hash_table *times)
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

/* A vCPU without any counts may have been gone for long. */
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

static struct kvmw_total counted_in(const struct counted *counted, enum counts_span span)
{
	static const struct kvmw_total none;

	return total_since(span == COUNTS_ALL ? &counted->now : &counted->shown,
			   span == COUNTS_INTERVAL ? &counted->before : &none);
}

int counts__since(struct counts *c, enum counts_span span, struct agg_table *aggs)
{
	static const struct counted_hist no_hist;
	struct hash_table times = HASH_TABLE(struct guest_time, NULL);
	bool interval = span == COUNTS_INTERVAL;
	int ret = interval ? find_guest_times(c, &times) : 0;

	for (u32 i = 0; i < c->table.nr && !ret; i++) {
		struct counted *counted = counted_at(c, i);
		struct kvmw_total total;

		if (span != COUNTS_ALL)
			counted__show(counted);
		total = counted_in(counted, span);
		if (interval)
			without_earlier(&total, counted, &times);
		if (!is_nothing(&total))
			ret = counts__add(counted, &total,
					  interval ? &counted->hist_before : &no_hist, aggs);
	}
	hash_table__free(&times);
	return ret;
}

void counts__next(struct counts *c)
{
	for (u32 i = 0; i < c->table.nr; i++) {
		struct counted *counted = counted_at(c, i);

		counted->before = counted->shown;
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
	c->full = false;
	return 0;
}

void counts__free(struct counts *c)
{
	hash_table__free(&c->table);
}

u64 counts__end_of_power(u64 ns)
{
	if (!captured(ns))
		return ns;
	return ns >> (COUNTS_LATENCIES - 1) ? KVMW_NONE : 2ULL << (63 - __builtin_clzll(ns));
}

static void counts__finish_row(struct report_row *row)
{
	row->mean_ns = row->span.count ? row->span.sum / row->span.count : KVMW_NONE;
	row->min_ns = row->max_ns = KVMW_NONE;
	row->p50_ns = counts__end_of_power(row->p50_ns);
	row->p90_ns = counts__end_of_power(row->p90_ns);
	row->p99_ns = counts__end_of_power(row->p99_ns);
}

void counts__finish(struct report *rep)
{
	for (u32 i = 0; i < rep->nr_rows; i++)
		counts__finish_row(&rep->row[i]);
	counts__finish_row(&rep->total);
}
