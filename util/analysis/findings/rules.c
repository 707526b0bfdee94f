// SPDX-License-Identifier: GPL-2.0
/* The rules of kvmw-findings(7): about exits, and the list of all. */
#include <stdio.h>
#include <string.h>

#include "util/analysis/findings/rules.h"
#include "util/analysis/vm_threads.h"
#include "util/array.h"

#define VMM_OF_ALL	10

static bool vmm_stands_out(const struct facts *f)
{
	const struct report_whole *w = &f->rep->whole;

	return facts__share(f, w->vmm_ns) >= VMM_OF_ALL && w->vmm_ns >= w->kvm_ns;
}

/* Whether most of the VMM's time was for this. */
static bool occupies_vmm(const struct facts *f, const struct report_row *row)
{
	return row->user_ns != KVMW_NONE && row->user_ns >= f->rep->whole.vmm_ns / 2;
}

#define NOTIFY_OF_ALL	3

/* What takes most of the VMM's time are notifications of a virtio queue. */
static bool notifies_vmm(const struct facts *f)
{
	const struct report_row *top = f->top_vmm;

	return top && occupies_vmm(f, top) && facts__share(f, top->cost_ns) >= NOTIFY_OF_ALL &&
	       access_is_probably_notify(top->key[1].v[0], top->key[1].v[1]);
}

static bool no_ioeventfd(const struct facts *f, struct finding *finding)
{
	const struct report_row *top = f->top_vmm;

	if (!notifies_vmm(f))
		return false;
	finding->share = facts__share(f, top->cost_ns);
	finding__say(finding, "%s is probably how the guest notifies a virtio device, and goes to the VMM: %.0f/s, "
		     "%.1f%% of the time. If so, an ioeventfd would take it in KVM.", top->label[0],
		     facts__rate(f, top->count), finding->share);
	finding__rests_on(finding, "count", top->count);
	finding__rests_on(finding, "cost_ns", top->cost_ns);
	finding__rests_on(finding, "vmm_ns", captured(top->user_ns));
	snprintf(finding->next, sizeof(finding->next), "kvmw report -s reason,detail");
	return true;
}

#define CONSTANT	1.25	/* p90 / p50, p50 / mean */

/* Exits that take as long each time keep the VMM busy; they do not wait for anything. */
static bool is_constant(const struct report_row *row)
{
	return captured(row->p50_ns) && captured(row->mean_ns) &&
	       row->p90_ns <= CONSTANT * row->p50_ns && row->p50_ns <= CONSTANT * row->mean_ns;
}

static bool vmm_is_slow(const struct facts *f, struct finding *finding)
{
	u64 vmm = f->rep->whole.vmm_ns;
	const struct report_row *top = f->top_vmm;

	finding->share = facts__share(f, vmm);
	if (!vmm_stands_out(f) || notifies_vmm(f))
		return false;
	if (top && occupies_vmm(f, top))
		finding__say(finding, "The VMM took %.1f%% of the time, mostly for %s: %.0f/s, %.0f us of the VMM each%s.",
		    finding->share, top->label[0], facts__rate(f, top->count),
		    top->done ? top->user_ns / 1e3 / top->done : 0,
		    is_constant(top) ? ", about as long each time" : "");
	else
		finding__say(finding, "The VMM took %.1f%% of the time.", finding->share);
	finding__rests_on(finding, "vmm_ns", vmm);
	if (top) {
		finding__rests_on(finding, "of_one_detail_ns", captured(top->user_ns));
		finding__rests_on(finding, "exit_p50_ns", captured(top->p50_ns));
		finding__rests_on(finding, "exit_p90_ns", captured(top->p90_ns));
	}
	snprintf(finding->next, sizeof(finding->next), "kvmw report -s reason,detail");
	return true;
}

#define ONE_OF_ALL	5	/* of the time */
#define ONE_OF_COST	50	/* of what all exits cost */

/* What a better rule says is not said again. */
static bool is_told(const struct facts *f, const struct report_row *row)
{
	const char *device;
	enum access_class class = access_class(row->key[1].v[0], row->key[1].v[1], &device);

	return (class >= ACCESS_CLOCK && class <= ACCESS_EOI) ||
	       (vmm_stands_out(f) && occupies_vmm(f, row)) ||
	       (notifies_vmm(f) && row == f->top_vmm);
}

static bool one_detail(const struct facts *f, struct finding *finding)
{
	const struct report_row *row = f->top;
	u64 all = f->rep->total.cost_ns;

	if (!row || all == KVMW_NONE || row->cost_ns == KVMW_NONE || is_told(f, row))
		return false;
	finding->share = facts__share(f, row->cost_ns);
	if (finding->share < ONE_OF_ALL || 100.0 * row->cost_ns < (double)ONE_OF_COST * all)
		return false;
	finding__say(finding, "%s is behind %.0f%% of what all exits cost, and took %.1f%% of the time: %.0f/s.",
	    row->label[0], 100.0 * row->cost_ns / all, finding->share, facts__rate(f, row->count));
	/* Of what has another cause most exits may be about one thing all the same. */
	finding->only_first = true;
	finding__rests_on(finding, "cost_ns", row->cost_ns);
	finding__rests_on(finding, "count", row->count);
	snprintf(finding->next, sizeof(finding->next), "kvmw report -s reason,detail");
	return true;
}

#define CLOCK_OF_ALL	1

static bool clock_exits(const struct facts *f, struct finding *finding)
{
	const struct report_row *row = &f->access[ACCESS_CLOCK];

	finding->share = facts__share(f, row->cost_ns);
	if (!f->clock || finding->share < CLOCK_OF_ALL || row->count * 10 < f->rep->total.recorded)
		return false;
	finding__say(finding,
		     "Each read of the guest's clock, the %s, exits: %.0f/s, %.1f%% of the time.",
		     f->clock, facts__rate(f, row->count), finding->share);
	finding__rests_on(finding, "count", row->count);
	finding__rests_on(finding, "cost_ns", row->cost_ns);
	snprintf(finding->next, sizeof(finding->next), "kvmw report -s detail");
	return true;
}

#define STORM_OF_ALL	3	/* of the time */
#define STORM_RATE	500	/* each vCPU, a second: more than a tick */
#define SLOW_STORM_RATE	250	/* likewise; a tick is as frequent: if it takes */
#define SLOW_STORM_OF_ALL	10	/* of the time */

static bool storm(const struct facts *f, enum access_class class, const char *what,
		  struct finding *finding)
{
	const struct report_row *row = &f->access[class];
	double rate = f->vcpus ? facts__rate(f, row->count) / f->vcpus : 0;
	char words[DEADLINE_WORDS];

	finding->share += facts__share(f, row->cost_ns);
	if (finding->share < STORM_OF_ALL ||
	    rate < (finding->share < SLOW_STORM_OF_ALL ? STORM_RATE : SLOW_STORM_RATE))
		return false;
	finding__say(finding, "%s: %.0f a second per vCPU, one every %s, %.1f%% of the time.", what,
		     rate, deadlines__words(1e9 / rate, words), finding->share);
	finding__rests_on(finding, "count", row->count);
	finding__rests_on(finding, "rate_of_a_vcpu", rate);
	finding__rests_on(finding, "cost_ns", row->cost_ns);
	return true;
}

static bool timers(const struct facts *f, struct finding *finding)
{
	u64 away = f->places ? deadlines__median(&f->places->deadlines, f->rep) : KVMW_NONE;
	char words[DEADLINE_WORDS];

	finding__see_family(f, finding, KVMW_EVENT_TIMER, "timer");
	if (!storm(f, ACCESS_TIMER, "The guest sets the timer of its local APIC", finding))
		return false;
	if (away == KVMW_NONE)
		return true;
	finding__add(finding, " The median deadline is %s away.",
		     deadlines__words(away, words));
	finding__rests_on(finding, "deadline_ns", away);
	return true;
}

/* Most of the interrupts that the guest ends are IPIs. */
static bool ends_ipis(const struct facts *f)
{
	return f->access[ACCESS_IPI].count * 2 >= f->access[ACCESS_EOI].count;
}

/* " vCPU 1 sent 70% of them.": where one of several did most. */
static void say_sender(const struct facts *f, struct finding *finding)
{
	const struct vcpu_places *first = NULL;
	char label[REPORT_LABEL_MAX];
	u32 senders = 0;

	for (u32 i = 0; f->places && i < f->places->vcpus.nr; i++) {
		const struct vcpu_places *v = hash_table__at(&f->places->vcpus, i);

		if (!v->ipis || !report__selects(f->rep->rec, f->rep->opt, v->key.vcpu))
			continue;
		senders++;
		if (!first || v->ipis > first->ipis)
			first = v;
	}
	if (!first || f->vcpus == 1)
		return;
	report__vcpu_label(f->rep, first->key.vcpu, f->rep->rec->nr_vms > 1, label, sizeof(label));
	finding__add(finding, " %u of %u vCPUs %s any; vCPU %s sent most, %.0f%%.",
		     senders, f->vcpus, senders == 1 ? "sends" : "send", label,
		     100.0 * first->ipis / f->exits.ipis);
	finding__rests_on(finding, "senders", senders);
	finding__rests_on(finding, "of_one_vcpu", first->ipis);
}

/* " 60% of them: vCPU 0 by IPI vector 0xfd to vCPU 1.", the label "wrmsr ICR: IPI vector ..." */
static void say_ipi(const struct facts *f, struct finding *finding)
{
	const char *name = f->ipi ? strstr(f->ipi->label[1], ": ") : NULL;

	if (name)
		finding__add(finding, " %.0f%% of them: %s.",
			     100.0 * f->ipi->recorded / f->access[ACCESS_IPI].recorded, name + 2);
	say_sender(f, finding);
}

static bool ipi_storm(const struct facts *f, struct finding *finding)
{
	const struct report_row *ends = &f->access[ACCESS_EOI];
	u64 ipis = f->access[ACCESS_IPI].count;

	finding__see_family(f, finding, KVMW_EVENT_IRQ, "irq");
	/* With as many ends as there are IPIs. */
	if (ends_ipis(f) && ends->count)
		finding->share = facts__share(f, ends->cost_ns) *
			(ipis < ends->count ? (double)ipis / ends->count : 1);
	if (!storm(f, ACCESS_IPI, f->vcpus == 1 ?
		   "The guest sends itself interrupts, by writes that exit, as do their EOIs" :
		   "The guest sends interrupts between vCPUs, by writes that exit, as do their EOIs", finding))
		return false;
	say_ipi(f, finding);
	return true;
}

static bool eois(const struct facts *f, struct finding *finding)
{
	finding__see_family(f, finding, KVMW_EVENT_IRQ, "irq");
	if (ends_ipis(f) ||
	    !storm(f, ACCESS_EOI, "The guest ends interrupts by a write that exits", finding))
		return false;
	rules__say_apicv(f, finding);
	return true;
}

#define POLL_OF_ALL	5

/* " It saw the end of 30% of 500 halts a second." */
static const char *polls_paid(const struct facts *f, char *buf, size_t size)
{
	const struct vcpu_places *e = &f->exits;

	*buf = '\0';
	if (e->polls)
		snprintf(buf, size, " It saw the end of %.0f%% of %.0f halts a second.",
			 100.0 * e->paid / e->polls, facts__rate(f, e->polls));
	return buf;
}

static bool polls(const struct facts *f, struct finding *finding)
{
	const struct report_whole *w = &f->rep->whole;
	u64 asleep = w->halt_ns > w->poll_ns ? w->halt_ns - w->poll_ns : 0;
	char paid[64];

	finding->share = facts__share(f, w->poll_ns);
	if (finding->share < POLL_OF_ALL)
		return false;
	finding__say(finding, "Halt polling took %.1f%% of the time, on a host CPU; for %.1f%% the vCPUs slept in halts.%s",
	    finding->share, facts__share(f, asleep), polls_paid(f, paid, sizeof(paid)));
	finding__rests_on(finding, "poll_ns", w->poll_ns);
	finding__rests_on(finding, "polls", f->exits.polls);
	finding__rests_on(finding, "paid", f->exits.paid);
	finding__rests_on(finding, "asleep_ns", asleep);
	rules__say_window(f, finding);
	finding__see_family(f, finding, KVMW_EVENT_HALT, "halt");
	return true;
}

#define NO_HALT_RATE	100	/* a second */

/* Why HLTs that did not halt did not, as far as that is known. */
static void say_why_awake(const struct facts *f, struct finding *finding)
{
	const struct vcpu_places *e = &f->exits;
	const struct report_row *ends = &f->access[ACCESS_EOI];
	char of_guest[64] = "";

	if (!e->no_halt)
		return;
	finding__rests_on(finding, "to_the_vmm", e->no_halt_vmm);
	if (e->no_halt_vmm * 2 >= e->no_halt) {
		finding__add(finding, " %.0f%% of them went to the VMM, which let "
			     "the vCPU go on%s.", 100.0 * e->no_halt_vmm / e->no_halt, rules__no_irqchip(f) ?
			     ": the VM has no interrupt controller in KVM, so that KVM does not halt it" : "");
		return;
	}
	if (ends->count)
		snprintf(of_guest, sizeof(of_guest), "; the guest ends %.0f interrupts a second",
			 facts__rate(f, ends->count));
	finding__add(finding, " KVM found an interrupt, or another event, already "
		     "pending%s.", of_guest);
}

static bool never_halts(const struct facts *f, struct finding *finding)
{
	double rate = facts__rate(f, f->no_halt.count);

	finding->share = facts__share(f, f->no_halt.cost_ns);
	if (rate < NO_HALT_RATE || f->no_halt.count * 2 < f->halt.count || finding->share < 1)
		return false;
	finding__say(finding, "%.0f%% of the HLTs did not halt, %.0f a second: the vCPU went on at once each time.",
	    100.0 * f->no_halt.count / f->halt.count, rate);
	finding__rests_on(finding, "halts", f->halt.count);
	finding__rests_on(finding, "did_not_halt", f->no_halt.count);
	say_why_awake(f, finding);
	if (rules__no_irqchip(f))
		snprintf(finding->next, sizeof(finding->next), "kvmw info -v");
	else
		finding__see_family(f, finding, KVMW_EVENT_IRQ, "irq");
	return true;
}

#define BLOCK_OF_ALL	5

static bool blocked(const struct facts *f, struct finding *finding)
{
	u64 all = rules__other_sleep(f), one = f->top_block ? captured(f->top_block->block_ns) : 0;
	bool mostly = one && one >= all / 2 && one <= all;
	char where[RULES_WHERE], stack[RULES_STACK];

	finding->share = facts__share(f, all);
	if (finding->share < BLOCK_OF_ALL)
		return false;
	finding__say(finding, "The threads of vCPUs slept %.1f%% of the time outside of halts, in the VMM, or for a "
	    "page or a lock in the kernel%s%s%s%s.", finding->share, mostly ? ", mostly after " : "",
	    mostly ? f->top_block->label[0] : "", rules__sleeps_in(f, where),
	    rules__most_stack(f, stack));
	finding__rests_on(finding, "block_ns", all);
	if (mostly)
		finding__rests_on(finding, "of_one_detail_ns", one);
	snprintf(finding->next, sizeof(finding->next), f->rep->rec->event_rows[KVMW_EVENT_STACK] ?
		 "kvmw report -e stack" : "kvmw record -e exit --stack exit ...");
	return true;
}

static bool shut_down(const struct facts *f, struct finding *finding)
{
	if (!f->shutdown.count)
		return false;
	finding->share = 100;
	finding__say(finding, "The guest had %llu triple fault%s: it was reset, or ended.",
	    (unsigned long long)f->shutdown.count, f->shutdown.count == 1 ? "" : "s");
	finding__rests_on(finding, "count", f->shutdown.count);
	snprintf(finding->next, sizeof(finding->next), "kvmw script");
	return true;
}

#define LOST_OF_ALL	1

static bool many_lost(const struct facts *f, struct finding *finding)
{
	const struct report *rep = f->rep;
	/* Without totals, what was lost was not counted. */
	u64 all = rep->total.exact ? rep->total.count : sat_add(rep->total.count, rep->lost);
	double percent = all ? 100.0 * rep->lost / all : 0;
	char share[16] = "";

	if (percent < LOST_OF_ALL || rep->rec->window.active)
		return false;
	/* Of a file that contradicts itself there is no share. */
	if (rep->lost <= all)
		snprintf(share, sizeof(share), "%.0f%% of the ", percent);
	finding__say(finding, "%s%sxits were lost, a ring buffer being full: percentiles, max and details are of the "
		     "others.", share, *share ? "e" : "E");
	finding__rests_on(finding, "lost", rep->lost);
	snprintf(finding->next, sizeof(finding->next), "kvmw record -m 64M ...");
	return true;
}

/* kvmw-findings(7) has these texts, and more. */
const struct finding_rule finding_rules[] = {
	{ "triple-fault", "The guest had a triple fault.",
	  "Some guests reboot this way.", shut_down },
	{ "run-failed", "KVM_RUN failed, or returned because KVM or the CPU could not go on with the guest.",
	  "The VMM may know how to go on.", rule__run_failed },
	{ "waiting", "vCPUs waited for a CPU for 10 % of the time in which they were not idle, and for 5 % of all time.",
	  "The CPUs may be shared on purpose.", rule__waits },
	{ "siblings", "Likewise, and other vCPUs of the same VM had most of that time.",
	  "The VM may have more vCPUs than CPUs on purpose.", rule__siblings },
	{ "quota", "The quota of their cgroup kept vCPUs from running for as much of the time.",
	  "The quota may be what was paid for.", rule__quota },
	{ "migration", "QEMU's migration thread existed.",
	  "It may be wanted, and will be over soon.", rule__migrates },
	{ "open-exit", "A vCPU did not run again after an exit for 20 % of the recording.",
	  "The VM may have been paused.", rule__open_exit },
	{ "never-exited", "A vCPU never exited, while others did.",
	  "The guest may not use it.", rule__never_exited },
	{ "spinning", "A vCPU is in the guest for half of its time, the host causes 9 of 10 of its exits, and 9 of 10 of these happen at one place.",
	  "The loop may be doing what it is for.", rule__spins },
	{ "slow-vmm", "The VMM took 10 % of the time, and more than KVM.",
	  "The device may really have that much work to do.", vmm_is_slow },
	{ "no-ioeventfd", "Most of the VMM's time, and 3 % of all, went to what is probably a virtio notification.",
	  "Its address alone suggests this; another device may have a register there.", no_ioeventfd },
	{ "one-detail", "One port, address, MSR or the like cost half of all exits and 5 % of the time; no finding explains more.",
	  "The device may really have that much work to do.", one_detail },
	{ "clock", "Reads of a clock cause 10 % of the exits, and take 1 % of the time.",
	  "The guest may have no other clock.", clock_exits },
	{ "timer-storm", "Each vCPU sets the timer of its APIC 500 times a second, which takes 3 % of the time.",
	  "The guest may need timers that short.", timers },
	{ "ipi-storm", "Each vCPU sends 500 interrupts a second, which with their ends take 3 % of the time.",
	  "The guest's work may need them.", ipi_storm },
	{ "eoi", "Each vCPU ends 500 interrupts a second by a write that exits, which takes 3 % of the time; fewer than half of them are IPIs.",
	  "The end of a level-triggered interrupt has to exit.", eois },
	{ "polling", "Halt polling took 5 % of the time.",
	  "The shorter latency may be worth it.", polls },
	{ "never-halts", "Half of the HLTs did not halt: 100 a second, which took 1 % of the time.",
	  "The guest may never be idle for longer than that.", never_halts },
	{ "memory-taken", "Page faults on memory took 5 % of the time, and the host took a page for every 4 of them, not counting faults that repeat the page and instruction of the one before.",
	  "The pages that were taken may not be those that faulted.", rule__taken },
	{ "write-protection", "Page faults on memory took 5 % of the time, and half of them or more were writes to protected pages.",
	  "The host may share pages (KSM), which are copied at the first write.", rule__protection },
	{ "page-faults", "Page faults on memory took 5 % of the time.",
	  "A guest that has just started touches its memory for the first time.", rule__faults },
	{ "small-pages", "Page faults took 5 % of the time, most of them in 8 or more ranges of 2 MiB with faults on at least 64 pages each; transparent huge pages are off.",
	  "Shared memory has a setting of its own, and hugetlbfs has none.", rule__small_pages },
	{ "no-progress", "One instruction had 100 page faults on one page, half of those of its vCPU, which took 1 % of the time.",
	  "The host may take the page away each time.", rule__no_progress },
	{ "blocked", "The threads of vCPUs slept 5 % of the time outside of halts.",
	  "The VMM may do its I/O in these threads.", blocked },
	{ "nested", "Exits of nested guests, and those that run these again, took 5 % of the time.",
	  "Nested guests need more exits than others.", rule__nested },
	{ "smi", "There were 10 system management interrupts a second, or they took 1 % of the time.",
	  "Firmware may need them while the guest starts.", rule__smis },
	{ "late-injection", "With event irq: 10 interrupts, and 10 % of all, waited for 1 ms or longer.",
	  "The guest may have disabled interrupts for that long.", rule__late_injection },
	{ "dirty-rate", "With event dirty: the pages that became dirty while logging was on are 125 MB a second or more.",
	  "A migration may slow the guest down on purpose.", rule__dirty_rate },
	{ "polling-thrash", "With event halt: per vCPU, the window grew 10 times a second and shrank as often, and polling took 1 % of the time.",
	  "The load may change that often.", rule__window_thrashes },
	{ "polling-short", "Half of the halts with polling ended after the polling, but within as much time again: 100 a second per vCPU, and their polling took 1 % of the time.",
	  "A longer window costs more where halts are long.", rule__window_short },
	{ "missed", "The kernel may have skipped as many events as 1 % of the exits.",
	  "The skipped events may be those of other VMs.", rule__missed },
	{ "tsc-offsets", "The TSCs of a VM's vCPUs differ by a microsecond or more.",
	  "A guest that does not use its TSC as a clock does not mind.", rule__tsc_offsets },
	{ "lost", "1 % of the exits were lost.",
	  "Counts, sums and means are exact all the same.", many_lost },
};

const u32 nr_finding_rules = ARRAY_SIZE(finding_rules);
