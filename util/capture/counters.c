// SPDX-License-Identifier: GPL-2.0
#include "util/arch/access.h"
#include "util/capture/counters.h"
#include "util/capture/totals.h"

#define TRIES	3

/* A copy of what the programs write to at the same time. */
struct look {
	struct kvmw_exit exit;
	u64 entry_ns, user_ns, off_ns, mark_block, user_wait, user_block;
	u32 open, sum, off_runnable;
	u64 run_ns, returned_ns;	/* KVM_RUN was called; it returned, if user_open */
	u32 user_open, user_sum;
};

static struct look look_at(const struct kvmw_vcpu_state *s)
{
	return (struct look) {
		.exit = s->exit.e, .entry_ns = s->entry_ns, .user_ns = s->user_ns,
		.off_ns = s->off_ns,
		.mark_block = s->mark_block, .user_wait = s->user_wait, .user_block = s->user_block,
		.open = s->exit_open, .sum = s->exit_sum, .off_runnable = s->off_runnable,
		.run_ns = s->run_ns, .returned_ns = s->user.e.time_ns,
		.user_open = s->user_open, .user_sum = s->user_sum,
	};
}

static u64 ns_since(u64 then, u64 now)
{
	return then && now > then ? now - then : 0;
}

static bool captured_part(u64 ns)
{
	return ns != KVMW_NONE;
}

/*
 * The parts of a cycle that goes on, by the rules of cycle.bpf.h.  Only its end shows that a thread
 * sleeps because of a halt, and what of it was polling; until then the exit reason has to.
 */
static void counters__add_parts(struct kvmw_total *row, const struct look *l, u64 now)
{
	u64 off = ns_since(l->off_ns, now), wait = l->exit.wait_ns, block = l->exit.block_ns,
	    asleep;
	u64 user = ns_since(l->user_ns, now);

	if (!captured_part(wait) || !captured_part(row->wait_ns)) {
		row->user_ns += l->exit.user_ns + user;
		return;
	}
	if (l->off_runnable)
		wait += off;
	else
		block += off;
	if (l->user_ns) {
		u64 elsewhere = wait + block - l->user_wait - l->user_block;

		user = user > elsewhere ? user - elsewhere : 0;
	}
	row->user_ns += l->exit.user_ns + user;
	row->wait_ns += wait;
	row->poll_ns += l->exit.poll_ns;
	row->halt_ns += l->exit.halt_ns;
	asleep = block > l->mark_block ? block - l->mark_block : 0;
	if (!l->user_ns && exit_class(row->isa, row->reason) == EXIT_HALT) {
		row->halt_ns += asleep;
		block -= asleep;
	}
	row->block_ns += block;
	if (captured_part(row->throttled_ns) && captured_part(l->exit.throttled_ns))
		row->throttled_ns += l->exit.throttled_ns;
}

static int counters__send_row(struct sink_rows *rows, const struct kvmw_total *total)
{
	struct kvmw_total *row = sink__row(rows);

	if (!row)
		return -1;
	*row = *total;
	return 0;
}

static int counters__send_sum(struct sink_rows *rows, const struct kvmw_vcpu_state *s, u32 i,
		    const struct look *l, u64 now)
{
	const struct kvmw_sum sum = s->sums[i];
	struct kvmw_total row;

	if (!sum.key)
		return 0;
	row = totals__of_sum(s, &sum);
	if (row.event == KVMW_EVENT_EXIT && l->open && l->sum == i) {
		row.span_ns += ns_since(l->exit.time_ns, now);
		counters__add_parts(&row, l, now);
	}
	if (row.event == KVMW_EVENT_USERSPACE && l->user_open && l->user_sum == i) {
		row.span_ns += ns_since(l->returned_ns, now);
		row.user_ns += ns_since(l->returned_ns, now);
	}
	return counters__send_row(rows, &row);
}

static int send_in_guest(struct sink_rows *rows, const struct kvmw_vcpu_state *s, u32 event, u64 ns)
{
	const struct kvmw_total row = {
		.vcpu = s->exit.e.vcpu, .event = event, .reason = COUNTERS_IN_GUEST, .gap_ns = ns,
	};

	return counters__send_row(rows, &row);
}

/*
 * If a cycle ends while its state is read, all of it is read again: then a long one is neither
 * counted twice nor missed.  A vCPU that exits all the time has none.
 */
static int counters__send_state(struct sink_rows *rows, const struct kvmw_vcpu_state *s, u64 now)
{
	struct look l = look_at(s);
	int err = 0;

	for (u32 try = 0; try < TRIES; try++) {
		err = 0;
		for (u32 i = 0; i < KVMW_NR_SUMS && !err; i++)
			err = counters__send_sum(rows, s, i, &l, now);
		if (err || (s->exit_open == l.open && s->exit.e.time_ns == l.exit.time_ns &&
			    s->user_open == l.user_open && s->user.e.time_ns == l.returned_ns))
			break;
		l = look_at(s);
	}
	/* Most are of kinds that are not counted, or did not happen; so with reasons below. */
	for (u32 i = 0; i < KVMW_NR_KIND_SUMS && !err; i++) {
		const struct kvmw_kind_total sum = s->kinds[i];

		if (sum.count) {
			struct kvmw_total row = totals__of_kind(s, i, &sum);

			err = counters__send_row(rows, &row);
		}
	}
	if (s->role != KVMW_ROLE_VCPU)
		return err;
	return err ||
	       send_in_guest(rows, s, KVMW_EVENT_EXIT, l.open ? 0 : ns_since(l.entry_ns, now)) ||
	       send_in_guest(rows, s, KVMW_EVENT_USERSPACE,
			     l.user_open ? 0 : ns_since(l.run_ns, now)) ? -1 : 0;
}

static bool any_latency(const u64 *count)
{
	for (u32 i = 0; i < KVMW_LATENCIES; i++)
		if (count[i])
			return true;
	return false;
}

static int give_latencies(const struct kvmw_vcpu_state *s, const struct kvmw_latencies *of,
			  counters_take *take, void *arg)
{
	int ret = 0;

	for (u32 i = 0; i < KVMW_NR_SUMS && !ret; i++) {
		const u64 *count = &of->count[(size_t)i * KVMW_LATENCIES];
		struct kvmw_total row;

		if (!s->sums[i].key || !any_latency(count))
			continue;
		row = totals__of_sum(s, &s->sums[i]);
		ret = take(arg, &row, count);
	}
	return ret;
}

/*
 * Durations first: a cycle that has one is among those that ended. They are those of one state
 * after another, whose sums are near then: of thousands of states they fit into no cache.
 */
int counters__send(const struct session *session, struct sink *sink, u64 now, counters_take *take,
		   void *arg)
{
	struct sink_rows rows = { sink, DATA_STATS, event_desc__by_id(KVMW_EVENT_TOTAL), NULL };
	const struct kvmw_vcpu_state *states = session__states(session);
	const struct kvmw_latencies *all = session__latencies(session);
	int err = 0;

	for (u32 i = 0; i < session__nr_states(session) && !err; i++) {
		if (!states[i].tid)
			continue;
		err = all ? give_latencies(&states[i], &all[i], take, arg) : 0;
		if (!err)
			err = counters__send_state(&rows, &states[i],
						   session__gone_ns(session, &states[i]) ?: now);
	}
	sink__end_rows(&rows);
	return err;
}
