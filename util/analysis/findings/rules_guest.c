// SPDX-License-Identifier: GPL-2.0
/*
 * The rules of kvmw-findings(7) about what guests do that is not a matter of one port, address or
 * register: nested guests, system management, failures, page faults of a kind.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/analysis/findings/rules.h"
#include "util/analysis/host_facts.h"

#define NESTED_OF_ALL	5

/* How many of the exits of nested guests their own hypervisor got, in percent; exact: counted. */
static double forwarded(const struct facts *f, bool *exact)
{
	const struct vcpu_places *e = &f->exits;

	*exact = f->family.nested;
	if (*exact)
		return 100.0 * f->family.forwarded / f->family.nested;
	return e->enters < e->nested ? 100.0 * e->enters / e->nested : 100;
}

bool rule__nested(const struct facts *f, struct finding *finding)
{
	const struct vcpu_places *e = &f->exits;
	bool exact;
	double to_l1;

	finding->share = facts__share(f, sat_add(e->nested_ns, e->enters_ns));
	if (!e->nested || finding->share < NESTED_OF_ALL)
		return false;
	to_l1 = forwarded(f, &exact);
	finding__say(finding, "Exits of nested guests, and those by which their hypervisor runs them again, took "
		     "%.1f%% of the time: %.0f/s; %s%.0f%% of them went to that hypervisor. The nested guests "
		     "themselves ran for %.1f%%.", finding->share, facts__rate(f, e->nested), exact ? "" : "probably ",
		     to_l1, facts__share(f, e->nested_guest_ns));
	finding__rests_on(finding, "nested_exits", e->nested);
	finding__rests_on(finding, "nested_cost_ns", e->nested_ns);
	finding__rests_on(finding, "entries", e->enters);
	finding__rests_on(finding, "entries_cost_ns", e->enters_ns);
	finding__rests_on(finding, "forwarded_percent", to_l1);
	finding__see_family(f, finding, KVMW_EVENT_NESTED, "nested");
	return true;
}

#define SMI_RATE	10	/* a second */
#define SMI_OF_ALL	1
#define SMIS		10	/* as few are no habit */

bool rule__smis(const struct facts *f, struct finding *finding)
{
	const struct report_row *asked = &f->access[ACCESS_SMI];
	u64 count = sat_add(asked->count, f->smm.count);
	u64 cost = sat_add(captured(asked->cost_ns), captured(f->smm.cost_ns));

	finding->share = facts__share(f, cost);
	if (count < SMIS || (facts__rate(f, count) < SMI_RATE && finding->share < SMI_OF_ALL))
		return false;
	finding__say(finding, "System management interrupts took %.1f%% of the time: %.0f/s requests for one by the guest, "
		     "%.0f/s exits because of one or of its end.", finding->share, facts__rate(f, asked->count),
		     facts__rate(f, f->smm.count));
	finding__rests_on(finding, "requests", asked->count);
	finding__rests_on(finding, "exits", f->smm.count);
	finding__rests_on(finding, "cost_ns", cost);
	snprintf(finding->next, sizeof(finding->next), "kvmw report -s reason,detail,rip");
	return true;
}

/* The KVM_RUNs that failed for another reason than to let the VMM do something; *error: of most. */
static u64 failed_runs(const struct facts *f, u32 *error)
{
	const struct agg_table *all = &f->rep->rec->totals;
	u64 sum = 0, most = 0;

	if (f->rep->rec->window.active)
		return 0;
	for (u32 i = 0; i < all->table.nr; i++) {
		const struct agg *agg = agg_table__at(all, i);
		u32 reason = agg->key.reason;

		if (agg->key.event != KVMW_EVENT_USERSPACE || reason <= KVMW_REASON_ERRNO ||
		    reason == KVMW_REASON_OTHER || reason == KVMW_REASON_ERRNO + EINTR ||
		    reason == KVMW_REASON_ERRNO + EAGAIN ||
		    !report__selects(f->rep->rec, f->rep->opt, agg->key.vcpu))
			continue;
		sum = sat_add(sum, agg->total.count);
		if (agg->total.count <= most)
			continue;
		most = agg->total.count;
		*error = reason;
	}
	return sum;
}

bool rule__run_failed(const struct facts *f, struct finding *finding)
{
	static const char *const what[NR_RUN_FAILURES] = {
		[FAILURE_SHUTDOWN] = "KVM_EXIT_SHUTDOWN, as after a triple fault",
		[FAILURE_ENTRY] = "KVM_EXIT_FAIL_ENTRY: the CPU refused to run the guest in the state that it was in",
		[FAILURE_INTERNAL] = "KVM_EXIT_INTERNAL_ERROR: KVM could not go on, as with an instruction that it cannot emulate",
	};
	u32 first = NR_RUN_FAILURES, error = 0;
	char name[REASON_NAME_MAX];
	u64 sum = 0, failed = failed_runs(f, &error);

	for (u32 i = 0; i < NR_RUN_FAILURES; i++) {
		/* That is what rule triple-fault is about. */
		if (!f->exits.failed[i] || (i == FAILURE_SHUTDOWN && f->shutdown.count))
			continue;
		if (first == NR_RUN_FAILURES || f->exits.failed[i] > f->exits.failed[first])
			first = i;
		sum += f->exits.failed[i];
	}
	if (!sum && !failed)
		return false;
	finding->share = 100;
	if (sum)
		finding__say(finding, "KVM_RUN returned %llu time%s with %s.",
			     (unsigned long long)f->exits.failed[first],
			     f->exits.failed[first] == 1 ? "" : "s", what[first]);
	else
		finding__say(finding, "KVM_RUN failed %llu time%s, %s with %s.",
			     (unsigned long long)failed, failed == 1 ? "" : "s",
			     failed == 1 ? "" : "mostly",
			     reason_name(KVMW_ISA_NONE, error, name, sizeof(name)));
	finding__rests_on(finding, "returns", sum);
	finding__rests_on(finding, "failed", failed);
	snprintf(finding->next, sizeof(finding->next), "kvmw script");
	return true;
}

#define STUCK_FAULTS	100
#define STUCK_OF_FAULTS	50	/* percent of the faults of its vCPU */
#define STUCK_OF_ALL	1	/* percent of the time */

struct stuck {
	u32 vcpu;		/* an id */
	struct place place;	/* its count: 0, there is none */
	bool known;		/* that these faults mapped nothing */
	double share;
};

/* The page and instruction with the most faults, if these are most of its vCPU's. */
static struct stuck find_stuck(const struct facts *f)
{
	const struct report *rep = f->rep;
	struct stuck found = { .known = f->family.handled };
	u64 most = 0;

	for (u32 i = 0; f->places && i < f->places->vcpus.nr; i++) {
		const struct vcpu_places *v = hash_table__at(&f->places->vcpus, i);
		const struct vcpu_families *more = hash_table__find(&f->families->vcpus, &v->key);
		const struct place *place =
			found.known && more ? places__most(more->place) : places__most(v->fault);
		u64 faults = found.known && more ? more->handled : v->faults;

		if ((found.known && !more) || !report__selects(rep->rec, rep->opt, v->key.vcpu) ||
		    place->count < STUCK_FAULTS || place->count <= most ||
		    100.0 * place->count < (double)STUCK_OF_FAULTS * faults)
			continue;
		most = place->count;
		found.vcpu = v->key.vcpu;
		found.place = *place;
		found.share = f->faults ?
			      facts__share(f, f->access[ACCESS_RAM].cost_ns) * place->count /
			      f->faults : 0;
	}
	return found;
}

/* Protected pages fault as often as they are protected again; while memory is taken: none. */
static bool holds_stuck(const struct facts *f, const struct stuck *stuck)
{
	return stuck->place.count && stuck->share >= STUCK_OF_ALL &&
	       (stuck->known || !facts__protection(f)) && !rules__taken(f);
}

bool rule__no_progress(const struct facts *f, struct finding *finding)
{
	struct stuck stuck = find_stuck(f);
	char label[REPORT_LABEL_MAX];

	if (!holds_stuck(f, &stuck))
		return false;
	finding->share = stuck.share > 100 ? 100 : stuck.share;
	report__vcpu_label(f->rep, stuck.vcpu, f->rep->rec->nr_vms > 1, label, sizeof(label));
	finding__say(finding, "vCPU %s %s: %llu page faults of the instruction at rip %#llx on the page at gpa %#llx%s, "
		     "%.1f%% of the time.", label, stuck.known ? "makes no progress" : "probably makes no progress",
		     (unsigned long long)stuck.place.count, (unsigned long long)stuck.place.at,
		     (unsigned long long)stuck.place.gpa << 12,
		     stuck.known ? " mapped nothing" : "", finding->share);
	finding->instead_of = "page-faults";
	finding__rests_on(finding, "faults_there", stuck.place.count);
	finding__rests_on(finding, "faults", f->faults);
	finding__see_family(f, finding, KVMW_EVENT_FAULT, "fault");
	return true;
}

#define SMALL_OF_ALL	5	/* percent of the time */
#define SMALL_PAGES	64	/* of the 512 of a range: they fault one by one */
#define SMALL_RANGES	8	/* 16 MiB */

struct small_pages {
	u64 ranges, faults, pages;
};

static struct small_pages find_small(const struct facts *f)
{
	const struct report *rep = f->rep;
	struct small_pages sum = { 0 };

	for (u32 i = 0; f->places && i < f->places->ranges.nr; i++) {
		const struct fault_range_pages *r = hash_table__at(&f->places->ranges, i);
		u32 pages = fault_range_pages__nr(r);

		if (pages < SMALL_PAGES || !report__selects(rep->rec, rep->opt, r->key.vcpu))
			continue;
		sum.ranges++;
		sum.faults += r->faults;
		sum.pages += pages;
	}
	return sum;
}

/* Without huge pages, and most faults are of pages that had none before, beside one another. */
static bool holds_small(const struct facts *f, const struct small_pages *sum)
{
	const struct host_fact *thp =
		f->rep->host ? host_facts__find(f->rep->host, KVMW_host_THP) : NULL;

	return thp && !strcmp(thp->text, "never") && !facts__protection(f) &&
	       sum->ranges >= SMALL_RANGES && sum->faults * 2 >= f->faults &&
	       sum->pages * 2 >= sum->faults &&
	       facts__share(f, f->access[ACCESS_RAM].cost_ns) >= SMALL_OF_ALL;
}

bool rule__small_pages(const struct facts *f, struct finding *finding)
{
	const struct report_row *row = &f->access[ACCESS_RAM];
	struct small_pages sum = find_small(f);

	if (!holds_small(f, &sum))
		return false;
	finding->share = facts__share(f, row->cost_ns);
	finding->instead_of = "page-faults";
	finding__say(finding, "Page faults on guest memory took %.1f%% of the time, %.0f/s, most of them for 4 KiB pages "
		     "close together: %llu in %llu ranges of 2 MiB. Transparent huge pages are off on the host.",
		     finding->share, facts__rate(f, row->count), (unsigned long long)sum.pages,
		     (unsigned long long)sum.ranges);
	finding__rests_on(finding, "count", row->count);
	finding__rests_on(finding, "cost_ns", row->cost_ns);
	finding__rests_on(finding, "pages", sum.pages);
	finding__rests_on(finding, "ranges", sum.ranges);
	rules__say_memory(f, finding);
	snprintf(finding->next, sizeof(finding->next), "kvmw info -v");
	return true;
}
