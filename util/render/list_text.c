// SPDX-License-Identifier: GPL-2.0
/* kvmw list, for people. */
#include <stdio.h>
#include <string.h>

#include "util/render/list.h"

#define INDENT	"                    "		/* the columns before "Description" and "Events" */

static void list_text__vms(const struct screen *s, const struct listing *list)
{
	char words[160];

	if (!list->nr_vms)
		fprintf(s->out, "%s\n", list->hidden ? "No virtual machines visible." :
						       "No virtual machines are running on this host.");
	else
		fprintf(s->out, "%8s %6s  %-20s %s\n", "PID", "vCPUs", "VMM", "Name");
	for (u32 i = 0; i < list->nr_vms; i++) {
		const struct listing_vm *vm = &list->vm[i];
		u32 width = screen__width(s, vm->vmm);

		fprintf(s->out, "%8u %6u  ", vm->pid, vm->nr_vcpus);
		screen__text(s, vm->vmm);
		fprintf(s->out, "%*s ", width < 20 ? 20 - (int)width : 0, "");
		screen__text(s, vm->name[0] ? vm->name : "-");
		fputc('\n', s->out);
	}
	if (!list->hidden)
		return;
	snprintf(words, sizeof(words), "(%u %s could not be inspected%s)", list->hidden,
		 list->hidden == 1 ? "process" : "processes", list->privileged ?
		 ": a security policy or a user namespace protects them" :
		 ": run as root, or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH");
	screen__wrap(s, "", "", words);
}

/* One more line about an event, if there is something to say. */
static void list_text__remark(const struct screen *s, const char *before, const char *words)
{
	char line[600];

	if (!words)
		return;
	snprintf(line, sizeof(line), "%s%s", before, words);
	screen__wrap(s, INDENT, INDENT, line);
}

static void list_text__events(const struct screen *s, const struct listing *list)
{
	char first[32];

	fprintf(s->out, "\n%-10s %-8s %s\n", "Event", "Default", "Description");
	for_each_named_event(event) {
		const struct listing_event *here = &list->event[event->id];

		snprintf(first, sizeof(first), "%-10s %-8s ", event->name,
			 listing__is_default(list, event) ? "yes" : "no");
		screen__wrap(s, first, INDENT, event->doc);
		list_text__remark(s, "runs at ", event->cost);
		list_text__remark(s, "unavailable: ", here->missing);
		if (!here->missing)
			list_text__remark(s, "this kernel lacks ", here->lacks);
	}
}

static void list_text__group(const struct screen *s, const char *name, const char *words)
{
	char first[32];

	snprintf(first, sizeof(first), "%-19s ", name);
	screen__wrap(s, first, INDENT, words);
}

static void list_text__groups(const struct screen *s)
{
	fprintf(s->out, "\n%-19s %s\n", "Group", "Events");
	for (u32 group = 0; group < KVMW_NR_GROUPS; group++) {
		char names[512] = "";

		for_each_named_event(event)
			if (event_group__events(group) & BIT(event->id))
				snprintf(names + strlen(names), sizeof(names) - strlen(names),
					 "%s%s", *names ? ", " : "", event->name);
		list_text__group(s, event_group__name(group), names);
	}
	list_text__group(s, "CATEGORY:NAME", "any tracepoint, such as kvm:kvm_pio");
}

void render__list(const struct screen *s, const struct listing *list)
{
	list_text__vms(s, list);
	list_text__events(s, list);
	list_text__groups(s);
}
