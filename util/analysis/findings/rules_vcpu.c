// SPDX-License-Identifier: GPL-2.0
/* The rules of kvmw-findings(7) about vCPUs: those that wait, spin, or do not run at all. */
#include <stdio.h>
#include <string.h>

#include "util/analysis/findings/rules.h"
#include "util/analysis/vm_limits.h"
#include "util/arch/names.h"

static double of_busy(const struct facts *f, u64 ns)
{
	return f->busy_ns > 0 && ns != KVMW_NONE ? 100.0 * ns / f->busy_ns : 0;
}

static const struct report_vcpu *most(const struct facts *f,
				      u64 (*part)(const struct report_vcpu *v))
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

static u64 block_of(const struct report_vcpu *v)
{
	return captured(v->block_ns);
}

static u64 open_of(const struct report_vcpu *v)
{
	return v->died_ns == KVMW_NONE ? v->time.open_ns : 0;
}

static u64 throttled_of(const struct report_vcpu *v)
{
	return captured(v->throttled_ns);
}

#define WAIT_OF_BUSY	10	/* percent of the time not idle */
#define WAIT_OF_ALL	5	/* of all */

static bool is_much(const struct facts *f, u64 ns)
{
	return of_busy(f, ns) >= WAIT_OF_BUSY && facts__share(f, ns) >= WAIT_OF_ALL;
}

static double of_vcpu(const struct report_vcpu *v, u64 ns)
{
	return v->time.wall_ns ? 100.0 * ns / v->time.wall_ns : 0;
}

static u32 vmm_pid(const struct facts *f, const struct report_vcpu *v)
{
	const struct rec_vm *vm = v ? recording__vm(f->rep->rec, v->vm) : NULL;

	return vm ? vm->pid : ~0U;
}

/* ", 30 ms of each 100 ms (/slice),": the one that was used up longest; or "". */
static const char *quota_words(const struct facts *f, u32 pid, char *buf, size_t size)
{
	const struct vm_limits *limits = f->rep->limits;
	const struct vm_group *found = NULL;

	*buf = '\0';
	for (u32 i = 0; limits && i < limits->nr_groups; i++) {
		const struct vm_group *g = &limits->group[i];

		if (g->pid == pid && captured(g->quota_ns) && captured(g->period_ns) &&
		    (!found || captured(g->throttled_ns) > captured(found->throttled_ns)))
			found = g;
	}
	if (found)
		snprintf(buf, size, ", %.3g ms of each %.3g ms (%s),", found->quota_ns / 1e6,
			 found->period_ns / 1e6, *found->path ? found->path : "?");
	return buf;
}

bool rule__quota(const struct facts *f, struct finding *finding)
{
	u64 throttled = captured(f->rep->whole.throttled_ns);
	const struct report_vcpu *v = most(f, throttled_of);
	char quota[512];

	finding->share = facts__share(f, throttled);
	if (!v || !is_much(f, throttled))
		return false;
	quota_words(f, vmm_pid(f, v), quota, sizeof(quota));
	if (f->vcpus == 1)
		finding__say(finding, "The quota of its cgroup%s kept vCPU %s from running %.1f%% of the time.", quota,
			     v->label, finding->share);
	else
		finding__say(finding, "The quota of their cgroup%s kept vCPUs from running %.1f%% of the time; vCPU %s "
			     "most: %.1f%%.", quota, finding->share, v->label, of_vcpu(v, throttled_of(v)));
	finding__rests_on(finding, "throttled_ns", throttled);
	finding__rests_on(finding, "throttled_percent_of_busy", of_busy(f, throttled));
	snprintf(finding->next, sizeof(finding->next), "kvmw report -e sched");
	return true;
}

/* Whose threads had the CPUs for half of the wait or more; 0: nobody's, or unknown. */
static u32 who_had_most(const struct facts *f)
{
	u32 found = 0;

	for (u32 kind = 1; kind < NR_HOLDER_KINDS; kind++)
		if (kind != KVMW_holder_IDLE && kind != KVMW_holder_OTHERS &&
		    kind != KVMW_holder_RECORDER &&
		    f->had_ns[kind] > f->had_ns[found])
			found = kind;
	return f->had_ns[found] >= f->had_by_others_ns / 2 ? found : 0;
}

static const char *const who[NR_HOLDER_KINDS] = {
	[KVMW_holder_VCPU] = "other vCPUs of the same VM", [KVMW_holder_VMM] = "other threads of the VMM",
	[KVMW_holder_VM] = "other VMs", [KVMW_holder_KERNEL] = "kernel threads",
	[KVMW_holder_PROCESS] = "other processes", [KVMW_holder_RECORDER] = "kvmw record itself",
	[KVMW_holder_IDLE] = "nobody", [KVMW_holder_OTHERS] = "others",
	[KVMW_holder_COMMAND] = "the command that kvmw record ran",
};

/* ", most thread vmm (tid 548)": one of several, not a VM or process by the same name; or "". */
static const char *most_of_kind(const struct cpu_holder *h, char *buf, size_t size)
{
	*buf = '\0';
	switch (h->kind) {
	case KVMW_holder_VCPU:
	case KVMW_holder_KERNEL:
		snprintf(buf, size, ", most %s", h->name);
		break;
	case KVMW_holder_VMM:
	case KVMW_holder_VM:
		snprintf(buf, size, ", most thread %s (tid %u)%s%s", h->name, h->tid,
			 *h->vm ? " of VM " : "", h->vm);
		break;
	case KVMW_holder_PROCESS:
		snprintf(buf, size, ", most %s (pid %u)", h->name, h->pid);
		break;
	case KVMW_holder_COMMAND:
		snprintf(buf, size, ", %s (pid %u)", h->name, h->pid);
		break;
	default:
		break;
	}
	return buf;
}

#define OWN_OF_ALL	1	/* percent of the time */

static void say_who(const struct facts *f, u32 kind, struct finding *finding)
{
	char most_of[REPORT_LABEL_MAX * 2];

	finding__say(finding, "The vCPUs were ready to run, but had no CPU, %.1f%% of the time. For %.0f%% of that, "
		     "%s had it%s.", finding->share, 100.0 * f->had_ns[kind] / f->had_by_others_ns, who[kind],
		     most_of_kind(f->had_most[kind], most_of, sizeof(most_of)));
	finding__rests_on(finding, "held_ns", f->had_ns[kind]);
	if (facts__share(f, f->had_ns[KVMW_holder_RECORDER]) < OWN_OF_ALL)
		return;
	finding__add(finding, " For another %.1f%% of the time kvmw record itself had it.",
		     facts__share(f, f->had_ns[KVMW_holder_RECORDER]));
}

#define HOLDS_MUCH	10	/* percent of the wait: as much is named */

void rules__say_wait(const struct facts *f, u64 told_ns, char *buf, size_t size)
{
	u64 throttled = captured(f->rep->whole.throttled_ns), wait = f->rep->whole.wait_ns,
	    rest = 0;
	u64 had[NR_HOLDER_KINDS];
	char most_of[REPORT_LABEL_MAX * 2];
	size_t len;

	*buf = '\0';
	wait = captured(wait) > throttled ? wait - throttled : 0;
	if (wait <= told_ns || facts__share(f, wait - told_ns) < WAIT_OF_ALL)
		return;
	len = snprintf(buf, size, "Waiting for a CPU took %.1f%% of the time",
		       facts__share(f, wait));
	memcpy(had, f->had_ns, sizeof(had));
	had[KVMW_holder_IDLE] -=
		throttled < had[KVMW_holder_IDLE] ? throttled : had[KVMW_holder_IDLE];
	for (u32 kind = 0; kind < NR_HOLDER_KINDS; kind++)
		rest = sat_add(rest, had[kind]);
	if (!rest)
		snprintf(buf + len, size - len, "; who had it is unknown%s.",
			 f->rep->rec->window.active ? " for a window of time" : "");
	for (u64 all = rest, said = 0; rest && said < 2; said++) {
		u32 kind = 0;

		for (u32 k = 1; k < NR_HOLDER_KINDS; k++)
			kind = had[k] > had[kind] ? k : kind;
		if (said && 100.0 * had[kind] < (double)HOLDS_MUCH * all)
			break;
		len += snprintf(buf + len, size - len, "%s for %.0f%% of that %s had it%s",
				said ? "," : ":", 100.0 * had[kind] / all, who[kind] ?: "others",
				most_of_kind(f->had_most[kind], most_of, sizeof(most_of)));
		if (len >= size)
			return;
		had[kind] = 0;
	}
	if (rest)
		snprintf(buf + len, size - len, ".");
}

static bool is_siblings(u32 kind)
{
	return kind == KVMW_holder_VCPU;
}

/* The wait that neither a quota nor the recorder itself has caused. */
static u64 of_others(const struct facts *f)
{
	u64 own = sat_add(captured(f->rep->whole.throttled_ns), f->had_ns[KVMW_holder_RECORDER]);
	u64 wait = f->rep->whole.wait_ns;

	return wait > own ? wait - own : 0;
}

/* Of the VM whose vCPUs waited most: how many may run at a time. */
static void say_cpus(const struct facts *f, struct finding *finding)
{
	const struct vm_cpus *vm = f->rep->limits ?
		vm_limits__of(f->rep->limits, vmm_pid(f, most(f, wait_of))) : NULL;

	if (!vm || vm->cpus == ~0U)
		return;
	finding__add(finding, " The VM has %u vCPUs and may use %u host CPU%s.", vm->vcpus,
		     vm->cpus, vm->cpus == 1 ? "" : "s");
	finding__rests_on(finding, "vcpus", vm->vcpus);
	finding__rests_on(finding, "cpus", vm->cpus);
}

bool rule__siblings(const struct facts *f, struct finding *finding)
{
	u64 wait = of_others(f);
	u32 kind = who_had_most(f);

	finding->share = facts__share(f, wait);
	if (!is_siblings(kind) || !is_much(f, wait))
		return false;
	say_who(f, kind, finding);
	say_cpus(f, finding);
	finding__rests_on(finding, "wait_ns", wait);
	snprintf(finding->next, sizeof(finding->next), "kvmw report -e sched");
	return true;
}

/* QEMU's, migration/migration.c: before and since 9.1. */
static bool is_migration(const char *comm)
{
	return !strncmp(comm, "live_migration", strlen("live_migration")) ||
	       !strncmp(comm, "mig/src/", strlen("mig/src/"));
}

static bool waits_for_migration(const struct facts *f)
{
	u32 kind = who_had_most(f);

	return kind == KVMW_holder_VMM && is_migration(f->had_most[kind]->name) &&
	       is_much(f, of_others(f));
}

/* Of a VM that the report is about. */
static const struct vm_thread *migration_thread(const struct facts *f)
{
	const struct vm_threads *threads = f->rep->threads;

	for (u32 i = 0; threads && i < threads->nr; i++)
		for (u32 k = 0; is_migration(threads->thread[i].comm) && k < f->rep->nr_vcpus; k++)
			if (f->rep->vcpu[k].count &&
			    vmm_pid(f, &f->rep->vcpu[k]) == threads->thread[i].pid)
				return &threads->thread[i];
	return NULL;
}

/* How long migration threads had the CPUs that vCPUs waited for; *pid: of one that did. */
static u64 had_by_migration(const struct facts *f, u32 *pid)
{
	const struct cpu_holders *all = f->rep->holders;
	u64 sum = 0;

	for (u32 i = 0; all && i < all->nr_lines; i++) {
		const struct cpu_holder *h = &all->line[i];

		if (h->kind != KVMW_holder_VMM || !is_migration(h->name))
			continue;
		sum = sat_add(sum, h->time_ns);
		*pid = h->pid;
	}
	return sum;
}

bool rules__migrating(const struct facts *f)
{
	u32 pid;

	return migration_thread(f) || had_by_migration(f, &pid);
}

bool rule__migrates(const struct facts *f, struct finding *finding)
{
	u64 faults = facts__protection(f) ? captured(f->access[ACCESS_RAM].cost_ns) : 0;
	const struct vm_thread *t = migration_thread(f);
	u32 pid = t ? t->pid : ~0U;
	u64 waited = had_by_migration(f, &pid);

	if (!waited && !t)
		return false;
	finding->share =
		facts__share(f, sat_add(waits_for_migration(f) ? of_others(f) : waited, faults));
	finding__say(finding, "QEMU (pid %u) was migrating the VM: for %.1f%% of the time vCPUs waited for a CPU that its "
		     "migration thread had; page faults, most of them writes to protected pages, took %.1f%%.",
		     pid, facts__share(f, waited), facts__share(f, faults));
	finding__rests_on(finding, "waited_ns", waited);
	finding__rests_on(finding, "of_protection_ns", faults);
	finding__see_family(f, finding, KVMW_EVENT_DIRTY, "dirty");
	return true;
}

bool rule__waits(const struct facts *f, struct finding *finding)
{
	const struct report_vcpu *v = most(f, wait_of);
	u64 wait = of_others(f);
	u32 kind = who_had_most(f);

	finding->share = facts__share(f, wait);
	if (!v || is_siblings(kind) || !is_much(f, wait) || waits_for_migration(f))
		return false;
	if (kind)
		say_who(f, kind, finding);
	else
		finding__say(finding, "The vCPUs were ready to run, but had no CPU, %.1f%% of the time; vCPU %s most: "
			     "%.1f%%.", finding->share, v->label, of_vcpu(v, wait_of(v)));
	finding__rests_on(finding, "wait_ns", wait);
	finding__rests_on(finding, "wait_percent_of_busy", of_busy(f, wait));
	if (kind)
		snprintf(finding->next, sizeof(finding->next), "kvmw report -e sched");
	else
		finding__see_family(f, finding, KVMW_EVENT_SCHED, "sched");
	return true;
}

#define SPIN_OF_VCPU	50	/* percent of its time in the guest */
/* percent of its exits caused by the host, and of these at one place */
#define SPIN_OF_EXITS 90
#define SPIN_EXITS	50	/* as few say nothing */

static bool spins(const struct report_vcpu *v, const struct vcpu_places *p, u64 *rip)
{
	u64 exits = p->exits > v->count ? p->exits : v->count;	/* filters leave some out */

	return p->by_host >= SPIN_EXITS && p->by_host * 100 >= exits * SPIN_OF_EXITS &&
	       vcpu_places__most(p, rip) * 100 >= p->by_host * SPIN_OF_EXITS &&
	       of_vcpu(v, captured(v->guest_ns)) >= SPIN_OF_VCPU;
}

bool rule__spins(const struct facts *f, struct finding *finding)
{
	const struct vcpu_places *of_first = NULL;
	const struct report_vcpu *first = NULL;
	u64 rip, at = 0, guest_ns = 0;
	u32 nr = 0;

	for (u32 i = 0; f->places && i < f->rep->nr_vcpus; i++) {
		const struct report_vcpu *v = &f->rep->vcpu[i];
		const struct vcpu_places *p = hash_table__find(&f->places->vcpus, &v->id);

		if (!p || !spins(v, p, &rip))
			continue;
		guest_ns += captured(v->guest_ns);
		nr++;
		if (!first) {
			first = v;
			of_first = p;
			at = rip;
		}
	}
	if (!first)
		return false;
	finding->share = facts__share(f, guest_ns);
	finding__say(finding, "vCPU %s probably spins: in the guest for %.1f%% of its time, and within %u bytes around rip "
		     "%#llx in %llu of the %llu moments at which the host interrupted it.", first->label,
		     of_vcpu(first, captured(first->guest_ns)), 2 << PLACE_SHIFT,
		     (unsigned long long)at,
		     (unsigned long long)vcpu_places__most(of_first, &rip),
		     (unsigned long long)of_first->by_host);
	finding__rests_on(finding, "vcpus", nr);
	finding__rests_on(finding, "guest_ns", guest_ns);
	if (first->number >= 0)
		snprintf(finding->next, sizeof(finding->next), "kvmw report -s rip --vcpu %lld",
			 (long long)first->number);
	return true;
}

#define OPEN_OF_VCPU	20	/* percent of its time */

static const struct vm_thread *thread_of(const struct facts *f, const struct report_vcpu *v)
{
	const struct vm_threads *threads = f->rep->threads;

	for (u32 i = 0; threads && i < threads->nr; i++)
		if (threads->thread[i].vcpu == v->id)
			return &threads->thread[i];
	return NULL;
}

/* KVM lets a halted vCPU sleep in functions of these names, virt/kvm/kvm_main.c. */
bool rules__is_halted(const char *place)
{
	return !strncmp(place, "kvm_vcpu_", strlen("kvm_vcpu_"));
}

/* Of one thread at one moment: "kvm_vcpu_block"; "" where it is unknown, or awake. */
static const char *sleeps_in(const struct facts *f, const struct kvmw_thread *row, char *buf)
{
	*buf = '\0';
	return row && row->state != 'R' ? vm_thread__place(f->rep->rec, row, buf) : buf;
}

/* Of one moment; returns whether it is known. */
static bool say_asleep(const struct facts *f, const struct report_vcpu *v,
		       const struct kvmw_thread *row, const char *when, char *where)
{
	char place[VM_THREAD_PLACE], call[48] = "";
	const char *name;

	sleeps_in(f, row, place);
	if (!*place || rules__is_halted(place))
		return false;
	if (row->in_run == 1)
		snprintf(call, sizeof(call), ", in KVM_RUN");
	else if (row->syscall != KVMW_NONE && (name = sleep_syscall_name(row->syscall)))
		snprintf(call, sizeof(call), ", in system call %s", name);
	else if (row->syscall != KVMW_NONE)
		snprintf(call, sizeof(call), ", in system call %llu",
			 (unsigned long long)row->syscall);
	snprintf(where, RULES_WHERE, "; at the %s vCPU %.128s was asleep in %s%s", when, v->label,
		 place, call);
	return true;
}

const char *rules__sleeps_in(const struct facts *f, char *where)
{
	const struct report_vcpu *v = most(f, block_of);
	const struct vm_thread *t = v ? thread_of(f, v) : NULL;

	*where = '\0';
	/* One that was stopped before the recording began did not sleep in it. */
	if (t && !say_asleep(f, v, t->end, "end", where) && t->start && t->start->state != 'T')
		say_asleep(f, v, t->start, "start", where);
	return where;
}

bool rule__open_exit(const struct facts *f, struct finding *finding)
{
	const struct report_vcpu *v = most(f, open_of);
	const struct vm_thread *t = v ? thread_of(f, v) : NULL;
	u64 open = v ? open_of(v) : 0;
	char place[VM_THREAD_PLACE];

	finding->share = facts__share(f, open);
	if (!open || open * 100.0 < (double)v->time.wall_ns * OPEN_OF_VCPU)
		return false;
	sleeps_in(f, t ? t->end : NULL, place);
	if (rules__is_halted(place))
		return false;
	finding__say(finding, "vCPU %s did not run again after its last exit%s%s: %.3f s, until the recording ended%s%s.",
		     v->label, *v->open_exit ? ", " : "", v->open_exit, open / 1e9,
		     *place ? "; its thread was asleep in " : "", place);
	finding__rests_on(finding, "open_ns", open);
	if (v->number >= 0)
		snprintf(finding->next, sizeof(finding->next), "kvmw script --vcpu %lld",
			 (long long)v->number);
	return true;
}

#define RAN_OF_SPAN	50	/* percent of the recording in the guest */

/* What a vCPU without an exit did, if it is worth a sentence; or NULL. */
static const char *why_no_exit(const struct facts *f, const struct vm_thread *t, char *buf,
			       size_t size)
{
	char first[VM_THREAD_PLACE], last[VM_THREAD_PLACE];

	if (t->tid == ~0U)
		return t->last->in_run ? NULL : "no thread has ever run it";
	if (t->last->guest_ns == 0)
		return "the guest has probably never started it, its thread has no time in the guest";
	if (t->span_ns != KVMW_NONE && t->guest_ns != KVMW_NONE &&
	    t->guest_ns * 100.0 >= (double)t->span_ns * RAN_OF_SPAN)
		return "it ran in the guest without any";
	sleeps_in(f, t->start, first);
	sleeps_in(f, t->end, last);
	/* Halted: the guest has nothing for it to do. */
	if (!*first || strcmp(first, last) || rules__is_halted(first))
		return NULL;
	snprintf(buf, size, "its thread was asleep in %s at the start and at the end", first);
	return buf;
}

static bool known_without_exits(const struct facts *f, struct finding *finding)
{
	const struct report *rep = f->rep;
	char buf[128];
	u64 ns = 0;
	u32 nr = 0;

	for (u32 i = 0; i < rep->nr_idle; i++) {
		const struct vm_thread *t = rep->idle[i];
		const char *why = why_no_exit(f, t, buf, sizeof(buf));

		if (!why)
			continue;
		if (!nr++)
			finding__say(finding, "vCPU %u never exited: %s.", t->number, why);
		ns = sat_add(ns, rep->duration_ns);
	}
	if (!nr || !rep->duration_ns)
		return false;
	if (nr > 1)
		finding__add(finding, " The same, or similar, holds for %u more.", nr - 1);
	finding->share = 100.0 * ns / ((double)rep->duration_ns * (rep->nr_idle + f->vcpus));
	finding__rests_on(finding, "vcpus", nr);
	snprintf(finding->next, sizeof(finding->next), "kvmw info -v");
	return true;
}

bool rule__never_exited(const struct facts *f, struct finding *finding)
{
	const struct report *rep = f->rep;
	const char *label = NULL;
	u32 nr = 0;

	if (rep->idle)
		return known_without_exits(f, finding);
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
		finding__say(finding, "vCPU %s never exited: it never ran, is halted in KVM, or runs without exits.", label);
	else
		finding__say(finding, "%u vCPUs, the first of them %s, never exited: they never ran, are halted in KVM, "
			     "or run without exits.", nr, label);
	finding__rests_on(finding, "vcpus", nr);
	return true;
}
