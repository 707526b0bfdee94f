// SPDX-License-Identifier: GPL-2.0
/* The rules of kvmw-findings(7). */
#include <stdarg.h>
#include <stdio.h>

#include "util/analysis/findings/findings.h"
#include "util/array.h"

static void say(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

static void rests_on(struct finding *f, const char *name, double value)
{
	if (f->nr_evidence < EVIDENCE_MAX)
		f->evidence[f->nr_evidence++] = (struct evidence) { name, value };
}

static bool has_rows(const struct facts *f, u32 event)
{
	return f->rep->rec->event_rows[event];
}

/* A family that has to be recorded before its report can say more. */
static void see_family(const struct facts *f, struct finding *finding, u32 event, const char *name)
{
	if (has_rows(f, event))
		snprintf(finding->next, sizeof(finding->next), "kvmw report -e %s", name);
	else
		snprintf(finding->next, sizeof(finding->next), "kvmw record -e exit,%s ...", name);
}

static double of_busy(const struct facts *f, u64 ns)
{
	return f->busy_ns > 0 && ns != KVMW_NONE ? 100.0 * ns / f->busy_ns : 0;
}

static const struct report_vcpu *most(const struct facts *f, u64 (*part)(const struct report_vcpu *v))
{
	const struct report_vcpu *found = NULL;

	for (u32 i = 0; i < f->rep->nr_vcpus; i++)
		if (!found || part(&f->rep->vcpu[i]) > part(found))
			found = &f->rep->vcpu[i];
	return found;
}

static u64 wait_of(const struct report_vcpu *v)
{
	return captured(v->wait_ns);
}

static u64 open_of(const struct report_vcpu *v)
{
	return v->died_ns == KVMW_NONE ? v->time.open_ns : 0;
}

#define WAIT_OF_BUSY	10	/* percent of the time not idle */
#define WAIT_OF_ALL	5	/* of all */

static bool waits(const struct facts *f, struct finding *finding)
{
	u64 wait = f->rep->whole.wait_ns;
	const struct report_vcpu *v = most(f, wait_of);

	finding->share = facts__share(f, wait);
	if (!v || of_busy(f, wait) < WAIT_OF_BUSY || finding->share < WAIT_OF_ALL)
		return false;
	say(finding, "The vCPUs were ready to run, but had no CPU, %.1f%% of the time; vCPU %s most: %.1f%%.",
	    finding->share, v->label, v->time.wall_ns ? 100.0 * wait_of(v) / v->time.wall_ns : 0);
	rests_on(finding, "wait_ns", wait);
	rests_on(finding, "wait_percent_of_busy", of_busy(f, wait));
	see_family(f, finding, KVMW_EVENT_SCHED, "sched");
	return true;
}

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

static bool vmm_is_slow(const struct facts *f, struct finding *finding)
{
	u64 vmm = f->rep->whole.vmm_ns;
	const struct report_row *top = f->top_vmm;

	finding->share = facts__share(f, vmm);
	if (!vmm_stands_out(f))
		return false;
	if (top && occupies_vmm(f, top))
		say(finding, "The VMM took %.1f%% of the time, mostly for %s: %.0f/s, %.0f us of the VMM each.",
		    finding->share, top->label[0], facts__rate(f, top->count),
		    top->done ? top->user_ns / 1e3 / top->done : 0);
	else
		say(finding, "The VMM took %.1f%% of the time.", finding->share);
	rests_on(finding, "vmm_ns", vmm);
	if (top)
		rests_on(finding, "of_one_detail_ns", captured(top->user_ns));
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
	       (vmm_stands_out(f) && occupies_vmm(f, row));
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
	say(finding, "%s is behind %.0f%% of what all exits cost, and took %.1f%% of the time: %.0f/s.",
	    row->label[0], 100.0 * row->cost_ns / all, finding->share, facts__rate(f, row->count));
	rests_on(finding, "cost_ns", row->cost_ns);
	rests_on(finding, "count", row->count);
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
	say(finding, "The guest reads the time from the %s, which exits: %.0f/s, %.1f%% of the time.", f->clock,
	    facts__rate(f, row->count), finding->share);
	rests_on(finding, "count", row->count);
	rests_on(finding, "cost_ns", row->cost_ns);
	snprintf(finding->next, sizeof(finding->next), "kvmw report -s detail");
	return true;
}

#define STORM_OF_ALL	3	/* of the time */
#define STORM_RATE	1000	/* each vCPU, a second */

static bool storm(const struct facts *f, enum access_class class, const char *what,
		  struct finding *finding)
{
	const struct report_row *row = &f->access[class];
	double rate = f->vcpus ? facts__rate(f, row->count) / f->vcpus : 0;

	finding->share = facts__share(f, row->cost_ns);
	if (finding->share < STORM_OF_ALL || rate < STORM_RATE)
		return false;
	say(finding, "%s: %.0f a second on each vCPU, %.1f%% of the time.", what, rate, finding->share);
	rests_on(finding, "count", row->count);
	rests_on(finding, "rate_of_a_vcpu", rate);
	rests_on(finding, "cost_ns", row->cost_ns);
	return true;
}

static bool timers(const struct facts *f, struct finding *finding)
{
	see_family(f, finding, KVMW_EVENT_TIMER, "timer");
	return storm(f, ACCESS_TIMER, "The guest sets the timer of its local APIC", finding);
}

static bool ipis(const struct facts *f, struct finding *finding)
{
	see_family(f, finding, KVMW_EVENT_IRQ, "irq");
	return storm(f, ACCESS_IPI, "The guest sends interrupts between vCPUs, each of which exits", finding);
}

static bool eois(const struct facts *f, struct finding *finding)
{
	see_family(f, finding, KVMW_EVENT_IRQ, "irq");
	return storm(f, ACCESS_EOI, "The guest ends interrupts by a write that exits", finding);
}

#define POLL_OF_ALL	5

static bool polls(const struct facts *f, struct finding *finding)
{
	const struct report_whole *w = &f->rep->whole;
	u64 asleep = w->halt_ns > w->poll_ns ? w->halt_ns - w->poll_ns : 0;

	finding->share = facts__share(f, w->poll_ns);
	if (finding->share < POLL_OF_ALL)
		return false;
	say(finding, "Halt polling took %.1f%% of the time on a host CPU; the halts went on asleep for %.1f%%.",
	    finding->share, facts__share(f, asleep));
	rests_on(finding, "poll_ns", w->poll_ns);
	rests_on(finding, "asleep_ns", asleep);
	see_family(f, finding, KVMW_EVENT_HALT, "halt");
	return true;
}

#define NO_HALT_RATE	1000	/* a second */

static bool never_halts(const struct facts *f, struct finding *finding)
{
	double rate = facts__rate(f, f->no_halt.count);

	finding->share = facts__share(f, f->no_halt.cost_ns);
	if (rate < NO_HALT_RATE || f->no_halt.count * 2 < f->halt.count || finding->share < 1)
		return false;
	say(finding, "%.0f%% of the HLTs did not halt, %.0f a second: something was pending already each time.",
	    100.0 * f->no_halt.count / f->halt.count, rate);
	rests_on(finding, "halts", f->halt.count);
	rests_on(finding, "did_not_halt", f->no_halt.count);
	see_family(f, finding, KVMW_EVENT_IRQ, "irq");
	return true;
}

#define FAULTS_OF_ALL	5

static bool faults(const struct facts *f, struct finding *finding)
{
	const struct report_row *row = &f->access[ACCESS_RAM];

	finding->share = facts__share(f, row->cost_ns);
	if (finding->share < FAULTS_OF_ALL)
		return false;
	say(finding, "Page faults on guest memory took %.1f%% of the time: %.0f/s, %.0f us each.", finding->share,
	    facts__rate(f, row->count), row->done ? row->cost_ns / 1e3 / row->done : 0);
	rests_on(finding, "count", row->count);
	rests_on(finding, "cost_ns", row->cost_ns);
	see_family(f, finding, KVMW_EVENT_FAULT, "fault");
	return true;
}

#define BLOCK_OF_ALL	5

static bool blocked(const struct facts *f, struct finding *finding)
{
	finding->share = facts__share(f, f->rep->whole.block_ns);
	if (finding->share < BLOCK_OF_ALL)
		return false;
	say(finding, "The threads of vCPUs slept %.1f%% of the time outside of halts: in the VMM, or for a "
	    "page or a lock in the kernel.", finding->share);
	rests_on(finding, "block_ns", f->rep->whole.block_ns);
	snprintf(finding->next, sizeof(finding->next), "kvmw record -e exit --stack exit ...");
	return true;
}

#define OPEN_OF_VCPU	20	/* percent of its time */

static bool open_exit(const struct facts *f, struct finding *finding)
{
	const struct report_vcpu *v = most(f, open_of);
	u64 open = v ? open_of(v) : 0;

	finding->share = facts__share(f, open);
	if (!open || open * 100.0 < (double)v->time.wall_ns * OPEN_OF_VCPU)
		return false;
	say(finding, "vCPU %s did not run again after its last exit: %.3f s, until the recording ended.",
	    v->label, open / 1e9);
	rests_on(finding, "open_ns", open);
	if (v->number >= 0)
		snprintf(finding->next, sizeof(finding->next), "kvmw script --vcpu %lld",
			 (long long)v->number);
	return true;
}

static bool never_exited(const struct facts *f, struct finding *finding)
{
	const struct report *rep = f->rep;
	const char *label = NULL;
	u32 nr = 0;

	for (u32 i = 0; i < rep->nr_vcpus; i++) {
		if (rep->vcpu[i].count)
			continue;
		label = label ?: rep->vcpu[i].label;
		nr++;
		finding->share += facts__share(f, rep->vcpu[i].time.wall_ns);
	}
	if (!nr)
		return false;
	if (nr == 1)
		say(finding, "vCPU %s never exited: it never ran, is halted in KVM, or runs without exits.", label);
	else
		say(finding, "%u vCPUs, the first of them %s, never exited: they never ran, are halted in KVM, "
		    "or run without exits.", nr, label);
	rests_on(finding, "vcpus", nr);
	return true;
}

static bool shut_down(const struct facts *f, struct finding *finding)
{
	if (!f->shutdown.count)
		return false;
	finding->share = 100;
	say(finding, "The guest had %llu triple fault%s: it was reset, or ended.",
	    (unsigned long long)f->shutdown.count, f->shutdown.count == 1 ? "" : "s");
	rests_on(finding, "count", f->shutdown.count);
	snprintf(finding->next, sizeof(finding->next), "kvmw script");
	return true;
}

#define LOST_OF_ALL	1

static bool many_lost(const struct facts *f, struct finding *finding)
{
	const struct report *rep = f->rep;
	double percent = rep->total.count ? 100.0 * rep->lost / rep->total.count : 0;

	if (percent < LOST_OF_ALL || rep->rec->window.active)
		return false;
	say(finding, "%.0f%% of the exits were lost, a ring buffer being full: percentiles, max and details are "
	    "of the others.", percent);
	rests_on(finding, "lost", rep->lost);
	snprintf(finding->next, sizeof(finding->next), "kvmw record -m 64M ...");
	return true;
}

/* kvmw-findings(7) has these texts, and more. */
const struct finding_rule finding_rules[] = {
	{ "triple-fault", "An exit because of a triple fault.",
	  "Some guests reboot by one.", shut_down },
	{ "waiting", "vCPUs waited for a CPU for 10 % of the time that they were not idle, and 5 % of all.",
	  "The CPUs may be shared on purpose.", waits },
	{ "open-exit", "A vCPU did not run again after an exit for 20 % of the recording.",
	  "It may have been paused.", open_exit },
	{ "never-exited", "A vCPU has no exits, while others have.",
	  "The guest may not use it.", never_exited },
	{ "slow-vmm", "The VMM took 10 % of the time, and more than KVM.",
	  "The device may have as much work to do.", vmm_is_slow },
	{ "one-detail", "One port, address, MSR or the like cost half of all exits and 5 % of the time.",
	  "The device may have as much work to do.", one_detail },
	{ "clock", "Reads of a clock that exits are 10 % of the exits and 1 % of the time.",
	  "The guest may have no other clock.", clock_exits },
	{ "timer-storm", "Each vCPU sets the timer of its APIC 1000 times a second, for 3 % of the time.",
	  "The guest may need timers as short as that.", timers },
	{ "ipi-storm", "Each vCPU sends 1000 interrupts a second to others, for 3 % of the time.",
	  "The work of the guest may need them.", ipis },
	{ "eoi", "Each vCPU ends 1000 interrupts a second by a write that exits, for 3 % of the time.",
	  "The end of a level-triggered interrupt has to exit.", eois },
	{ "polling", "Halt polling took 5 % of the time.",
	  "The shorter latency may be worth it.", polls },
	{ "never-halts", "Half of the HLTs did not halt, 1000 a second and 1 % of the time.",
	  "The guest may only ever be idle that shortly.", never_halts },
	{ "page-faults", "Page faults on memory took 5 % of the time.",
	  "A guest that has just started touches its memory for the first time.", faults },
	{ "blocked", "The threads of vCPUs slept 5 % of the time outside of halts.",
	  "The VMM may do its I/O in them.", blocked },
	{ "lost", "1 % of the exits were lost.",
	  "Counts, sums and means are exact all the same.", many_lost },
};

const u32 nr_finding_rules = ARRAY_SIZE(finding_rules);
