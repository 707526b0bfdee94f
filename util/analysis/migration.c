// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "util/analysis/migration.h"
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
	u64 first_ns, span_ns, gap_ns, memory_bytes, downtime_ns;
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

static u64 count_part(struct replay *r, u64 from_ns, u64 to_ns)
{
	u64 pages = 0;

	for (u64 i = mark_at(r, from_ns); i < r->nr && r->mark[i].time_ns - r->first_ns < to_ns; i++) {
		u32 *seen = &r->seen[r->mark[i].entry];

		pages += *seen != r->counts;
		*seen = r->counts;
	}
	return pages;
}

/* Pages marked in the time until end_ns, which may be beyond the recording. */
static u64 pages_before(struct replay *r, double end_ns, double length_ns)
{
	double begin;

	length_ns = fmax(length_ns, r->gap_ns);
	if (length_ns >= r->span_ns)
		return r->pages;
	r->counts++;
	begin = fmod(end_ns - length_ns + r->span_ns, r->span_ns);
	if (begin + length_ns <= r->span_ns)
		return count_part(r, begin, begin + length_ns);
	return count_part(r, begin, r->span_ns) + count_part(r, 0, begin + length_ns - r->span_ns);
}

/* Whenever this happened twice. */
static void slow_down(struct migration *m, u64 marked, u64 sent, u32 *times)
{
	if (marked <= sent * THROTTLE_RATIO || ++*times < 2)
		return;
	*times = 0;
	m->throttle = m->throttle ? fmin(m->throttle + THROTTLE_STEP, THROTTLE_MAX) : THROTTLE_FIRST;
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
		/* A recording that is slowed down lasts longer: what counts is the guest's own time. */
		if (m.converges || m.rounds > MIGRATION_ROUNDS ||
		    (m.rounds > 3 && guest_ns - first_ns > (double)MIGRATION_REPLAYS * r->span_ns &&
		     (!slow || m.throttle >= THROTTLE_MAX)))
			break;
		m.bytes = sat_add(m.bytes, sent);
		total_ns += ns;
		guest_ns += marked_ns;
		first_ns = m.rounds == 1 ? guest_ns : first_ns;
		m.left_bytes = pages_before(r, guest_ns, marked_ns) * PAGE_BYTES;
		if (slow)
			slow_down(&m, m.left_bytes, sent, &times);
	}
	m.downtime_ns = m.left_bytes * 8e9 / bits;
	m.rounds -= !m.converges;
	m.bytes = sat_add(m.bytes, m.converges ? m.left_bytes : 0);
	m.total_ns = total_ns + (m.converges ? m.downtime_ns : 0);
	return m;
}

/* On a scale of ratios; a VM that migrates through a link does so through a faster one, nearly always. */
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

/* How long it took until a page was marked again; KVMW_NONE: none was. -1: out of memory. */
static int find_gap(const struct dirty_mark *mark, u64 nr, u64 pages, struct budget *budget, u64 *gap_ns)
{
	u64 *last = budget__calloc(budget, pages + 1, sizeof(*last));
	struct hist gaps = { .budget = budget };
	int err = last ? 0 : -1;

	for (u64 i = 0; i < nr && !err; i++) {
		u64 *at = &last[mark[i].entry];

		if (*at)
			err = hist__add(&gaps, mark[i].time_ns - *at + 1);
		*at = mark[i].time_ns + 1;
	}
	*gap_ns = gaps.count ? hist__percentile(&gaps, 500) : KVMW_NONE;
	hist__free(&gaps);
	budget__free(budget, last, (pages + 1) * sizeof(*last));
	return err;
}

static const char *why_no_replay(const struct migration_replay *m, u64 nr)
{
	if (!m->memory_bytes)
		return "the size of the VM's memory is unknown: the recording has no memory slots from its start";
	if (!nr)
		return "no times of marks are known";
	if (m->gap_ns == KVMW_NONE)
		return "no page was marked twice: the VMM did not take the log in the meantime, so it is unknown "
		       "how often pages are written";
	if (!m->span_ns || m->gap_ns > m->span_ns / 2)
		return "the marks cover less than two of the VMM's rounds: record for longer";
	return NULL;
}

int migration_replay__make(struct migration_replay *m, const struct dirty_mark *marks, u64 nr, u64 pages,
			   const struct report_options *opt)
{
	static const u64 usual[] = { 1000000000, 10000000000, 25000000000, 100000000000 };
	struct replay r = { .mark = marks, .nr = nr, .pages = pages, .memory_bytes = m->memory_bytes };

	if (*m->why_not)
		return 0;
	if (find_gap(marks, nr, pages, opt->budget, &m->gap_ns))
		return -1;
	m->span_ns = nr ? marks[nr - 1].time_ns - marks[0].time_ns + 1 : 0;
	m->downtime_ns = opt->downtime_ns ?: REPORT_DOWNTIME;
	snprintf(m->why_not, sizeof(m->why_not), "%s", why_no_replay(m, nr) ?: "");
	if (*m->why_not)
		return 0;
	r.first_ns = marks[0].time_ns;
	r.span_ns = m->span_ns;
	r.gap_ns = m->gap_ns;
	r.downtime_ns = m->downtime_ns;
	r.seen = budget__calloc(opt->budget, pages, sizeof(*r.seen));
	if (!r.seen)
		return -1;
	m->nr_links = opt->nr_links ?: ARRAY_SIZE(usual);
	for (u32 i = 0; i < m->nr_links; i++) {
		u64 bits = opt->nr_links ? opt->link[i] : usual[i];

		m->link[i] = (struct migration_link) {
			.bits = bits, .plain = replay_once(&r, bits, false), .slowed = replay_once(&r, bits, true),
		};
	}
	m->slowest_bits = find_slowest(&r);
	budget__free(opt->budget, r.seen, pages * sizeof(*r.seen));
	return 0;
}
