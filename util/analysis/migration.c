// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "util/analysis/migration.h"
#include "util/analysis/migration_takes.h"
#include "util/analysis/model_dirty_rows.h"
#include "util/search.h"

#define PAGE_BYTES	4096
#define THROTTLE_FIRST	0.20	/* QEMU's cpu-throttle-initial, */
#define THROTTLE_STEP	0.10	/* cpu-throttle-increment, */
#define THROTTLE_MAX	0.99	/* max-cpu-throttle, */
#define THROTTLE_RATIO	0.50	/* throttle-trigger-threshold */
#define BISECTIONS	24

struct replay {
	const struct dirty_mark *mark;
	u64 nr, pages;
	u64 first_ns, span_ns, memory_bytes, downtime_ns;
	struct log_takes takes;
	u64 *since;		/* by piece: when a round begins, how long ago its log was taken */
	u32 *seen;		/* by page: the last count that had it */
	u32 counts;
};

static int compare_mark(const void *key, const void *mark)
{
	COMPARE(*(const u64 *)key, ((const struct dirty_mark *)mark)->time_ns);
	return 0;
}

/* The first mark at or after this time since the first one. */
static u64 mark_at(const struct replay *r, u64 ns)
{
	u64 time_ns = r->first_ns + ns;

	return lower_bound(&time_ns, r->mark, r->nr, sizeof(*r->mark), compare_mark);
}

/* Of those from from_ns to to_ns the pages that a round sees that begins at begin_ns. */
static u64 count_part(struct replay *r, u64 from_ns, u64 to_ns, u64 begin_ns, u64 length_ns)
{
	u64 pages = 0;

	for (u64 i = mark_at(r, from_ns); i < r->nr && r->mark[i].time_ns - r->first_ns < to_ns;
	     i++) {
		u64 ns = r->mark[i].time_ns - r->first_ns + r->since[r->mark[i].piece] +
			 r->span_ns - begin_ns;
		u32 *seen = &r->seen[r->mark[i].entry];

		if (ns % r->span_ns >= length_ns || *seen == r->counts)
			continue;
		pages++;
		*seen = r->counts;
	}
	return pages;
}

/*
 * Pages that become dirty in a round. It begins with the log being taken, so what it sees of a
 * piece is what was seen after it was taken in the recording. The recording may be over: then it
 * begins again.
 */
static u64 pages_in_round(struct replay *r, double begin, double length)
{
	u64 begin_ns = fmod(begin, r->span_ns), length_ns = length, most = 0, from_ns;

	if (length >= r->span_ns)
		return r->pages;
	r->counts++;
	for (u32 i = 0; i < r->takes.pieces; i++) {
		r->since[i] = log_takes__since(&r->takes, i, r->first_ns + begin_ns, r->span_ns);
		most = r->since[i] > most ? r->since[i] : most;
	}
	if (most + length_ns >= r->span_ns)
		return count_part(r, 0, r->span_ns, begin_ns, length_ns);
	from_ns = (begin_ns + r->span_ns - most) % r->span_ns;
	if (from_ns + most + length_ns <= r->span_ns)
		return count_part(r, from_ns, from_ns + most + length_ns, begin_ns, length_ns);
	return count_part(r, from_ns, r->span_ns, begin_ns, length_ns) +
	       count_part(r, 0, from_ns + most + length_ns - r->span_ns, begin_ns, length_ns);
}

/* Whenever this happened twice. */
static void slow_down(struct migration *m, u64 marked, u64 sent, u32 *times)
{
	if (marked <= sent * THROTTLE_RATIO || ++*times < 2)
		return;
	*times = 0;
	m->throttle =
		m->throttle ? fmin(m->throttle + THROTTLE_STEP, THROTTLE_MAX) : THROTTLE_FIRST;
}

static struct migration replay_once(struct replay *r, double bits, bool slow)
{
	struct migration m = { .left_bytes = r->memory_bytes };
	double guest_ns = 0, total_ns = 0, first_ns = 0;
	u32 times = 0;

	for (;;) {
		u64 sent = m.left_bytes;
		double ns = sent * 8e9 / bits, marked_ns = ns * (1 - m.throttle);

		m.rounds++;
		m.converges = m.rounds > 1 && ns <= r->downtime_ns;
		/* A slowed recording lasts longer: what counts is the guest's own time. */
		if (m.converges || m.rounds > MIGRATION_ROUNDS ||
		    (m.rounds > 3 && guest_ns - first_ns > (double)MIGRATION_REPLAYS * r->span_ns &&
		     (!slow || m.throttle >= THROTTLE_MAX)))
			break;
		m.bytes = sat_add(m.bytes, sent);
		m.left_bytes = pages_in_round(r, guest_ns, marked_ns) * PAGE_BYTES;
		total_ns += ns;
		guest_ns += marked_ns;
		first_ns = m.rounds == 1 ? guest_ns : first_ns;
		if (slow)
			slow_down(&m, m.left_bytes, sent, &times);
	}
	m.downtime_ns = m.left_bytes * 8e9 / bits;
	m.rounds -= !m.converges;
	m.bytes = sat_add(m.bytes, m.converges ? m.left_bytes : 0);
	m.total_ns = total_ns + (m.converges ? m.downtime_ns : 0);
	return m;
}

/* On a scale of ratios; a VM that migrates through a link mostly does through a faster one. */
static double find_slowest(struct replay *r)
{
	double low = MIGRATION_BITS_MIN, high = MIGRATION_BITS_MAX;

	if (!replay_once(r, high, false).converges)
		return 0;
	for (u32 i = 0; i < BISECTIONS && high / low > 1.01; i++) {
		double middle = sqrt(low * high);

		if (replay_once(r, middle, false).converges)
			high = middle;
		else
			low = middle;
	}
	return high;
}

static const char *why_no_replay(const struct migration_replay *m, const struct log_takes *takes,
				 u64 nr)
{
	if (!m->memory_bytes)
		return "the size of the VM's memory is unknown: the recording has no memory slots from its start";
	if (!nr)
		return "the times of marks are unknown";
	if (!takes->nr)
		return "no page was marked again: the VMM did not take the log in the meantime, so it is unknown "
		       "how often pages are written";
	if (!m->span_ns || m->gap_ns == KVMW_NONE)
		return "the marks cover less than two of the VMM's rounds: record for longer";
	return NULL;
}

static void replay_links(struct migration_replay *m, struct replay *r,
			 const struct report_options *opt)
{
	static const u64 usual[] = { 1000000000, 10000000000, 25000000000, 100000000000 };

	m->nr_links = opt->nr_links ?: ARRAY_SIZE(usual);
	for (u32 i = 0; i < m->nr_links; i++) {
		u64 bits = opt->nr_links ? opt->link[i] : usual[i];

		m->link[i] = (struct migration_link) {
			.bits = bits,
			.plain = replay_once(r, bits, false),
			.slowed = replay_once(r, bits, true),
		};
	}
	m->slowest_bits = find_slowest(r);
}

int migration_replay__make(struct migration_replay *m, const struct dirty_log *log,
			   const struct report_options *opt)
{
	struct replay r = {
		.mark = log->mark, .nr = log->nr, .pages = log->pages,
		.memory_bytes = m->memory_bytes,
		.takes = { .budget = opt->budget, .pieces = log->pieces },
	};
	int ret = -1;

	if (*m->why_not)
		return 0;
	if (log_takes__find(&r.takes, log->mark, log->nr, log->pages, log->vcpus))
		goto out;
	m->gap_ns = r.takes.usual_ns;
	m->span_ns = log->nr ? log->mark[log->nr - 1].time_ns - log->mark[0].time_ns + 1 : 0;
	m->downtime_ns = opt->downtime_ns ?: REPORT_DOWNTIME;
	snprintf(m->why_not, sizeof(m->why_not), "%s", why_no_replay(m, &r.takes, log->nr) ?: "");
	ret = 0;
	if (*m->why_not)
		goto out;
	r.first_ns = log->mark[0].time_ns;
	r.span_ns = m->span_ns;
	r.downtime_ns = m->downtime_ns;
	r.seen = budget__calloc(opt->budget, log->pages, sizeof(*r.seen));
	r.since = budget__calloc(opt->budget, log->pieces, sizeof(*r.since));
	if (r.seen && r.since)
		replay_links(m, &r, opt);
	else
		ret = -1;
	budget__free(opt->budget, r.seen, log->pages * sizeof(*r.seen));
	budget__free(opt->budget, r.since, log->pieces * sizeof(*r.since));
out:
	log_takes__free(&r.takes);
	return ret;
}
