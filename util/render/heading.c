// SPDX-License-Identifier: GPL-2.0
/* What the numbers of a report are about, and how far they can be trusted. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "util/event_desc.h"
#include "util/privacy/privacy.h"
#include "util/render/host_facts.h"
#include "util/render/limits.h"
#include "util/render/render.h"
#include "util/render/units.h"

#define MAX_VMS	8	/* listed one by one; kvmw info lists them all */
#define MAX_FACTS	64	/* likewise */
#define NAMED_VMS	2	/* in the first lines */
#define FILE_AND_TIME	4096	/* bytes: a path, and more */
#define CUT_SHORT	"the recorder did not finish, or the file was cut short: its last events are missing"
#define UNFINISHED	"the recorder did not finish: its last moments may be missing"

static void heading__line(const struct screen *s, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void heading__line(const struct screen *s, const char *what, const char *fmt, ...)
{
	char first[32], words[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	snprintf(first, sizeof(first), "# %-9s ", what);
	screen__wrap(s, first, "#           ", words);
}

const char *render__date(u64 realtime_ns, char *buf)
{
	return recording__local_time(realtime_ns, "%Y-%m-%d %H:%M:%S %z", buf, 64);
}

/* "kvmw.data: 3.206 s from 2025-01-31 12:34:56 +0100" */
static const char *file_and_time(const struct recording *rec, char *buf, size_t size)
{
	u64 when = recording__realtime(rec, rec->meta.start_ns ?: rec->first_ns);
	char date[64];

	snprintf(buf, size, "%s: %.3f s%s%s", strcmp(rec->path, "-") ? rec->path : "standard input",
		 recording__duration(rec) / 1e9, when ? " from " : "",
		 when ? render__date(when, date) : "");
	return buf;
}

static void about_time(const struct screen *s, const struct recording *rec)
{
	char file[FILE_AND_TIME];

	heading__line(s, "file", "%s%s%s", file_and_time(rec, file, sizeof(file)),
		      rec->meta.stop_why ? "; " : "", rec->meta.stop_why ?: "");
	if (recording__unfinished(rec))
		heading__line(s, "", "%s", UNFINISHED);
}

static void about_host(const struct screen *s, const struct recording *rec)
{
	const struct rec_meta *m = &rec->meta;

	if (m->host || m->kernel)
		heading__line(s, "host", "%s, Linux %s%s%s", m->host ?: "?", m->kernel ?: "?",
			      m->arch ? " " : "", m->arch ?: "");
	if (m->cpu)
		heading__line(s, "CPU", "%llu x %s%s%s%s", (unsigned long long)m->cpus, m->cpu,
			      m->module ? " (" : "", m->module ?: "", m->module ? ")" : "");
	else if (m->module)
		heading__line(s, "KVM", "%s", m->module);
}

void render__about(const struct screen *s, const struct recording *rec)
{
	about_time(s, rec);
	about_host(s, rec);
	render__vms(s, rec);
}

static u32 vcpus_of(const struct recording *rec, u32 vm, u32 *died)
{
	u32 nr = 0;

	*died = 0;
	for (u32 i = 0; i < rec->nr_vcpus; i++) {
		struct vcpu_life life;

		if (rec->vcpu[i].vm != vm || !rec_vcpu__is_vcpu(&rec->vcpu[i]))
			continue;
		life = vcpu_life__of(rec, rec->vcpu[i].id);
		*died += vcpu_life__is_gone(&life);
		nr++;
	}
	return nr;
}

void render__vms(const struct screen *s, const struct recording *rec)
{
	for (u32 i = 0; i < rec->nr_vms && i < MAX_VMS; i++) {
		const struct rec_vm *vm = &rec->vm[i];
		u32 died, vcpus = vcpus_of(rec, vm->id, &died);
		char text[32] = "", name[REC_VM_NAME];

		if (died)
			snprintf(text, sizeof(text), ", %u died", died);
		heading__line(s, "VM", "%s%s%s, pid %s, %u vCPU%s seen%s", vm->name,
			      *vm->name ? ": " : "", *vm->vmm ? vm->vmm : "VMM unknown",
			      rec_vm__name(vm, name), vcpus, vcpus == 1 ? "" : "s", text);
	}
	if (rec->nr_vms > MAX_VMS)
		heading__line(s, "", "and %u more VMs, see kvmw info",
			      rec->nr_vms - MAX_VMS);
	if (rec->ids_left_out)
		heading__line(s, "",
			      "more VMs or vCPUs than the %u that kvmw keeps: only the ids of the "
			      "others are known", REC_MAX_IDS);
}

/* The command line shows what was selected: VMs, vCPUs, duration. */
const char *render__command(const struct rec_texts *words, char *buf, size_t size)
{
	*buf = '\0';
	for (u32 i = 0; i < words->nr; i++) {
		size_t len = strlen(buf);

		snprintf(buf + len, size - len, "%s%s", i ? " " : "", words->text[i]);
	}
	return buf;
}

static void about_command(const struct screen *s, const struct rec_texts *words)
{
	char text[1024];

	if (words->nr)
		heading__line(s, "command", "%s", render__command(words, text, sizeof(text)));
}

static void about_rows(const struct screen *s, const struct report *rep)
{
	const struct recording *rec = rep->rec;
	bool cycle = event_desc__is_cycle(rep->event);
	char rows[UNITS_MAX], bytes[UNITS_MAX], lost[UNITS_MAX], open[UNITS_MAX], each[64] = "";

	/* Only where the file holds nothing else. */
	if (rep->all_recorded && rep->recorded == rep->all_recorded && !rec->nr_damage)
		snprintf(each, sizeof(each), ", %.2f each",
			 (double)rec->bytes / rep->all_recorded);
	heading__line(s, "recorded", "%s %s in %s bytes%s; %s%s lost%s%s%s",
		      units__count(rep->recorded, rows), event_desc__noun(rep->desc, rep->recorded),
		      units__count(rec->bytes, bytes), each,
		      recording__is_part(rec) && rep->lost ? "up to " : "",
		      units__count(rep->lost, lost), cycle ? "; " : "",
		      cycle ? units__count(rep->unfinished, open) : "", cycle ? " unfinished" : "");
}

/* Whether a finding's command is the report of this event. */
static bool finding_shows(const struct findings *findings, const char *event)
{
	char command[64];

	snprintf(command, sizeof(command), "kvmw report -e %s", event);
	for (u32 i = 0; findings && i < findings->nr; i++)
		if (!strcmp(findings->found[i].next, command))
			return true;
	return false;
}

/* Other recorded or lost events, which a user would not otherwise know to look for. */
static void about_others(const struct screen *s, const struct report *rep,
			 const struct findings *findings)
{
	const struct recording *rec = rep->rec;
	char words[1024] = "", count[UNITS_MAX], missed[UNITS_MAX], lost[UNITS_MAX + 16];
	const char *first = NULL, *shown = NULL;
	u32 first_id = 0;

	for (u32 id = 0; id < ARRAY_SIZE(rec->event_rows); id++) {
		const struct event_desc *event = event_desc__by_id(id);
		size_t len = strlen(words);

		if (!event || (!rec->event_rows[id] && !rec->lost[id]) || id == rep->event ||
		    !event_desc__captured(id))
			continue;
		snprintf(lost, sizeof(lost), " (%s lost)", units__count(rec->lost[id], missed));
		snprintf(words + len, sizeof(words) - len, "%s%s %s%s", first ? ", " : "",
			 event->name, units__count(rec->event_rows[id], count),
			 rec->lost[id] ? lost : "");
		if (!shown && finding_shows(findings, event->name))
			shown = event->name;
		/* Suggest a family first: users rarely know that there are any. */
		if (!first || first_id == KVMW_EVENT_USERSPACE) {
			first = event->name;
			first_id = id;
		}
	}
	if (first)
		heading__line(s, "also", "contains %s (kvmw report -e %s)", words, shown ?: first);
}

static void about_cost(const struct screen *s, const struct recording *rec)
{
	const struct kvmw_cost *c = &rec->cost;
	u64 duration = c->time_ns - rec->meta.start_ns;
	char bpf[112], percent[48] = "", cpu[64] = "CPU time of the recorder unknown";

	if (!rec->has_cost)
		return;
	/* It was sampled: what it is of all events. */
	if (c->bpf_events && rec->meta.start_ns && c->time_ns > rec->meta.start_ns)
		snprintf(percent, sizeof(percent), "%.1f%% of one CPU",
			 100.0 * c->bpf_ns / c->bpf_events * c->events / duration);
	if (c->bpf_events)
		snprintf(bpf, sizeof(bpf), "%.0f ns of BPF per event%s%s",
			 (double)c->bpf_ns / c->bpf_events, *percent ? ", " : "", percent);
	else
		snprintf(bpf, sizeof(bpf), "time in BPF not measured");
	if (rec->meta.start_ns && c->time_ns > rec->meta.start_ns)
		snprintf(cpu, sizeof(cpu), "recorder %.1f%% of one CPU",
			 100.0 * c->cpu_ns / duration);
	heading__line(s, "cost", "%s; %s", bpf, cpu);
}

static void about_host_state(const struct screen *s, const struct host_facts *host)
{
	char words[HOST_FACT_WORDS];

	for (u32 i = 0; host && i < host->nr && i < MAX_FACTS; i++)
		heading__line(s, i ? "" : "state", "%s", host_fact__words(&host->fact[i], words));
}

static void about_limits(const struct screen *s, const struct vm_limits *limits)
{
	char words[LIMITS_WORDS];

	for (u32 i = 0; limits && i < limits->nr_vms && i < MAX_VMS; i++)
		heading__line(s, "limits", "%s", limits__of_vm(&limits->vm[i], words));
	for (u32 i = 0; limits && i < limits->nr_groups && i < MAX_VMS; i++)
		heading__line(s, "cgroup", "%s", limits__of_group(&limits->group[i], words));
}

/* What looks unknown, or odd, and why. */
static void about_privacy(const struct screen *s, const struct recording *rec)
{
	static const struct { u32 state; const char *what; } lines[] = {
		{ PRIVACY_REMAP, "made up" }, { PRIVACY_REMOVE, "removed" }, { SECRET_NOT_RECORDED, "withheld" },
	};
	char list[SECRETS_LIST];

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (*secrets__in_state(rec->meta.hidden, lines[i].state, false, list))
			heading__line(s, lines[i].what, "%s (%s)", list,
				      lines[i].state == SECRET_NOT_RECORDED ?
				      "record --no-addresses" : "kvmw scrub");
}

static void about_damage(const struct screen *s, const struct report *rep)
{
	const struct recording *rec = rep->rec;
	char missing[32] = "an unknown number of", where[64] = "the source of this recording";
	bool of_rows = rep->nr_rows && rep->partly;

	if ((!rec->nr_damage && !rec->missing_rows) || (recording__was_cut(rec) && !of_rows))
		return;
	if (rec->nr_damage)
		snprintf(where, sizeof(where), "%u place%s of the file", rec->nr_damage,
			 rec->nr_damage == 1 ? "" : "s");
	if (rec->missing_rows)
		snprintf(missing, sizeof(missing), "at least %llu",
			 (unsigned long long)rec->missing_rows);
	heading__line(s, "damaged", "%s: %s event%s missing%s", where, missing,
		      rec->missing_rows == 1 ? " is" : "s are",
		      of_rows ?
		      ". Count, time and mean are exact; columns marked * cover only what "
		      "could be read" : "");
}

static void about_window(const struct screen *s, const struct report *rep)
{
	const struct recording *rec = rep->rec;
	u64 start = rec->meta.start_ns ?: rec->first_ns;
	u64 from = rec->window.from > start ? rec->window.from - start : 0;
	u64 to = rec->window.to > start ? rec->window.to - start : 0;
	const char *wrong = recording__wrong_window(rec);

	if (wrong)
		heading__line(s, "window", "empty: it %s; the recording lasts %.6f s", wrong,
			      rep->duration_ns / 1e9);
	else
		heading__line(s, "window",
			      "%.6f to %.6f s: all numbers cover only the %s recorded in "
			      "it%s%s", from / 1e9,
			      (to < rep->duration_ns ? to : rep->duration_ns) / 1e9,
			      rep->desc->plural, rep->lost ? "; some of them were lost" : "",
			      rec->meta.selective ? "; others were filtered, as requested" : "");
}

static void about_where(const struct screen *s, const struct report *rep)
{
	heading__line(s, "where",
		      "%s: all numbers cover only the recorded %s for which this is true%s%s",
		      rep->opt->where, rep->desc->plural,
		      rep->lost ? "; some of those lost may match" : "",
		      rep->rec->meta.selective ? "; others were filtered, as requested" : "");
}

/* What the numbers cover if some events have no rows. */
static const char *exactness(const struct report *rep)
{
	if (rep->fine && rep->filtered)
		return "the rows and their total cover only these";
	if (!rep->total.exact)
		return "counts and times are too low";
	if (rep->fine)
		return "only the total's count, time and mean are exact";
	return "count, time and mean are exact; columns marked * cover only the recorded ones";
}

static void about_filtered(const struct screen *s, const struct report *rep)
{
	char recorded[UNITS_MAX], all[UNITS_MAX];

	heading__line(s, "filtered", "%s of %s %s were recorded, as requested%s; %s",
		      units__count(rep->recorded, recorded), units__count(rep->counted.count, all),
		      event_desc__noun(rep->desc, rep->counted.count),
		      rep->lost ? ", and some were lost" : "", exactness(rep));
}

const char *render__vmm_contains(const struct recording *rec)
{
	return rec->event_rows[KVMW_EVENT_SCHED] ?
	       "contains waits for a CPU and sleep, which kvmw report -e sched shows" :
	       "contains waits for a CPU and sleep; record with -e userspace,sched to see them";
}

bool render__shows_note(const struct report *rep, const char *note)
{
	for_each_captured_event(event) {
		size_t len = strlen(event->name);

		if (!strncmp(note, event->name, len) && !strncmp(note + len, ": ", 2))
			return event->id == rep->event;
	}
	return true;
}

const char *render__resolution(const struct resolution *r, char *buf, size_t size)
{
	char text[RESOLUTION_TEXT];

	*buf = '\0';
	if (r->steps)
		snprintf(buf, size, "%s: durations of events are accurate to 1/%u or %u ns, whichever is less, their times "
			 "to %u ns", resolution__text(r, text), r->steps, RESOLUTION_LONG_NS,
			 RESOLUTION_LONG_NS);
	else if (r->ns)
		snprintf(buf, size, "%s: durations and times of events are accurate to that",
			 resolution__text(r, text));
	return buf;
}

static void about_resolution(const struct screen *s, const struct recording *rec)
{
	char words[160];

	if (*render__resolution(&rec->meta.resolution, words, sizeof(words)))
		heading__line(s, "resolution", "%s%s", words,
			      recording__is_part(rec) ? "" : "; totals are exact");
}

static void about_trust(const struct screen *s, const struct report *rep, bool verbose)
{
	const struct recording *rec = rep->rec;

	about_damage(s, rep);
	about_resolution(s, rec);
	if (rec->meta.part)
		heading__line(s, "part", "of a longer recording: %s", rec->meta.part);
	if (rec->window.active)
		about_window(s, rep);
	if (rep->opt->where)
		about_where(s, rep);
	if (recording__is_part(rec))
		;
	else if (rep->filtered)
		about_filtered(s, rep);
	else if (rec->meta.selective && !rep->counted.exact && rep->recorded)
		heading__line(s, "filtered",
			      "only some %s were recorded, as requested; all numbers "
			      "cover only these", rep->desc->plural);
	else if (rep->lost)
		heading__line(s, "lost", "the ring buffers overflowed; %s", exactness(rep));
	if (rep->fell_back)
		heading__line(s, "shown",
			      "returns of KVM_RUN to the VMM, and the time until it called KVM_RUN "
			      "again: there are no VM exits in this recording");
	if (rep->event == KVMW_EVENT_USERSPACE)
		heading__line(s, "VMM", "%s", render__vmm_contains(rec));
	for (u32 i = 0; i < rec->meta.notes.nr; i++)
		if (verbose || render__shows_note(rep, rec->meta.notes.text[i]))
			heading__line(s, "note", "%s", rec->meta.notes.text[i]);
}

/* What is recorded, when and where; the kernel, if it fits into the line. */
static void say_what(const struct screen *s, const struct recording *rec)
{
	const struct rec_meta *m = &rec->meta;
	char file[FILE_AND_TIME], words[sizeof(file) + 512], kernel[512] = "";
	size_t len;

	snprintf(words, sizeof(words), "%s%s%s", file_and_time(rec, file, sizeof(file)),
		 m->host ? " on " : "", m->host ?: "");
	if (m->kernel)
		snprintf(kernel, sizeof(kernel), " (Linux %s%s%s)", m->kernel,
			 m->module ? ", " : "", m->module ?: "");
	len = strlen(words);
	if (screen__width(s, words) + screen__width(s, kernel) + strlen("# ") <= s->width)
		snprintf(words + len, sizeof(words) - len, "%s", kernel);
	screen__wrap(s, "# ", "# ", words);
}

void render__name_vms(const struct recording *rec, char *buf, size_t size)
{
	u32 vcpus = 0;

	*buf = '\0';
	for (u32 i = 0; i < rec->nr_vcpus; i++)
		vcpus += rec_vcpu__is_vcpu(&rec->vcpu[i]) && recording__vm(rec, rec->vcpu[i].vm);
	for (u32 i = 0; i < rec->nr_vms && rec->nr_vms <= NAMED_VMS; i++) {
		const struct rec_vm *vm = &rec->vm[i];
		size_t len = strlen(buf);
		char pid[REC_VM_NAME];

		snprintf(buf + len, size - len, "VM %s%sof %s (pid %s), ", vm->name,
			 *vm->name ? " " : "", *vm->vmm ? vm->vmm : "an unknown VMM",
			 rec_vm__name(vm, pid));
	}
	if (rec->nr_vms > NAMED_VMS)
		snprintf(buf, size, "%u VMs, ", rec->nr_vms);
	snprintf(buf + strlen(buf), size - strlen(buf), "%u vCPU%s", vcpus, vcpus == 1 ? "" : "s");
}

/* Of a recording without events: what it would have had. */
static const struct event_desc *asked_for(const struct report *rep)
{
	const struct rec_texts *events = &rep->rec->meta.events;
	const struct event_desc *first = events->nr ? event_desc__by_name(events->text[0]) : NULL;

	return first && !rep->all_recorded ? first : rep->desc;
}

static void say_how_much(const struct screen *s, const struct report *rep)
{
	char vms[500], rows[UNITS_MAX], lost[UNITS_MAX], words[1024];
	const struct recording *rec = rep->rec;

	render__name_vms(rec, vms, sizeof(vms));
	/* They are known by their threads alone. */
	if (!rec->nr_vms && rep->nr_idle)
		snprintf(vms, sizeof(vms), "%u vCPU%s without an event", rep->nr_idle,
			 rep->nr_idle == 1 ? "" : "s");
	if (!rep->recorded && !rep->lost && !rec->event_rows[rep->event] &&
	    !report__was_asked_for(rec, rep->desc->name))
		snprintf(words, sizeof(words), "%s: no %s recorded", vms, asked_for(rep)->plural);
	else
		snprintf(words, sizeof(words), "%s: %s %s, %s%s lost", vms,
			 units__count(rep->recorded, rows),
			 event_desc__noun(rep->desc, rep->recorded),
			 recording__is_part(rec) && rep->lost ? "up to " : "",
			 units__count(rep->lost, lost));
	screen__wrap(s, "# ", "# ", words);
}

void render__heading(const struct screen *s, const struct report *rep,
		     const struct findings *findings, bool verbose)
{
	say_what(s, rep->rec);
	say_how_much(s, rep);
	if (rep->rec->meta.trigger)
		heading__line(s, "trigger", "%s, at %.3f s", rep->rec->meta.trigger,
			      recording__since_start(rep->rec, rep->rec->meta.trigger_ns) / 1e9);
	if (recording__unfinished(rep->rec))
		heading__line(s, "cut off", "%s",
			      recording__was_cut(rep->rec) ? CUT_SHORT : UNFINISHED);
	if (verbose) {
		about_host(s, rep->rec);
		render__vms(s, rep->rec);
		about_command(s, &rep->rec->meta.command);
		about_rows(s, rep);
		about_cost(s, rep->rec);
		about_host_state(s, rep->host);
		about_limits(s, rep->limits);
	}
	about_privacy(s, rep->rec);
	about_others(s, rep, findings);
	about_trust(s, rep, verbose);
	fputc('\n', s->out);
}

void render__files_heading(const struct screen *s, const struct report *rep)
{
	char rows[UNITS_MAX], lost[UNITS_MAX], words[320];

	snprintf(words, sizeof(words), "All %u recordings together, %.3f s: %s %s, %s%s lost%s",
		 rep->nr_files, recording__covered(rep->rec) / 1e9,
		 units__count(rep->recorded, rows), event_desc__noun(rep->desc, rep->recorded),
		 recording__is_part(rep->rec) && rep->lost ? "up to " : "",
		 units__count(rep->lost, lost),
		 rep->partly ?
		 "; columns marked * cover only what was recorded and could be read" : "");
	screen__wrap(s, "# ", "# ", words);
	fputc('\n', s->out);
}

void render__of_the_recorded(const struct screen *s, const struct report *rep)
{
	char recorded[UNITS_MAX], all[UNITS_MAX], words[200];

	if (!rep->recorded || (!rep->lost && !rep->filtered && !rep->rec->nr_damage))
		return;
	units__count(rep->recorded, recorded);
	if (rep->counted.exact && !recording__is_part(rep->rec) &&
	    rep->recorded < rep->counted.count)
		snprintf(words, sizeof(words), "cover only the %s recorded %s, not all %s.",
			 recorded, event_desc__noun(rep->desc, rep->recorded),
			 units__count(rep->counted.count, all));
	else
		snprintf(words, sizeof(words), "cover only the %s recorded %s: some %s.", recorded,
			 event_desc__noun(rep->desc, rep->recorded),
			 rep->rec->nr_damage ? "could not be read" : "were lost");
	fputc('\n', s->out);
	screen__wrap(s, "The sections below ", "", words);
}
