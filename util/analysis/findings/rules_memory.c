// SPDX-License-Identifier: GPL-2.0
/* The rules of kvmw-findings(7) about page faults on guest memory. */
#include <stdio.h>
#include <string.h>

#include "util/analysis/findings/rules.h"
#include "util/analysis/host_facts.h"
#include "util/analysis/taken_sums.h"

#define FAULTS_OF_ALL	5	/* percent of the time */
#define PAGE_SIZE	4096
#define MIB		(1 << 20)

static bool faults_stand_out(const struct facts *f)
{
	return facts__share(f, f->access[ACCESS_RAM].cost_ns) >= FAULTS_OF_ALL;
}

#define TAKEN_OF_FAULTS	4	/* a page for so many faults on pages, */
/* and for so many of all, with those that come while memory is taken */
#define TAKEN_OF_ALL 100

/* What took most of the memory that is faulted in again; NULL: it was not that. */
static const struct taken_sum *takes_most(const struct facts *f)
{
	const struct taken_sums *sums = f->rep->taken;
	u64 pages, faults = f->access[ACCESS_RAM].count;

	if (!sums || !sums->nr)
		return NULL;
	pages = taken_sum__guest(&sums->all) / PAGE_SIZE;
	return pages >= faults / TAKEN_OF_ALL && taken_sum__guest(&sums->line[0]) &&
	       pages >= (faults - (f->exits.again < faults ? f->exits.again : faults)) /
			TAKEN_OF_FAULTS ?
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

u64 rules__other_sleep(const struct facts *f)
{
	u64 all = f->rep->whole.block_ns, of_faults = captured(f->access[ACCESS_RAM].block_ns);

	all = captured(all);
	return !rules__taken(f) ? all : all > of_faults ? all - of_faults : 0;
}

#define SLOTS_MAX	512	/* of the VM; of one with more it is not said which one */

struct touched {
	u64 pages, ranges;
	/* with most of the pages; NULL: unknown, or of several VMs */
	const struct kvmw_slot *slot;
	u64 of_slot;
};

/* Pages of the ranges that begin in this slot; of all: NULL. */
static u64 pages_in(const struct facts *f, const struct kvmw_slot *slot, u64 *ranges)
{
	u64 pages = 0;

	for (u32 i = 0; f->places && i < f->places->ranges.nr; i++) {
		const struct fault_range_pages *r = hash_table__at(&f->places->ranges, i);

		if ((slot && fault_range_pages__first(r) - slot->gpa >= slot->size) ||
		    !report__selects(f->rep->rec, f->rep->opt, r->key.vcpu))
			continue;
		++*ranges;
		pages += fault_range_pages__nr(r);
	}
	return pages;
}

static struct touched find_touched(const struct facts *f)
{
	struct touched t = { 0 };
	u64 ranges = 0;

	t.pages = pages_in(f, NULL, &t.ranges);
	for (u32 i = 0; f->rep->rec->nr_vms == 1 && i < f->slots.nr; i++) {
		const struct slot_list *vm = &f->slots.vm[i];

		if (vm->pid != f->rep->rec->vm[0].pid || !vm->alone || vm->nr > SLOTS_MAX)
			continue;
		for (u32 k = 0; k < vm->nr; k++) {
			const struct kvmw_slot *slot = vm->slot[k];
			/* That of system management is another view of the same memory. */
			bool counts = !(slot->slot >> 16) && slot->gpa != KVMW_NONE &&
				      slot->size != KVMW_NONE;
			u64 pages = counts ? pages_in(f, slot, &ranges) : 0;

			if (pages <= t.of_slot)
				continue;
			t.of_slot = pages;
			t.slot = slot;
		}
	}
	return t;
}

static u32 pid_of_vcpu(const struct facts *f, u32 id)
{
	const struct rec_vcpu *vcpu = recording__vcpu(f->rep->rec, id);
	const struct rec_vm *vm = vcpu ? recording__vm(f->rep->rec, vcpu->vm) : NULL;

	return vm ? vm->pid : ~0U;
}

/* Of the only process of the report; NULL: there are several, or it is unknown. */
static const struct process_memory *only_memory(const struct facts *f)
{
	const struct process_memory *found = NULL;

	for (u32 i = 0; i < f->memory.nr; i++)
		for (u32 k = 0; k < f->rep->nr_vcpus; k++) {
			const struct process_memory *m = &f->memory.process[i];

			if (pid_of_vcpu(f, f->rep->vcpu[k].id) != m->row->pid || m == found)
				continue;
			if (found)
				return NULL;
			found = m;
		}
	return found;
}

/* " 0.0% of the VMM's anonymous memory, 34 MiB, is in huge pages." */
static void say_huge(const struct facts *f, const struct process_memory *m, struct finding *finding)
{
	const struct host_fact *thp =
		f->rep->host ? host_facts__find(f->rep->host, KVMW_host_THP) : NULL;
	const struct kvmw_vm_memory *row = m->row;

	if (row->hugetlb_bytes != KVMW_NONE && row->hugetlb_bytes) {
		finding__add(finding, " %.3g MiB of the VMM's memory are pages of hugetlbfs.",
			     (double)row->hugetlb_bytes / MIB);
		finding__rests_on(finding, "hugetlb_bytes", row->hugetlb_bytes);
	}
	if (captured(row->anon_bytes) && row->anon_huge_bytes != KVMW_NONE) {
		finding__add(finding, " %.1f%% of the VMM's anonymous memory, %.3g MiB, was in huge pages%s%.40s%s.",
			     100.0 * row->anon_huge_bytes / row->anon_bytes,
			     (double)row->anon_bytes / MIB,
			     thp && *thp->text ? " (transparent_hugepage: " : "",
			     thp ? thp->text : "", thp && *thp->text ? ")" : "");
		finding__rests_on(finding, "anon_huge_percent",
				  100.0 * row->anon_huge_bytes / row->anon_bytes);
	}
}

/* " It is on NUMA nodes 0 (60%) and 1 (40%).": where it is on several. */
static void say_memory_nodes(const struct process_memory *m, struct finding *finding)
{
	u64 all = 0;

	for (u32 i = 0; i < m->nr_nodes; i++)
		all = sat_add(all, captured(m->node[i]->bytes));
	for (u32 i = 0; all && m->nr_nodes > 1 && i < m->nr_nodes; i++)
		finding__add(finding, "%s%u (%.0f%%)%s",
			     i ? ", " : " Its memory is on the NUMA nodes ", m->node[i]->node,
			     100.0 * captured(m->node[i]->bytes) / all,
			     i + 1 == m->nr_nodes ? "." : "");
}

void rules__say_memory(const struct facts *f, struct finding *finding)
{
	const struct process_memory *m = only_memory(f);
	struct touched t = find_touched(f);

	if (t.slot) {
		finding__add(finding, " %.0f%% of the pages are in memory slot %u, gpa "
			     "%#llx to %#llx.", 100.0 * t.of_slot / t.pages, t.slot->slot & 0xffff,
			     (unsigned long long)t.slot->gpa,
			     (unsigned long long)(t.slot->gpa + t.slot->size - 1));
		finding__rests_on(finding, "of_one_slot", t.of_slot);
	}
	if (!m)
		return;
	say_huge(f, m, finding);
	say_memory_nodes(m, finding);
}

/* " They were on 10090 pages, 39.4 MiB, nearly all of them the first on their page." */
static void say_pages(const struct facts *f, struct finding *finding)
{
	struct touched t = find_touched(f);

	if (!t.pages || !f->faults)
		return;
	finding__add(finding, " They were on %llu pages of 4 KiB, %.3g MiB, %.1f faults "
		     "for each: %s.", (unsigned long long)t.pages, (double)t.pages * PAGE_SIZE / MIB,
		     (double)f->faults / t.pages,
		     f->faults * 10 <= t.pages * 11 ? "probably its first touch" :
		     "some came back");
	finding__rests_on(finding, "pages", t.pages);
	finding__rests_on(finding, "ranges", t.ranges);
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
	finding__say(finding,
		     "Page faults on guest memory took %.1f%% of the time: %.0f/s, %.0f us each.",
		     finding->share, facts__rate(f, row->count),
		     row->done ? row->cost_ns / 1e3 / row->done : 0);
	finding__rests_on(finding, "count", row->count);
	finding__rests_on(finding, "cost_ns", row->cost_ns);
	say_pages(f, finding);
	rules__say_memory(f, finding);
	finding__see_family(f, finding, KVMW_EVENT_FAULT, "fault");
	return true;
}
