// SPDX-License-Identifier: GPL-2.0
/*
 * Where the time of an outlier went. Of a cycle its own columns say so. Of anything else the vCPU's
 * cycles and the rows of its thread do, as far as they lie in its time: exactly where a cycle is
 * inside, else at most as much as overlaps.
 */
#include <string.h>

#include "util/analysis/chain/internal.h"

static void add_part(struct chain_parts *p, enum chain_part part, const struct chain_row *row,
		     u64 ns)
{
	p->ns[part] = p->ns[part] == KVMW_NONE ? ns : p->ns[part] + ns;
	if (ns && row && ns >= p->row_ns[part]) {
		p->row_ns[part] = ns;
		p->row[part] = row;
	}
}

static u64 at_most(u64 ns, u64 most)
{
	return captured(ns) < most ? captured(ns) : most;
}

/* The i-th row of the outlier, of all that there are; NULL: no more. */
static const struct chain_row *nth_row(const struct chain_work *w, u32 i)
{
	const struct chain_row *others[] = { &w->self, &w->before, &w->after };

	if (i < w->nr_rows)
		return &w->row[i];
	return i - w->nr_rows < ARRAY_SIZE(others) ? others[i - w->nr_rows] : NULL;
}

#define for_each_own(w, r, row)								\
	for (u32 i_ = 0; (r = nth_row(w, i_)); i_++)					\
		if (r->event != (row) || !chain_work__is_own(w, r)) {} else

/* What the outlier's thread did from from to to, by the scheduler: waiting, and asleep. */
struct off_cpu {
	u64 waited, slept;
};

/* Off its CPU to the end: since when, or KVMW_NONE; no row shows how long that was. */
static u64 off_since(const struct chain_work *w, bool *asleep)
{
	const struct chain_row *last = w->out.event ? &w->out : NULL, *row;
	bool woken = w->woken;

	for_each_own(w, row, KVMW_EVENT_SCHED)
		if (row->kind != KVMW_sched_MIGRATE && row->time_ns <= w->chain->end_ns &&
		    (!last || row->time_ns > last->time_ns ||
		     (row->time_ns == last->time_ns && last->kind != KVMW_sched_IN))) {
			last = row;
			woken = false;
		}
	if (!last || last->kind == KVMW_sched_IN || w->misses_own)
		return KVMW_NONE;
	*asleep = last->kind == KVMW_sched_OUT && captured(last->v[SCHED_STATE]) && !woken;
	return last->time_ns;
}

static struct off_cpu off_cpu(const struct chain_work *w, u64 from, u64 to)
{
	struct off_cpu off = { .waited = 0 };
	const struct chain_row *row;
	bool asleep = false;
	u64 since;

	for_each_own(w, row, KVMW_EVENT_SCHED) {
		u64 ns = in_common(row->from_ns, row->to_ns, from, to);

		if (row->kind == KVMW_sched_IN)
			off.waited += ns;
		else if (row->kind == KVMW_sched_WAKEUP)
			off.slept += ns;
	}
	since = off_since(w, &asleep);
	if (since < to)
		*(asleep ? &off.slept : &off.waited) += to - (since > from ? since : from);
	return off;
}

/* Whether the vCPU was halted then, rather than asleep for another reason. */
static bool was_halted(const struct chain_work *w, u64 at)
{
	const struct chain_row *row;

	if (w->self.event == KVMW_EVENT_HALT)
		return true;
	for_each_own(w, row, KVMW_EVENT_HALT)
		if (at > row->from_ns && at <= row->to_ns)
			return true;
	for_each_own(w, row, KVMW_EVENT_EXIT)
		if (at > row->from_ns && at <= row->to_ns &&
		    captured(row->v[EXIT_HALTED]) > captured(row->v[EXIT_BLOCK]))
			return true;
	return false;
}

static void parts__add_thread(const struct chain_work *w, struct chain_parts *p, u64 from, u64 to)
{
	const struct chain_row *row;
	bool asleep = false;
	u64 since = off_since(w, &asleep),
	    off = since < to ? to - (since > from ? since : from) : 0;

	add_part(p, CHAIN_WAITING, NULL, 0);
	add_part(p, CHAIN_HALTED, NULL, 0);
	add_part(p, CHAIN_BLOCKED, NULL, 0);
	for_each_own(w, row, KVMW_EVENT_SCHED) {
		u64 ns = in_common(row->from_ns, row->to_ns, from, to);

		if (row->kind == KVMW_sched_IN)
			add_part(p, CHAIN_WAITING, row, ns);
		else if (row->kind == KVMW_sched_WAKEUP)
			add_part(p, was_halted(w, row->to_ns) ? CHAIN_HALTED : CHAIN_BLOCKED, row,
				 ns);
	}
	if (!asleep)
		add_part(p, CHAIN_WAITING, NULL, off);
	else if (was_halted(w, to))
		add_part(p, CHAIN_HALTED, NULL, off);
	else if (w->self.event == KVMW_EVENT_USERSPACE || w->self.event == KVMW_EVENT_EXIT)
		add_part(p, CHAIN_BLOCKED, NULL, off);
}

/* Of a cycle, what lies between from and to. */
static void add_cycle(const struct chain_work *w, struct chain_parts *p,
		      const struct chain_row *row, bool sched, u64 from, u64 to)
{
	u64 left = in_common(row->from_ns, row->to_ns, from, to), ns;
	struct off_cpu off;

	add_part(p, CHAIN_GUEST, row,
		 in_common(row->from_ns - at_most(row->v[EXIT_GUEST], row->from_ns), row->from_ns,
			   from, to));
	if (!left)
		return;
	if (sched) {
		off = off_cpu(w, row->from_ns > from ? row->from_ns : from,
			      row->to_ns < to ? row->to_ns : to);
		left -= at_most(off.waited, left);
		left -= at_most(off.slept, left);
	} else {
		static const struct { enum chain_part part; u32 value; } parts[] = {
			{ CHAIN_WAITING, EXIT_WAIT }, { CHAIN_HALTED, EXIT_HALTED },
			{ CHAIN_BLOCKED, EXIT_BLOCK },
		};

		for (u32 i = 0; i < ARRAY_SIZE(parts); i++) {
			ns = at_most(row->v[parts[i].value], left);
			add_part(p, parts[i].part, row, ns);
			left -= ns;
		}
	}
	if (row->v[EXIT_THROTTLED] != KVMW_NONE)
		add_part(p, CHAIN_THROTTLED, row, at_most(row->v[EXIT_THROTTLED], to - from));
	ns = at_most(row->v[EXIT_USER], left);
	add_part(p, CHAIN_VMM, row, ns);
	add_part(p, CHAIN_KVM, row, left - ns);
}

/* A cycle has its parts; rows of the scheduler and others show which step it was. */
static void of_cycle(const struct chain_work *w, struct chain_parts *p, bool sched)
{
	static const struct { enum chain_part part; u32 value; } parts[] = {
		{ CHAIN_VMM, EXIT_USER }, { CHAIN_HALTED, EXIT_HALTED },
		{ CHAIN_WAITING, EXIT_WAIT },
		{ CHAIN_BLOCKED, EXIT_BLOCK }, { CHAIN_THROTTLED, EXIT_THROTTLED },
	};
	u64 left = w->chain->end_ns - w->chain->start_ns;
	struct chain_parts seen = { .ns = { 0 } };
	bool all = true;

	if (w->chain->open) {
		if (sched)
			parts__add_thread(w, p, w->chain->start_ns, w->chain->end_ns);
		return;
	}
	p->ns[CHAIN_GUEST] = p->ns[CHAIN_LATE] = 0;
	for (u32 i = 0; i < ARRAY_SIZE(parts); i++) {
		u64 ns = w->self.v[parts[i].value];

		p->ns[parts[i].part] = ns;
		p->row[parts[i].part] = &w->self;
		if (parts[i].part == CHAIN_THROTTLED)
			continue;
		all &= ns != KVMW_NONE;
		left -= at_most(ns, left);
	}
	/* KVM has what is left, if it is known what others have. */
	p->ns[CHAIN_KVM] = all ? left : KVMW_NONE;
	p->row[CHAIN_KVM] = &w->self;
	parts__add_thread(w, &seen, w->chain->start_ns, w->chain->end_ns);
	for (u32 i = 0; i < NR_CHAIN_PARTS; i++)
		if (seen.row[i])
			p->row[i] = seen.row[i];
}

/* What the kernel did for one call or fault: all that it did not wait or sleep. */
static void of_call(const struct chain_work *w, struct chain_parts *p, bool sched)
{
	u64 from = w->chain->start_ns, to = w->chain->end_ns, left = to - from;
	const struct chain_row *row;

	bool known = sched && w->has_switches && !w->misses_own;

	if (known)
		parts__add_thread(w, p, from, to);
	for_each_own(w, row, KVMW_EVENT_EXIT) {
		if (known || row->from_ns > from || row->to_ns < to ||
		    row->v[EXIT_WAIT] == KVMW_NONE || row->v[EXIT_BLOCK] == KVMW_NONE)
			continue;
		known = true;
		add_part(p, CHAIN_WAITING, row, at_most(row->v[EXIT_WAIT], left));
		add_part(p, CHAIN_BLOCKED, row,
			 at_most(row->v[EXIT_BLOCK], left - captured(p->ns[CHAIN_WAITING])));
	}
	/* Where it did not run is unknown. */
	if (!known)
		return;
	left -= at_most(p->ns[CHAIN_WAITING], left);
	left -= at_most(p->ns[CHAIN_BLOCKED], left);
	left -= at_most(p->ns[CHAIN_HALTED], left);
	add_part(p, CHAIN_KVM, &w->self, left);
}

static void of_time(const struct chain_work *w, struct chain_parts *p, bool sched)
{
	u64 from = w->chain->start_ns, to = w->chain->end_ns;
	const struct chain_row *row;

	if (w->misses_own)
		return;
	if (w->expired.event) {
		add_part(p, CHAIN_LATE, &w->expired, captured(w->expired.span_ns));
		from = w->expired.time_ns;
	}
	if (sched)
		parts__add_thread(w, p, from, to);
	for_each_own(w, row, KVMW_EVENT_EXIT)
		add_cycle(w, p, row, sched, from, to);
	if (w->self.event == KVMW_EVENT_USERSPACE && p->ns[CHAIN_VMM] == KVMW_NONE) {
		u64 left = to - from;

		left -= at_most(p->ns[CHAIN_WAITING], left);
		add_part(p, CHAIN_VMM, &w->self, left - at_most(p->ns[CHAIN_BLOCKED], left));
	}
}

static void use_self(const struct chain_work *w, struct chain_parts *p, enum chain_part part)
{
	for (u32 i = 0; i < NR_CHAIN_PARTS; i++)
		p->ns[i] = i == CHAIN_THROTTLED ? KVMW_NONE : 0;
	p->ns[part] = w->chain->end_ns - w->chain->start_ns;
	p->row[part] = &w->self;
}

/* A halt lasts until its vCPU has a CPU again. */
static void of_halt(const struct chain_work *w, struct chain_parts *p, bool sched)
{
	struct chain_parts seen = { .ns = { 0 } };
	const struct chain_row *row;
	bool known = sched && w->has_switches && !w->misses_own;

	use_self(w, p, CHAIN_HALTED);
	if (known)
		parts__add_thread(w, &seen, w->chain->start_ns, w->chain->end_ns);
	for_each_own(w, row, KVMW_EVENT_EXIT) {
		if (known || row->from_ns > w->chain->start_ns || row->to_ns < w->chain->end_ns ||
		    row->v[EXIT_WAIT] == KVMW_NONE)
			continue;
		known = true;
		add_part(&seen, CHAIN_WAITING, row, row->v[EXIT_WAIT]);
	}
	p->ns[CHAIN_WAITING] =
		known ? at_most(seen.ns[CHAIN_WAITING], p->ns[CHAIN_HALTED]) : KVMW_NONE;
	p->row[CHAIN_WAITING] = seen.row[CHAIN_WAITING];
	p->ns[CHAIN_HALTED] -= captured(p->ns[CHAIN_WAITING]);
}

/* What makes a cycle an outlier is not that the guest slept: of a halt, polling counts. */
static u64 counts(const struct chain_work *w, const struct chain_parts *p, enum chain_part part)
{
	if (part == CHAIN_THROTTLED)
		return 0;
	if (part == CHAIN_HALTED && w->self.event == KVMW_EVENT_EXIT)
		return captured(w->self.v[EXIT_POLL]);
	return captured(p->ns[part]);
}

static void choose_gap(struct chain_work *w, const struct chain_parts *p)
{
	struct chain *chain = w->chain;
	u64 most = 0, known = 0, all = chain->end_ns - chain->start_ns;

	if (w->expired.event)
		all += chain->start_ns - w->expired.from_ns;
	for (u32 i = 0; i < NR_CHAIN_PARTS; i++) {
		u64 ns = counts(w, p, i);

		known += i == CHAIN_THROTTLED ? 0 : captured(p->ns[i]);
		if (ns <= most)
			continue;
		most = ns;
		chain->gap = i;
	}
	if (chain->gap == CHAIN_WAITING && captured(p->ns[CHAIN_THROTTLED]) > most / 2)
		chain->gap = CHAIN_THROTTLED;
	/* More of it is unknown than any part has, or it is not over. */
	if (chain->open || (known < all && all - known > most))
		chain->gap = NR_CHAIN_PARTS;
}

void chain_work__find_parts(const struct chain_context *c, struct chain_work *w,
			    struct chain_parts *p)
{
	bool sched = chain_context__has(c, KVMW_EVENT_SCHED);

	*p = (struct chain_parts) { .row_ns = { 0 } };
	memset(p->ns, 0xff, sizeof(p->ns));
	switch (w->chain->event) {
	case KVMW_EVENT_EXIT:
		of_cycle(w, p, sched);
		break;
	case KVMW_EVENT_HALT:
		of_halt(w, p, sched);
		break;
	case KVMW_EVENT_SCHED:
		use_self(w, p, CHAIN_WAITING);
		break;
	case KVMW_EVENT_TIMER:
		use_self(w, p, CHAIN_LATE);
		break;
	case KVMW_EVENT_IRQ:
	case KVMW_EVENT_USERSPACE:
	case KVMW_EVENT_NESTED:
		of_time(w, p, sched);
		break;
	default:
		of_call(w, p, sched);
		break;
	}
	memcpy(w->chain->part_ns, p->ns, sizeof(p->ns));
	if (w->chain->event != KVMW_EVENT_TIMER)
		choose_gap(w, p);
	else
		w->chain->gap = CHAIN_LATE;
}
