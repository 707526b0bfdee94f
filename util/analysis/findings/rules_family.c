// SPDX-License-Identifier: GPL-2.0
/*
 * The rules of kvmw-findings(7) about events that were recorded besides exits, about halts that
 * polling just missed, and about events that are missing.
 */
#include <stdio.h>
#include <string.h>

#include "util/analysis/findings/rules.h"
#include "util/array.h"

#define LATE		10	/* as few are chance */
#define LATE_OF_ALL	10	/* percent of the interrupts */

bool rule__late_injection(const struct facts *f, struct finding *finding)
{
	const struct vcpu_families *s = &f->family;
	double share = facts__share(f, s->late_ns);

	if (s->late < LATE || 100.0 * s->late < (double)LATE_OF_ALL * s->injections)
		return false;
	/* Several wait at a time. */
	finding->share = share > 100 ? 100 : share;
	finding__say(finding, "%.0f%% of the interrupts waited for %d ms or longer until they were injected, after the local "
		     "APIC had accepted them: %.1f ms on average, one %.1f ms.", 100.0 * s->late / s->injections,
		     INJECTION_LONG / 1000000, s->late_ns / 1e6 / s->late, s->late_max_ns / 1e6);
	finding__rests_on(finding, "injections", s->injections);
	finding__rests_on(finding, "late", s->late);
	finding__rests_on(finding, "late_ns", s->late_ns);
	finding__rests_on(finding, "max_ns", s->late_max_ns);
	finding__see_family(f, finding, KVMW_EVENT_IRQ, "irq");
	return true;
}

/* Where a thread is on its way out of the kernel, it did not sleep: another one had its CPU. */
static bool is_preempted(const char *frame)
{
	static const char *const ways_out[] = {
		"exit_to_user_mode", "xfer_to_guest_mode", "irqentry_exit", "preempt_schedule", "syscall_exit_to_user_mode",
		"__cond_resched", "prepare_exit_to_usermode",
	};

	for (size_t i = 0; i < ARRAY_SIZE(ways_out); i++)
		if (!strncmp(frame, ways_out[i], strlen(ways_out[i])))
			return true;
	return false;
}

const char *rules__most_stack(const struct facts *f, char *buf)
{
	const char *most = NULL;
	u64 most_ns = 0;

	*buf = '\0';
	for (u32 i = 0; i < NR_PLACES; i++) {
		const struct place *p = &f->family.stack[i];
		const struct rec_stack *stack = p->count && p->at <= INT32_MAX ?
						recording__stack(f->rep->rec, p->at) : NULL;

		if (!stack || !stack->nr || p->count <= most_ns || is_preempted(stack->frame[0]) ||
		    rules__is_halted(stack->frame[0]))
			continue;
		most = stack->frame[0];
		most_ns = p->count;
	}
	/* Without the offset, and the module. */
	if (most && strcspn(most, "+ ") <= 64)
		snprintf(buf, RULES_STACK, "; by the recorded stacks, most in %.*s",
			 (int)strcspn(most, "+ "), most);
	return buf;
}

#define PAGE_BYTES	4096
#define DIRTY_RATE	125e6	/* bytes a second: what 1 Gbit/s carries */

bool rule__dirty_rate(const struct facts *f, struct finding *finding)
{
	double rate = facts__rate(f, f->logged) * PAGE_BYTES;
	const struct report_row *row = &f->access[ACCESS_RAM];

	if (rate < DIRTY_RATE)
		return false;
	finding->share = facts__protection(f) ? facts__share(f, row->cost_ns) : 0;
	finding__say(finding, "The guest dirtied %.0f MB of its memory a second: a migration that sends less than that, "
		     "%.1f Gbit/s, will not end while the guest runs.", rate / 1e6, rate * 8 / 1e9);
	finding__rests_on(finding, "pages", f->logged);
	finding__rests_on(finding, "bytes_per_second", rate);
	snprintf(finding->next, sizeof(finding->next), "kvmw report -e dirty");
	return true;
}

#define THRASH_RATE	10	/* each vCPU, a second, each way */
#define THRASH_OF_ALL	1

bool rule__window_thrashes(const struct facts *f, struct finding *finding)
{
	const struct vcpu_families *s = &f->family;
	u64 poll_ns = f->rep->whole.poll_ns;

	finding->share = facts__share(f, poll_ns);
	if (!f->vcpus || finding->share < THRASH_OF_ALL ||
	    facts__rate(f, s->grew) / f->vcpus < THRASH_RATE ||
	    facts__rate(f, s->shrank) / f->vcpus < THRASH_RATE)
		return false;
	finding__say(finding, "The window of halt polling grows and shrinks all the time, %.0f and %.0f times a second per "
		     "vCPU, and polling took %.1f%% of the time.", facts__rate(f, s->grew) / f->vcpus,
		     facts__rate(f, s->shrank) / f->vcpus, finding->share);
	finding__rests_on(finding, "grew", s->grew);
	finding__rests_on(finding, "shrank", s->shrank);
	finding__rests_on(finding, "poll_ns", poll_ns);
	finding__see_family(f, finding, KVMW_EVENT_HALT, "halt");
	return true;
}

#define MISS_RATE	100	/* each vCPU, a second */
#define MISS_OF_ALL	1

bool rule__window_short(const struct facts *f, struct finding *finding)
{
	const struct vcpu_places *e = &f->exits;

	finding->share = facts__share(f, e->just_missed_ns);
	if (!f->vcpus || finding->share < MISS_OF_ALL || e->just_missed * 2 < e->polls ||
	    facts__rate(f, e->just_missed) / f->vcpus < MISS_RATE)
		return false;
	finding__say(finding, "Halt polling ended too early in %.0f%% of %.0f halts a second: they ended after it, but within "
		     "as much time again. This polling took %.1f%% of the time.", 100.0 * e->just_missed / e->polls,
		     facts__rate(f, e->polls), finding->share);
	finding__rests_on(finding, "polls", e->polls);
	finding__rests_on(finding, "just_missed", e->just_missed);
	finding__rests_on(finding, "just_missed_ns", e->just_missed_ns);
	finding__see_family(f, finding, KVMW_EVENT_HALT, "halt");
	return true;
}

#define MISSED_OF_ALL	1

/* The recorder's notes say what the kernel did not let its programs see. */
static u64 find_missed(const struct recording *rec)
{
	unsigned long long nr, most = 0;

	for (u32 i = 0; i < rec->meta.notes.nr; i++)
		if (sscanf(rec->meta.notes.text[i], "missed up to %20llu ", &nr) == 1 && nr > most)
			most = nr;
	return most;
}

bool rule__missed(const struct facts *f, struct finding *finding)
{
	u64 missed = find_missed(f->rep->rec), count = f->rep->total.count;

	if (!count || 100.0 * missed < (double)MISSED_OF_ALL * count)
		return false;
	finding__say(finding, "Up to %llu events were missed, while %llu exits were counted: counts and times may be too "
		     "small.", (unsigned long long)missed, (unsigned long long)count);
	finding__rests_on(finding, "missed", missed);
	finding__rests_on(finding, "exits", count);
	snprintf(finding->next, sizeof(finding->next), "kvmw info");
	return true;
}
