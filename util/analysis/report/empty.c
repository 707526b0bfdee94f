// SPDX-License-Identifier: GPL-2.0
/* An empty report says why it is empty. */
#include <stdio.h>
#include <string.h>

#include "util/analysis/cpu_holders.h"
#include "util/analysis/report/internal.h"
#include "util/analysis/taken_sums.h"
#include "util/analysis/vm_threads.h"
#include "util/error.h"
#include "util/nearest.h"

static void list_vcpus(const struct recording *rec, char *buf, size_t size)
{
	char name[REC_VM_NAME];
	size_t len = 0;

	*buf = '\0';
	for (u32 i = 0, nr = 0; i < rec->nr_vcpus && len + 64 < size; i++) {
		const struct rec_vm *vm = recording__vm(rec, rec->vcpu[i].vm);

		if (!rec_vcpu__is_vcpu(&rec->vcpu[i]))
			continue;
		if (nr++ == 8) {
			snprintf(buf + len, size - len, ", ...");
			break;
		}
		len += snprintf(buf + len, size - len, "%s%lld of pid %s%s%.20s",
				nr > 1 ? ", " : "", (long long)rec->vcpu[i].vcpu,
				vm ? rec_vm__name(vm, name) : "0", vm && *vm->name ? " " : "",
				vm ? vm->name : "");
	}
}

/* Whether "a, b" has the item. */
static bool lists(const char *list, const char *item)
{
	size_t len = strlen(item);

	for (const char *at = strstr(list, item); at; at = strstr(at + 1, item))
		if ((at == list || at[-1] == ' ') && (!at[len] || at[len] == ','))
			return true;
	return false;
}

/* The exit reasons that occur, by their own instruction sets. */
static void list_reasons(const struct report *rep, struct nearest *n, char *buf, size_t size)
{
	const struct agg_table *all = &rep->rec->totals;
	char name[REASON_NAME_MAX];
	size_t len = 0;

	*buf = '\0';
	for (u32 i = 0; i < all->table.nr && len + REASON_NAME_MAX + 8 < size; i++) {
		const struct agg *agg = agg_table__at(all, i);

		if (agg->key.event != rep->event || !agg->total.count)
			continue;
		reason_name(agg->key.isa, agg->key.reason, name, sizeof(name));
		if (lists(buf, name))
			continue;
		nearest__offer(n, name);
		len += snprintf(buf + len, size - len, "%s%s", len ? ", " : "", name);
	}
}

static void why_no_such_reason(struct report *rep)
{
	const struct reason_list *reasons = &rep->opt->reasons;
	char occur[512];
	struct nearest n;

	nearest__begin(&n, reasons->word[0], strlen(reasons->word[0]));
	list_reasons(rep, &n, occur, sizeof(occur));
	snprintf(rep->empty, sizeof(rep->empty), "no %s with --reason %s%s%s%s%s",
		 rep->desc->plural, reasons->word[0], reasons->nr > 1 ? " or the others" : "",
		 nearest__hint(&n), *occur ? "; the recording contains: " : "", occur);
}

static void why_filtered(struct report *rep)
{
	const struct recording *rec = rep->rec;
	const char *given[] = { rep->opt->vcpus.nr ? "--vcpu" : NULL,
				rep->opt->pids.nr ? rep->opt->pids.option : NULL,
				rep->opt->reasons.nr ? "--reason" : NULL,
				rep->opt->where ? "--where" : NULL,
				rec->window.active ? time_window__chosen(&rec->window) : NULL };
	double seconds = rep->duration_ns / 1e9;
	char vcpus[320], by[96] = "", extent[REC_EXTENT];

	if (recording__wrong_window(rec)) {
		snprintf(rep->empty, sizeof(rep->empty), "%s%s %s; the recording %s",
			 time_window__is_given(&rec->window) ? "the window of " : "",
			 time_window__chosen(&rec->window), recording__wrong_window(rec),
			 recording__extent(rec, extent, sizeof(extent)));
		return;
	}
	if (rec->window.active && rep->lost && !rep->opt->where) {
		snprintf(rep->empty, sizeof(rep->empty),
			 "nothing was recorded in %s%s; up to %llu events of it "
			 "were lost: the ring was full", time_window__that(&rec->window),
			 time_window__chosen(&rec->window),
			 (unsigned long long)rep->lost);
		return;
	}
	if (rep->opt->where && !rec->window.active && !rep->opt->vcpus.nr && !rep->opt->pids.nr &&
	    !rep->opt->reasons.nr) {
		snprintf(rep->empty, sizeof(rep->empty),
			 "--where is true for none of the %llu recorded %s%s",
			 (unsigned long long)rec->event_rows[rep->event], rep->desc->plural,
			 rep->lost ? "; others were lost" : "");
		return;
	}
	if (rep->opt->reasons.nr && !recording__is_part(rec) && !rep->opt->vcpus.nr &&
	    !rep->opt->pids.nr) {
		why_no_such_reason(rep);
		return;
	}
	if (rec->window.active && !rep->opt->where && !rep->opt->vcpus.nr && !rep->opt->pids.nr &&
	    !rep->opt->reasons.nr) {
		snprintf(rep->empty, sizeof(rep->empty),
			 "nothing happened in %s%s; the recording lasts %.6f s", time_window__that(&rec->window),
			 time_window__chosen(&rec->window), seconds);
		return;
	}
	list_vcpus(rec, vcpus, sizeof(vcpus));
	for (size_t i = 0; i < ARRAY_SIZE(given); i++)
		if (given[i])
			snprintf(by + strlen(by), sizeof(by) - strlen(by), "%s%s",
				 *by ? ", " : "", given[i]);
	snprintf(rep->empty, sizeof(rep->empty),
		 "none of the %llu recorded events is left by %s; the recording holds vCPUs: %s",
		 (unsigned long long)rep->all_recorded, by, rec->nr_vcpus ? vcpus : "none");
}

void report__list_events(const struct recording *rec, char *buf, size_t size)
{
	size_t len = 0;

	*buf = '\0';
	for (u32 id = 0; id < ARRAY_SIZE(rec->event_rows) && len < size; id++) {
		const struct event_desc *event = event_desc__by_id(id);

		if (rec->event_rows[id] && event && event_desc__captured(id))
			len += snprintf(buf + len, size - len, "%s%s %llu", *buf ? ", " : "",
					event->name, (unsigned long long)rec->event_rows[id]);
	}
}

bool report__was_asked_for(const struct recording *rec, const char *name)
{
	const struct rec_texts *events = &rec->meta.events;

	for (u32 i = 0; i < events->nr; i++)
		if (!strcmp(events->text[i], name))
			return true;
	return false;
}

static bool has_tracepoint(const struct report *rep)
{
	const struct rec_meta *m = &rep->rec->meta;

	for (u32 i = 0; i < m->nr_tracepoints; i++)
		if (!strcmp(m->tracepoint[i].name, rep->opt->tracepoint))
			return true;
	return false;
}

int report__check_limit(const struct report *rep, const char *done)
{
	int ret = 0;

	if (rep->over_limit)
		ret = error("%s: %llu event%s not %s: more different keys than kvmw keeps",
			    rep->rec->path, (unsigned long long)rep->over_limit,
			    rep->over_limit == 1 ? " is" : "s are", done);
	if (rep->details_over_limit)
		ret = error("%s: the details of %llu event%s are not %s, nor do findings know them: more different "
			    "ones than kvmw keeps", rep->rec->path, (unsigned long long)rep->details_over_limit,
			    rep->details_over_limit == 1 ? "" : "s", done);
	return ret;
}

const char *report__doubt(const struct report *rep)
{
	const char *name = rep->opt->tracepoint;

	return name && !has_tracepoint(rep) && !report__was_asked_for(rep->rec, name) ?
	       ", if its host has that tracepoint" : "";
}

/*
 * Why there are no exits though they were asked for: the recorder said it, or it did not know yet
 * what to say. No vCPU returns to the VMM without one. NULL: there were none.
 */
static const char *why_not_recorded(const struct report *rep)
{
	const struct recording *rec = rep->rec;

	if (rec->meta.skipped[rep->event])
		return rec->meta.skipped[rep->event];
	return rep->event == KVMW_EVENT_EXIT && rec->event_rows[KVMW_EVENT_USERSPACE] &&
	       !rep->counted.count && !rec->nr_damage && rec->finished ?
	       "the host did not show them" : NULL;
}

/* Returns 1 if the requested event has no rows, and said why.  The texts are in JSON: frozen. */
static int why_not_there(struct report *rep)
{
	const struct recording *rec = rep->rec;
	const char *name = rep->opt->tracepoint ?: event_desc__by_id(rep->event)->name;
	bool there = rep->opt->tracepoint ? has_tracepoint(rep) : rec->event_rows[rep->event];
	bool asked = there || report__was_asked_for(rec, name);
	const char *why = rep->opt->tracepoint ? NULL : why_not_recorded(rep);
	char holds[512];

	if (!rep->opt->event || (!rep->opt->tracepoint && there))
		return 0;
	/* It has something to show. */
	if ((rep->holders && rep->holders->nr_each) ||
	    (rep->event == KVMW_EVENT_MMU && rep->taken && rep->taken->nr))
		return 1;
	report__list_events(rec, holds, sizeof(holds));
	if (why && (asked || rec->meta.skipped[rep->event]))
		snprintf(rep->empty, sizeof(rep->empty),
			 "%s were not recorded: %s; the recording holds: %s", rep->desc->plural, why,
			 *holds ? holds : "none at all");
	else if (!asked)
		snprintf(rep->empty, sizeof(rep->empty),
			 "the recording holds no %s events, but: %s; kvmw record -e %s records them",
			 name, *holds ? holds : "none at all",
			 strcmp(name, "raw") ? name : "CATEGORY:NAME");
	else if (report__is_filtered(rep))
		return 0;
	else if (rep->filtered)
		snprintf(rep->empty, sizeof(rep->empty),
			 "%s %llu %s %s filtered when it was recorded; -s vcpu shows the kernel's counts",
			 rep->filtered == 1 ? "the" : "all", (unsigned long long)rep->filtered,
			 event_desc__noun(rep->desc, rep->filtered),
			 rep->filtered == 1 ? "was" : "were");
	else
		snprintf(rep->empty, sizeof(rep->empty),
			 "no %s event %s; the recording holds: %s", name,
			 rec->nr_damage ? "could be read of what is damaged" :
			 rec->finished ? "happened while it was recorded" :
			 "was written before the recorder was ended", *holds ? holds : "none at all");
	return 1;
}

/* What the vCPUs did instead of exiting. */
static void why_idle(struct report *rep)
{
	u32 busy = 0, asleep = 0, unknown;
	char words[3][64] = { "" };

	for (u32 i = 0; i < rep->nr_idle; i++) {
		const struct vm_thread *t = rep->idle[i];

		busy += t->asleep_ns != KVMW_NONE && t->asleep_ns < t->span_ns / 2;
		asleep += t->asleep_ns != KVMW_NONE && t->asleep_ns >= t->span_ns / 2;
	}
	unknown = rep->nr_idle - busy - asleep;
	if (asleep)
		snprintf(words[0], sizeof(words[0]), ", %u asleep most of the time", asleep);
	if (busy)
		snprintf(words[1], sizeof(words[1]), ", %u on a CPU or waiting for one", busy);
	if (unknown)
		snprintf(words[2], sizeof(words[2]), ", %u of unknown state", unknown);
	snprintf(rep->empty, sizeof(rep->empty),
		 "no VM exit happened while it was recorded (%.3f s): %u vCPU%s%s%s%s",
		 rep->duration_ns / 1e9, rep->nr_idle, rep->nr_idle == 1 ? "" : "s", words[0],
		 words[1], words[2]);
}

static bool was_cut_out(const struct report *rep)
{
	const struct rec_texts *without = &rep->rec->meta.part_without;
	const char *name = rep->opt->tracepoint ?: rep->desc->name;

	for (u32 i = 0; i < without->nr; i++)
		if (!strcmp(without->text[i], name))
			return true;
	return false;
}

void report__say_why_empty(struct report *rep)
{
	const struct recording *rec = rep->rec;
	u64 rows = rep->all_recorded;

	if (was_cut_out(rep)) {
		char holds[512];

		report__list_events(rec, holds, sizeof(holds));
		snprintf(rep->empty, sizeof(rep->empty),
			 "%s were cut out when this part was made of a recording; it holds: %s",
			 rep->opt->tracepoint ?: rep->desc->plural, *holds ? holds : "no events");
		return;
	}
	if (why_not_there(rep))
		return;
	/* From a pipe, which cannot be read once more. */
	if (!rep->opt->event && report__only_family(rec)) {
		char holds[512];

		report__list_events(rec, holds, sizeof(holds));
		snprintf(rep->empty, sizeof(rep->empty),
			 "the recording holds no exit events, but: %s; -e shows them", holds);
		return;
	}
	if (!rep->opt->event && !rows && rec->meta.events.nr &&
	    !report__was_asked_for(rec, "exit")) {
		const struct event_desc *first = event_desc__by_name(rec->meta.events.text[0]);

		if (rec->meta.trigger)
			snprintf(rep->empty, sizeof(rep->empty),
				 "in the %.3f s of this snapshot there were no %s%s",
				 rep->duration_ns / 1e9,
				 first ? first->plural : rec->meta.events.text[0],
				 rec->meta.events.nr > 1 ?
				 ", nor anything else that is recorded" : "");
		else
			snprintf(rep->empty, sizeof(rep->empty),
				 "VM exits were not asked for when it was recorded; of %s%s there was none",
				 rec->meta.events.text[0],
				 rec->meta.events.nr > 1 ? " and the others" : "");
		return;
	}
	if (report__is_filtered(rep))
		why_filtered(rep);
	else if (rows)
		snprintf(rep->empty, sizeof(rep->empty),
			 "none of its %llu events could be read", (unsigned long long)rows);
	else if (rec->nr_damage || !rec->finished)
		snprintf(rep->empty, sizeof(rep->empty),
			 "nothing was recorded before the %s", rec->nr_damage ?
			 "damage" : "recorder was ended");
	else if (rep->nr_idle && rep->event == KVMW_EVENT_EXIT)
		why_idle(rep);
	else if (!rec->nr_vcpus)
		snprintf(rep->empty, sizeof(rep->empty),
			 "no VM was running while it was recorded (%.3f s), or none of its vCPUs "
			 "that were asked for",
			 rep->duration_ns / 1e9);
	else
		snprintf(rep->empty, sizeof(rep->empty),
			 "no VM exit happened while it was recorded (%.3f s, %u vCPU%s)",
			 rep->duration_ns / 1e9, rec->nr_vcpus, rec->nr_vcpus == 1 ? "" : "s");
}
