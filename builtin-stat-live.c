// SPDX-License-Identifier: GPL-2.0
/*
 * The recorder's tables, without a file between them and what a reader makes of them: what the sink
 * takes, the recording gets.
 */
#include <stdlib.h>
#include <string.h>

#include "builtin-stat.h"
#include "util/capture/counters.h"
#include "util/error.h"
#include "util/memory.h"

/* Text that the recorder made itself is not hostile, however much of it there is. */
static int live__take_text(struct live *live, const struct batch *b)
{
	struct recording *rec = live->rec;

	rec->json.spent = 0;
	if (b->type != DATA_META)
		return recording__ident(rec, b->json) ? -1 : 0;
	free(live->meta);
	live->meta = mem__strdup(b->json);
	return !live->meta || recording__meta(rec, b->json) ? -1 : 0;
}

static int take_batch(void *arg, const struct batch *b)
{
	struct live *live = arg;

	return b->json ? live__take_text(live, b) :
	       recording__take_rows(live->rec, b->event, b->rows, b->nr);
}

static struct recording *new_recording(void)
{
	struct recording *rec = recording__new("kvmw stat");

	if (rec)
		rec->finished = true;
	return rec;
}

int live__init(struct live *live, pid_t command)
{
	live->rec = new_recording();
	live->sink = sink__to(take_batch, live);
	live->ident = mem__calloc(1, sizeof(*live->ident));
	live->holders = mem__calloc(1, sizeof(*live->holders));
	if (!live->rec || !live->sink || !live->ident || !live->holders)
		return -1;
	live->holders->command = command;
	return 0;
}

void live__free(struct live *live)
{
	if (live->sink)
		sink__finish(live->sink);
	counts__free(&live->counts);
	recording__free(live->rec);
	free(live->ident);
	free(live->holders);
	free(live->meta);
}

_Static_assert(KVMW_LATENCY_FIRST + KVMW_LATENCIES == COUNTS_LATENCIES,
	       "both have the same last duration");

static int take_latency(void *arg, const struct kvmw_total *row, const u64 *count)
{
	struct live *live = arg;
	const struct agg_key key = {
		.vcpu = row->vcpu, .reason = row->reason, .event = row->event, .isa = row->isa,
	};
	u64 all[COUNTS_LATENCIES] = { 0 };

	memcpy(&all[KVMW_LATENCY_FIRST], count, KVMW_LATENCIES * sizeof(*count));
	return counts__take_latencies(&live->counts, &key, all, row->span_ns);
}

int live__count(struct live *live, u64 now)
{
	if (counters__send(live->session, live->sink, now, take_latency, live) ||
	    ident__send(live->ident, live->sink, live->session) ||
	    holders__send(live->holders, live->sink, session__states(live->session),
			  session__nr_states(live->session)) ||
	    taken__send(&live->taken, live->sink, session__taken(live->session)) ||
	    sink__failed(live->sink) ||
	    counts__take(&live->counts, &live->rec->totals, COUNTERS_IN_GUEST))
		return -1;
	live->time_ns = now;
	return 0;
}

#define LINGER_NS	NSEC_PER_SEC
#define CROWDED_NS	(NSEC_PER_SEC / 10)

static bool has_state(void *arg, u32 vcpu)
{
	const struct kvmw_vcpu_state *state =
		&session__states(((const struct live *)arg)->session)[KVMW_STATE(vcpu)];

	return state->tid && state->exit.e.vcpu == vcpu;
}

/* A recording grows with each vCPU that was ever there: another one begins, of those that are. */
static int renew(struct live *live)
{
	struct recording *rec = new_recording();

	if (!rec || (live->meta && recording__meta(rec, live->meta)) ||
	    counts__keep(&live->counts, has_state, live)) {
		recording__free(rec);
		return -1;
	}
	recording__free(live->rec);
	live->rec = rec;
	live->nr_ended = 0;
	/* All is sent again. */
	memset(live->ident->sent, 0,
	       session__nr_states(live->session) * sizeof(*live->ident->sent));
	memset(live->holders->versions, 0,
	       session__nr_states(live->session) * sizeof(*live->holders->versions));
	live->taken = (struct taken) { .others = 0 };
	live->ident->changes = ~0ULL;
	return live__count(live, live->time_ns);
}

#define MAX_ENDED	1024	/* vCPUs that are remembered though their places are used again */

int live__free_ended(struct live *live)
{
	const struct kvmw_vcpu_state *states = session__states(live->session);
	u64 linger_ns = session__crowded(live->session) ? CROWDED_NS : LINGER_NS;

	for (u32 i = 0; i < session__nr_states(live->session); i++) {
		u64 ended = states[i].ended_ns;

		if (!states[i].tid || !ended || ended + linger_ns > live->time_ns)
			continue;
		holders__forget(live->holders, i);
		ident__forget(live->ident, states, session__nr_states(live->session), i);
		session__free_state(live->session, i);
		live->nr_ended++;
	}
	return live->forgets && live->nr_ended >= MAX_ENDED ? renew(live) : 0;
}

/* Without those that were gone before. */
static int choose_vcpus(struct recording *part, u64 from_ns)
{
	struct rec_vcpu *vcpus = mem__calloc(part->nr_vcpus + 1, sizeof(*vcpus));
	u32 nr = 0;

	if (!vcpus)
		return -1;
	for (u32 i = 0; i < part->nr_vcpus; i++)
		if (!part->vcpu[i].gone_ns || part->vcpu[i].gone_ns > from_ns)
			vcpus[nr++] = part->vcpu[i];
	part->vcpu = vcpus;
	part->nr_vcpus = nr;
	return 0;
}

int live__report(struct live *live, u64 from_ns, enum counts_span span,
		 const struct report_options *opt, u32 nr, struct live_report *r)
{
	*r = (struct live_report) { .part = *live->rec };
	r->part.totals = (struct agg_table) { .over_limit = 0 };
	r->part.meta.start_ns = from_ns;
	r->part.meta.stop_ns = live->time_ns;
	/* They are sums from the beginning on. */
	if (span == COUNTS_INTERVAL) {
		r->part.holders = (struct rec_holders) { .over_limit = 0 };
		r->part.takens = (struct rec_takens) { .over_limit = 0 };
	}
	if (choose_vcpus(&r->part, from_ns)) {
		r->part.vcpu = NULL;
		return -1;
	}
	if (counts__since(&live->counts, span, &r->part.totals))
		return -1;
	for (u32 i = 0; i < nr; i++) {
		if (report__make(&r->rep[i], &r->part, &r->aggs[i], &opt[i]))
			return -1;
		counts__finish(&r->rep[i]);
	}
	/* How many is not known: each look finds the same keys again. */
	return live->counts.full ?
	       error("some events are not counted: more different keys than kvmw keeps") : 0;
}

void live__end_report(struct live_report *r)
{
	for (u32 i = 0; i < ARRAY_SIZE(r->rep); i++) {
		report__free(&r->rep[i]);
		agg_table__free(&r->aggs[i]);
	}
	agg_table__free(&r->part.totals);
	free(r->part.vcpu);
}
