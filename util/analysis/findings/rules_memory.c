// SPDX-License-Identifier: GPL-2.0
/* The rules of kvmw-findings(7) about page faults on guest memory. */
#include <stdio.h>
#include <string.h>

#include "util/analysis/findings/rules.h"
#include "util/analysis/taken_sums.h"

#define FAULTS_OF_ALL	5	/* percent of the time */
#define PAGE_SIZE	4096
#define MIB		(1 << 20)

static bool faults_stand_out(const struct facts *f)
{
	return facts__share(f, f->access[ACCESS_RAM].cost_ns) >= FAULTS_OF_ALL;
}

#define TAKEN_OF_FAULTS	4	/* a page for so many faults on pages, */
#define TAKEN_OF_ALL	100	/* and for so many of all, with those that come while memory is taken */

/* What took most of the memory that is faulted in again; NULL: it was not that. */
static const struct taken_sum *takes_most(const struct facts *f)
{
	const struct taken_sums *sums = f->rep->taken;
	u64 pages, faults = f->access[ACCESS_RAM].count;

	if (!sums || !sums->nr)
		return NULL;
	pages = taken_sum__guest(&sums->all) / PAGE_SIZE;
	return pages >= faults / TAKEN_OF_ALL && taken_sum__guest(&sums->line[0]) &&
	       pages >= (faults - (f->exits.again < faults ? f->exits.again : faults)) / TAKEN_OF_FAULTS ?
	       &sums->line[0] : NULL;
}

/* Of page faults; they may sleep meanwhile, as for a lock that is held by who takes the memory. */
static u64 time_of_faults(const struct facts *f)
{
	const struct report_row *row = &f->access[ACCESS_RAM];

	return sat_add(captured(row->cost_ns), captured(row->block_ns));
}

bool rules__taken(const struct facts *f)
{
	return facts__share(f, time_of_faults(f)) >= FAULTS_OF_ALL && f->access[ACCESS_RAM].count &&
	       takes_most(f) && !rules__migrating(f);
}

/* "KSM (ksmd)", "madvise by the VMM's thread balloon", "soft_dirty by process sh (pid 7)". */
static const char *who_takes(const struct taken_sum *t, char *buf, size_t size)
{
	if (t->kind == KVMW_taken_KERNEL)
		snprintf(buf, size, "%s (%s)", t->how, t->by);
	else if (t->kind == KVMW_taken_VMM)
		snprintf(buf, size, "%s by the VMM's thread%s%s", t->how,
			 strcmp(t->by, "vCPUs") ? " " : "s of ", t->by);
	else if (t->kind == KVMW_taken_PROCESS && t->pid != ~0U)
		snprintf(buf, size, "%s by process %s (pid %u)", t->how, t->by, t->pid);
	else
		snprintf(buf, size, "%s%s%s", t->how, *t->by ? " by " : "", t->by);
	return buf;
}

bool rule__taken(const struct facts *f, struct finding *finding)
{
	const struct report_row *row = &f->access[ACCESS_RAM];
	const struct taken_sum *t;
	char who[REFAULTS_HOW + THREAD_NAME_MAX + 64];

	if (!rules__taken(f))
		return false;
	t = takes_most(f);
	finding->share = facts__share(f, time_of_faults(f));
	finding__say(finding, "Page faults on guest memory took %.1f%% of the time, %.0f/s, probably because the host takes the memory "
		     "away again: %s, %.0f/s, %.3g MiB.", finding->share, facts__rate(f, row->count),
		     who_takes(t, who, sizeof(who)), facts__rate(f, t->count),
		     (double)taken_sum__guest(t) / MIB);
	finding__rests_on(finding, "count", row->count);
	finding__rests_on(finding, "cost_ns", row->cost_ns);
	finding__rests_on(finding, "block_ns", captured(row->block_ns));
	finding__rests_on(finding, "taken_count", t->count);
	finding__rests_on(finding, "taken_bytes", taken_sum__guest(t));
	finding__rests_on(finding, "taken_bytes_of_all", taken_sum__guest(&f->rep->taken->all));
	snprintf(finding->next, sizeof(finding->next), "kvmw report -e mmu");
	return true;
}

bool rule__protection(const struct facts *f, struct finding *finding)
{
	const struct report_row *row = &f->access[ACCESS_RAM];

	finding->share = facts__share(f, row->cost_ns);
	if (!faults_stand_out(f) || !facts__protection(f) || rules__migrating(f) || rules__taken(f))
		return false;
	finding__say(finding, "Page faults took %.1f%% of the time, %.0f/s, and %.0f%% of them were writes to pages that were "
		     "mapped read-only: probably dirty logging, of a migration or a backup.",
		     finding->share, facts__rate(f, row->count), 100.0 * f->protect / f->faults);
	finding__rests_on(finding, "faults", f->faults);
	finding__rests_on(finding, "of_protection", f->protect);
	finding__rests_on(finding, "cost_ns", row->cost_ns);
	finding__see_family(f, finding, KVMW_EVENT_DIRTY, "dirty");
	return true;
}

bool rule__faults(const struct facts *f, struct finding *finding)
{
	const struct report_row *row = &f->access[ACCESS_RAM];

	finding->share = facts__share(f, row->cost_ns);
	if (!faults_stand_out(f) || facts__protection(f) || rules__taken(f))
		return false;
	finding__say(finding, "Page faults on guest memory took %.1f%% of the time: %.0f/s, %.0f us each.", finding->share,
	    facts__rate(f, row->count), row->done ? row->cost_ns / 1e3 / row->done : 0);
	finding__rests_on(finding, "count", row->count);
	finding__rests_on(finding, "cost_ns", row->cost_ns);
	finding__see_family(f, finding, KVMW_EVENT_FAULT, "fault");
	return true;
}
