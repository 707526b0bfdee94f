// SPDX-License-Identifier: GPL-2.0
/* What made an outlier long, in words; and what is not known of that, and why. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/analysis/chain/internal.h"
#include "util/arch/reason.h"

static void cause__say(struct chain *chain, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void cause__say(struct chain *chain, const char *fmt, ...)
{
	size_t len = strlen(chain->cause);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(chain->cause + len, sizeof(chain->cause) - len, fmt, ap);
	va_end(ap);
}

static void not_known(struct chain *chain, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void not_known(struct chain *chain, const char *fmt, ...)
{
	va_list ap;

	if (chain->nr_unknown == CHAIN_GAPS)
		return;
	va_start(ap, fmt);
	vsnprintf(chain->unknown[chain->nr_unknown++], CHAIN_CAUSE, fmt, ap);
	va_end(ap);
}

bool chain_context__has(const struct chain_context *c, u32 event)
{
	return c->rec->event_rows[event] ||
	       report__was_asked_for(c->rec, event_desc__by_id(event)->name);
}

/* How to learn more if the rows for it are missing: the family was not recorded, or else. */
static const char *way_out(const struct chain_context *c, const struct chain *chain, u32 event,
			   char *buf, size_t size)
{
	const char *name = event_desc__by_id(event)->name;

	if (c->rec->meta.skipped[event])
		snprintf(buf, size, "event %s could not be recorded: %s", name,
			 c->rec->meta.skipped[event]);
	else if (!chain_context__has(c, event))
		snprintf(buf, size, "record with -e %s", name);
	else if (chain->lost)
		snprintf(buf, size, "records of this time were lost");
	else if (c->rec->meta.selective)
		snprintf(buf, size, "it was recorded with %s, which may have filtered it",
			 c->rec->meta.filter_words ?: "filters");
	else
		snprintf(buf, size, "the recording has no event %s of it", name);
	return buf;
}

/* "CPU 3", or "a CPU". */
static const char *cpu_name(u32 cpu, char *buf, size_t size)
{
	if (cpu == NO_ID)
		snprintf(buf, size, "a CPU");
	else
		snprintf(buf, size, "CPU %u", cpu);
	return buf;
}

/*
 * The certain ones come first: "which vCPU 1 (122) had for 13.680 ms; hog (15) had it when 8.000 ms
 * of the wait began and ended".
 */
static void say_holders(struct chain *chain)
{
	char ns[CHAIN_NS_MAX];

	for (u32 i = 0; i < chain->nr_holders; i++) {
		const struct chain_holder *h = &chain->holder[i];

		chain_words__ns(h->time_ns, ns);
		if (h->certain)
			cause__say(chain, "%s%s%s %s", i ? ", " : ", which ", h->name,
				   i ? "" : " had for", ns);
		else if (h->stretches == 1)
			cause__say(chain, "; %s had it when %s of the wait began and ended", h->name, ns);
		else
			cause__say(chain,
				   "; %s had it when each of %u parts, %s in all, began and ended",
				   h->name, h->stretches, ns);
	}
	if (chain->others_ns)
		cause__say(chain, "; further threads had it when %s of the wait began and ended",
			   chain_words__ns(chain->others_ns, ns));
	if (*chain->last_holder)
		cause__say(chain, "; %s had it at the end", chain->last_holder);
}

static void say_wait(const struct chain_context *c, struct chain_work *w,
		     const struct chain_parts *p)
{
	const struct chain_row *row = p->row[CHAIN_WAITING];
	struct chain *chain = w->chain;
	char cpu[32], waited[CHAIN_NS_MAX], had[CHAIN_NS_MAX], out[CHAIN_CAUSE - 64];

	if (row && row->event == KVMW_EVENT_SCHED)
		chain_work__find_holders(c, w, row);
	else
		row = NULL;
	cause__say(chain, "waited %s for %s",
		   chain_words__ns(row ? row->span_ns : p->ns[CHAIN_WAITING], waited),
		   cpu_name(chain->wait_cpu, cpu, sizeof(cpu)));
	if (row && p->ns[CHAIN_WAITING] > row->span_ns + row->span_ns / 100)
		cause__say(chain, " (in all %s for CPUs)",
			   chain_words__ns(p->ns[CHAIN_WAITING], had));
	say_holders(chain);
	if (!chain->nr_holders && !*chain->last_holder)
		not_known(chain, "who had it then is unknown: %s",
			  way_out(c, chain, KVMW_EVENT_SCHED, out, sizeof(out)));
	else if (row && row->span_ns > chain->certain_ns + row->span_ns / 100)
		not_known(chain, "who had it for the %s%s is unknown: %s",
			  chain->certain_ns ? "other " : "",
			  chain_words__ns(row->span_ns - chain->certain_ns, had),
			  w->misses_switches ? "there were more switches than kvmw looks at" :
			  chain->lost ? "records of this time were lost" :
			  "threads of no VM are not followed");
}

/* Of a sleep: who ended it. */
static void say_sleep(const struct chain_context *c, struct chain_work *w,
		      const struct chain_parts *p, enum chain_part part)
{
	const struct chain_row *row = p->row[part];
	struct chain *chain = w->chain;
	u64 waker = KVMW_NONE, ns = p->ns[part];
	u32 event = part == CHAIN_HALTED ? KVMW_EVENT_HALT : KVMW_EVENT_SCHED;
	char slept[CHAIN_NS_MAX], who[CHAIN_NAME], out[CHAIN_CAUSE - 64];

	if (row && row->event == KVMW_EVENT_SCHED)
		waker = row->v[SCHED_OTHER];
	else if (row && row->event == KVMW_EVENT_HALT)
		waker = row->v[HALT_WAKER];
	if (part == CHAIN_HALTED && w->self.event == KVMW_EVENT_EXIT)
		ns = w->self.v[EXIT_POLL];
	chain_words__ns(ns, slept);
	if (part == CHAIN_HALTED && w->self.event == KVMW_EVENT_EXIT) {
		cause__say(chain, "halted: polled %s for an interrupt", slept);
		return;
	}
	if (w->self.event == KVMW_EVENT_HALT && p->ns[CHAIN_WAITING] == KVMW_NONE)
		not_known(chain, "how much of it was a wait for a CPU is unknown: %s",
			  way_out(c, chain, KVMW_EVENT_SCHED, out, sizeof(out)));
	cause__say(chain,
		   part == CHAIN_HALTED ? "was halted for %s" : "was asleep for %s, not halted",
		   slept);
	if (row && row->event == KVMW_EVENT_HALT && row->v[HALT_SLEPT] == 0) {
		cause__say(chain, ", and polled all that time");
		return;
	}
	if (!waker)
		cause__say(chain, ", until an interrupt woke it");
	else if (waker != KVMW_NONE) {
		chain_words__thread(c, waker, who, sizeof(who));
		cause__say(chain, ", until %s woke it", who);
	} else {
		not_known(chain, "who woke it is unknown: %s",
			  way_out(c, chain, event, out, sizeof(out)));
	}
}

/* Of a cycle, "KVM_EXIT_IO, port 0x3f8": what the VMM was to do. */
static void say_vmm(const struct chain_context *c, struct chain_work *w,
		    const struct chain_parts *p)
{
	const struct chain_row *row = p->row[CHAIN_VMM];
	char ns[CHAIN_NS_MAX], user[REASON_NAME_MAX], what[CHAIN_WORDS];
	u64 reason = KVMW_NONE;

	if (p->ns[CHAIN_VMM] != KVMW_NONE)
		cause__say(w->chain, "was in the VMM for %s",
			   chain_words__ns(p->ns[CHAIN_VMM], ns));
	else
		cause__say(w->chain, "was in the VMM, and did not return to the guest");
	if (row && row->event == KVMW_EVENT_EXIT)
		reason = row->v[EXIT_USER_REASON];
	else if (row && row->event == KVMW_EVENT_USERSPACE)
		reason = row->v[USER_REASON];
	if (reason != KVMW_NONE)
		cause__say(w->chain, ": %s",
			   reason_name(KVMW_ISA_NONE, reason, user, sizeof(user)));
	if (row && row->event == KVMW_EVENT_EXIT) {
		chain_words__exit(c, row, what, sizeof(what));
		cause__say(w->chain, ", %s", what);
	}
}

static void say_kvm(const struct chain_context *c, struct chain_work *w,
		    const struct chain_parts *p)
{
	const struct chain_row *row = p->row[CHAIN_KVM], *fault = NULL;
	char ns[CHAIN_NS_MAX], what[CHAIN_WORDS] = "", out[CHAIN_CAUSE - 64];
	bool call = row && row->event != KVMW_EVENT_EXIT;

	for (u32 i = 0; i < w->nr_rows; i++)
		if (w->row[i].event == KVMW_EVENT_FAULT && chain_work__is_own(w, &w->row[i]) &&
		    captured(w->row[i].span_ns) >= p->ns[CHAIN_KVM] / 2)
			fault = &w->row[i];
	if (call)
		chain_words__row(c, row, CHAIN_SELF, what, sizeof(what));
	else if (row)
		chain_words__exit(c, row, what, sizeof(what));
	cause__say(w->chain, "was in %s for %s: %s", call ? "the kernel" : "KVM",
		   chain_words__ns(p->ns[CHAIN_KVM], ns), what);
	if (fault) {
		chain_words__row(c, fault, CHAIN_AROUND, what, sizeof(what));
		cause__say(w->chain, "; %s", what);
	} else if (row && !call && detail_is_fault(row->v[EXIT_DETAIL_KIND])) {
		not_known(w->chain, "how KVM handled the page fault is unknown: %s",
			  way_out(c, w->chain, KVMW_EVENT_FAULT, out, sizeof(out)));
	}
}

/* Of an outlier that had no end: whether its thread was on a CPU at last. */
static void say_where_it_is(struct chain_work *w)
{
	const struct chain_row *last = NULL;
	char ns[CHAIN_NS_MAX];

	for (u32 i = 0; i < w->nr_rows; i++)
		if (w->row[i].event == KVMW_EVENT_SCHED && chain_work__is_own(w, &w->row[i]) &&
		    (!last || w->row[i].time_ns >= last->time_ns))
			last = &w->row[i];
	if (last && last->kind == KVMW_sched_OUT)
		cause__say(w->chain, "; its thread %s after %s",
			   last->v[SCHED_STATE] ? "fell asleep" : "lost its CPU",
			   chain_words__ns(last->time_ns - w->chain->start_ns, ns));
}

static void say_nothing_known(const struct chain_context *c, struct chain_work *w)
{
	static const u32 tell[] = { KVMW_EVENT_EXIT, KVMW_EVENT_SCHED };
	u32 reason = w->self.event == KVMW_EVENT_EXIT ? EXIT_USER_REASON : USER_REASON;
	char out[CHAIN_CAUSE - 64], name[REASON_NAME_MAX];

	cause__say(w->chain, !w->chain->open ? "what took the time is unknown" :
		   w->chain->end_ns < recording__end(c->rec) ?
		   "had not ended when its vCPU was gone" : "had not ended when the recording did");
	if (w->chain->open && w->self.v[reason] != KVMW_NONE)
		cause__say(w->chain, "; it was in the VMM, for %s",
		    reason_name(KVMW_ISA_NONE, w->self.v[reason], name, sizeof(name)));
	if (w->chain->open)
		say_where_it_is(w);
	if (w->self.event == KVMW_EVENT_EXIT && !w->chain->open)
		not_known(w->chain, "the recording, of an older kvmw, has no parts of cycles");
	if (chain_context__has(c, KVMW_EVENT_SCHED) && !w->has_switches &&
	    w->self.event != KVMW_EVENT_EXIT)
		not_known(w->chain, "whether its thread ran, waited or slept is unknown: no switch of it was recorded around then");
	for (u32 i = 0; i < ARRAY_SIZE(tell); i++)
		if (!chain_context__has(c, tell[i]))
			not_known(w->chain, "what its thread did then is unknown: %s",
				  way_out(c, w->chain, tell[i], out, sizeof(out)));
}

static void cause__count_lost(const struct recording *rec, struct chain *chain)
{
	for (u32 i = 0; i < rec->nr_losses; i++)
		if (rec->loss[i].first_ns <= chain->end_ns &&
		    rec->loss[i].last_ns >= chain->start_ns)
			chain->lost = sat_add(chain->lost, rec->loss[i].count);
}

void chain_work__say_cause(const struct chain_context *c, struct chain_work *w,
			   const struct chain_parts *p)
{
	struct chain *chain = w->chain;
	char ns[CHAIN_NS_MAX];

	cause__count_lost(c->rec, chain);
	/* Its parts are of more than what it is an outlier by. */
	if (w->expired.event && chain->event == KVMW_EVENT_IRQ && chain->gap < NR_CHAIN_PARTS)
		cause__say(chain, "in the %s since its timer was due: ",
			   chain_words__ns(chain->end_ns - w->expired.from_ns, ns));
	switch (chain->gap) {
	case CHAIN_GUEST:
		cause__say(chain, "was in the guest for %s without an exit",
			   chain_words__ns(p->ns[CHAIN_GUEST], ns));
		break;
	case CHAIN_KVM:
		say_kvm(c, w, p);
		break;
	case CHAIN_VMM:
		say_vmm(c, w, p);
		break;
	case CHAIN_HALTED:
	case CHAIN_BLOCKED:
		say_sleep(c, w, p, chain->gap);
		break;
	case CHAIN_WAITING:
		say_wait(c, w, p);
		break;
	case CHAIN_THROTTLED:
		cause__say(chain, "was throttled for %s: the quota of its cgroup was used up",
		    chain_words__ns(p->ns[CHAIN_THROTTLED], ns));
		break;
	case CHAIN_LATE:
		cause__say(chain, "the host ran the timer %s late",
			   chain_words__ns(p->ns[CHAIN_LATE], ns));
		not_known(chain, "why it was late is unknown: when the host's CPUs had interrupts disabled is not recorded");
		break;
	default:
		say_nothing_known(c, w);
		break;
	}
}
