// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/capture/totals.h"
#include "util/memory.h"

struct kvmw_total totals__of_sum(const struct kvmw_vcpu_state *s, const struct kvmw_sum *sum)
{
	return (struct kvmw_total) {
		.vcpu = s->exit.e.vcpu,
		.event = KVMW_SUM_EVENT(sum->key),
		.isa = KVMW_SUM_ISA(sum->key),
		.reason = KVMW_SUM_REASON(sum->key),
		.count = sum->count,
		.done = sum->done,
		.lost = sum->lost,
		.gap_ns = sum->gap_ns,
		.span_ns = sum->span_ns,
		.user_ns = sum->user_ns,
		.halt_ns = sum->halt_ns,
		.poll_ns = sum->poll_ns,
		.wait_ns = sum->wait_ns,
		.block_ns = sum->block_ns,
		.left_out = sum->filtered,
		.throttled_ns = sum->throttled_ns,
	};
}

static int send_totals(struct totals *totals, struct sink_rows *rows, u32 at,
		       const struct kvmw_vcpu_state *s)
{
	for (u32 i = 0; i < KVMW_NR_SUMS; i++) {
		const struct kvmw_sum sum = s->sums[i];
		struct kvmw_total *row;
		/* All fields count: the vCPU may be between two of its additions. */
		u64 version = sum.count + sum.done + sum.lost + sum.gap_ns + sum.span_ns +
			      sum.user_ns + sum.halt_ns + sum.poll_ns + sum.wait_ns + sum.block_ns +
			      sum.throttled_ns + sum.filtered;

		if (!sum.key || version == totals->versions[at][i])
			continue;
		totals->versions[at][i] = version;
		row = sink__row(rows);
		if (!row)
			return -1;
		*row = totals__of_sum(s, &sum);
	}
	return 0;
}

/* Event and kind of each element of a state's kinds[]. */
#define OF_KIND(S, NAME, name, number, doc) { KVMW_EVENT_ID_##S, number },
#define OF_EVENT(NAME, name, id, class, doc, ...) KVMW_COUNTED_##class(OF_KIND, name)
static const struct { u32 event, kind; } kinds[KVMW_NR_KIND_SUMS] = { KVMW_EVENTS(OF_EVENT) };

struct kvmw_total totals__of_kind(const struct kvmw_vcpu_state *s, u32 i,
				  const struct kvmw_kind_total *sum)
{
	bool raw = i >= KVMW_SUM_RAW;

	return (struct kvmw_total) {
		.vcpu = s->exit.e.vcpu,
		.event = raw ? KVMW_EVENT_RAW : kinds[i].event,
		.reason = raw ? i - KVMW_SUM_RAW + 1 : kinds[i].kind,
		.count = sum->count,
		.done = sum->done,
		.lost = sum->lost,
		.span_ns = sum->span_ns,
		.left_out = sum->filtered,
	};
}

static int send_kinds(struct totals *totals, struct sink_rows *rows, u32 at,
		       const struct kvmw_vcpu_state *s)
{
	for (u32 i = 0; i < KVMW_NR_KIND_SUMS; i++) {
		const struct kvmw_kind_total sum = s->kinds[i];
		u64 version = sum.count + sum.done + sum.lost + sum.span_ns + sum.filtered;
		struct kvmw_total *row;

		if (version == totals->kind_versions[at][i])
			continue;
		totals->kind_versions[at][i] = version;
		row = sink__row(rows);
		if (!row)
			return -1;
		*row = totals__of_kind(s, i, &sum);
	}
	return 0;
}

/*
 * The span of a loss begins at the previous look at this state.  While the vCPU counts this
 * loss, last_ns may still be that of an earlier one.
 */
static int send_loss(struct sink_rows *rows, u32 vcpu, u32 event, u64 lost, u64 *sent, u64 since,
		     u64 last_ns)
{
	struct kvmw_loss *row;

	if (lost == *sent)
		return 0;
	row = sink__row(rows);
	if (!row)
		return -1;
	*row = (struct kvmw_loss) {
		.vcpu = vcpu,
		.event = event,
		.count = lost - *sent,
		.first_ns = since,
		.last_ns = last_ns > since ? last_ns : since,
	};
	*sent = lost;
	return 0;
}

void totals__send_cost(struct sink *sink, const struct kvmw_cost *cost)
{
	struct batch *b = sink__batch(sink, DATA_STATS, event_desc__by_id(KVMW_EVENT_COST), 0, 1);

	if (!b)
		return;
	*(struct kvmw_cost *)b->rows = *cost;
	b->nr = 1;
	sink__put(sink, b);
}

int totals__send(struct totals *totals, struct sink *sink, const struct kvmw_vcpu_state *states,
		 u32 nr, u64 now)
{
	struct sink_rows counts = { sink, DATA_STATS, event_desc__by_id(KVMW_EVENT_TOTAL), NULL };
	struct sink_rows losses = { sink, DATA_LOSS, event_desc__by_id(KVMW_EVENT_LOSS), NULL };
	int err = 0;

	for (u32 i = 0; i < nr && !err; i++) {
		const struct kvmw_vcpu_state *s = &states[i];

		if (!s->tid)
			continue;
		err = send_totals(totals, &counts, i, s) || send_kinds(totals, &counts, i, s);
		for (u32 event = 0; !err && event < KVMW_MAX_EVENTS; event++)
			err = send_loss(&losses, s->exit.e.vcpu, event, s->lost[event].count,
					&totals->lost[i][event], totals->time_ns,
					s->lost[event].last_ns);
	}
	sink__end_rows(&counts);
	sink__end_rows(&losses);
	totals->time_ns = now;
	return err ? -1 : 0;
}

static void add_state(struct totals_sum *sum, const struct kvmw_vcpu_state *s)
{
	if (!s->tid)
		return;
	sum->vcpus += s->role == KVMW_ROLE_VCPU;
	for (u32 i = 0; i < KVMW_MAX_EVENTS; i++)
		sum->lost += s->lost[i].count;
	for (u32 i = 0; i < KVMW_NR_KIND_SUMS; i++)
		sum->count += s->kinds[i].count;
	for (u32 i = 0; i < KVMW_NR_SUMS; i++)
		sum->count += s->sums[i].count;
}

struct totals_sum totals__sum(const struct totals *totals, const struct kvmw_vcpu_state *states,
			      u32 nr)
{
	struct totals_sum sum = totals->past;

	for (u32 i = 0; i < nr; i++)
		add_state(&sum, &states[i]);
	return sum;
}

void totals__take_memory(struct totals *totals, u32 nr)
{
	mem__take(totals->versions, nr * sizeof(*totals->versions));
	mem__take(totals->kind_versions, nr * sizeof(*totals->kind_versions));
	mem__take(totals->lost, nr * sizeof(*totals->lost));
}

void totals__forget(struct totals *totals, const struct kvmw_vcpu_state *states, u32 i)
{
	add_state(&totals->past, &states[i]);
	memset(totals->versions[i], 0, sizeof(totals->versions[i]));
	memset(totals->kind_versions[i], 0, sizeof(totals->kind_versions[i]));
	memset(totals->lost[i], 0, sizeof(totals->lost[i]));
}
