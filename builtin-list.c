// SPDX-License-Identifier: GPL-2.0
/* kvmw list: this host's VMs, and the events with, where one is missing, why. */
#include <argp.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builtin.h"
#include "util/arch/arch.h"
#include "util/capture/provider.h"
#include "util/capture/tracefs.h"
#include "util/capture/tracefs.h"
#include "util/capture/vm.h"
#include "util/error.h"
#include "util/event_desc.h"

#define INDENT 20

struct list {
	bool json;
	struct vm *vms;
	int nr_vms;
	u32 hidden;
};

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "Print JSON", 0 },
	{ 0 }
};

static error_t cmd_list__parse(int key, char *arg, struct argp_state *state)
{
	struct list *list = state->input;

	switch (key) {
	case 'j':
		list->json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument '%s'", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp list_argp = {
	.options = options,
	.parser = cmd_list__parse,
	.doc = "Show the virtual machines that run on this host, and the events kvmw record can record.",
};

/* Why it gives nothing on this host; NULL: it works. */
static const char *missing(u32 event, char *buf, size_t size)
{
	const char *why = provider__missing(event, buf, size);

	if (!why && provider__needs(BIT(event), PROBE_EXIT))
		why = arch__silent_exit();
	return why;
}

static void print_vms(const struct list *list)
{
	if (!list->nr_vms)
		puts(list->hidden ? "No virtual machine is seen." : "No virtual machine runs on this host.");
	else
		printf("%8s %6s  %-20s %s\n", "PID", "vCPUs", "VMM", "Name");
	for (int i = 0; i < list->nr_vms; i++) {
		const struct vm *vm = &list->vms[i];

		printf("%8d %6u  %-20s %s\n", vm->pid, vm->nr_vcpus, vm->vmm,
		       vm->name[0] ? vm->name : "-");
	}
	if (list->hidden)
		printf("(%u could not be looked into: that takes root, or CAP_SYS_PTRACE and\n"
		       "CAP_DAC_READ_SEARCH)\n", list->hidden);
}

/* Words at column INDENT, on as many lines as 80 columns take. */
static void wrapped(const char *words)
{
	int at = INDENT;

	while (*words) {
		int len = strcspn(words, " ");

		if (at > INDENT && at + 1 + len > 80)
			at = printf("\n%*s", INDENT, "") - 1;
		at += printf("%s%.*s", at > INDENT ? " " : "", len, words);
		words += len + (words[len] == ' ');
	}
	putchar('\n');
}

/* One more line about an event, if there is something to say. */
static void remark(const char *before, const char *words)
{
	char line[600];

	if (!words)
		return;
	snprintf(line, sizeof(line), "%s%s", before, words);
	printf("%*s", INDENT, "");
	wrapped(line);
}

static void cmd_list__print_groups(void)
{
	printf("\n%-*s %s\n", INDENT - 1, "Group", "Events");
	for (u32 group = 0; group < KVMW_NR_GROUPS; group++) {
		char list[200] = "";

		for_each_named_event(event)
			if (event_group__events(group) & BIT(event->id))
				snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s",
					 *list ? ", " : "", event->name);
		printf("%-*s ", INDENT - 1, event_group__name(group));
		wrapped(list);
	}
	printf("%-*s ", INDENT - 1, "CATEGORY:NAME");
	wrapped("any tracepoint, as kvm:kvm_pio");
}

static void print_events(void)
{
	char buf[512];

	printf("\n%-10s %-8s %s\n", "Event", "Default", "What");
	for_each_named_event(event) {
		const char *why;

		printf("%-10s %-8s ", event->name, event->on_by_default ? "yes" : "no");
		wrapped(event->doc);
		why = missing(event->id, buf, sizeof(buf));
		remark("runs at ", event->cost);
		remark("not here: ", why);
		if (!why)
			remark("this kernel has no ", provider__lacks(event->id, buf, sizeof(buf)));
	}
	cmd_list__print_groups();
}

static struct json_object *vms_json(const struct list *list)
{
	struct json_object *array = json_object_new_array();

	for (int i = 0; i < list->nr_vms; i++) {
		struct json_object *o = json_object_new_object();

		json_object_object_add(o, "pid", json_object_new_int(list->vms[i].pid));
		json_object_object_add(o, "vmm", json_object_new_string(list->vms[i].vmm));
		json_object_object_add(o, "name", json_object_new_string(list->vms[i].name));
		json_object_object_add(o, "vcpus", json_object_new_int(list->vms[i].nr_vcpus));
		json_object_array_add(array, o);
	}
	return array;
}

static struct json_object *text_json(const char *text)
{
	return text ? json_object_new_string(text) : NULL;
}

/* Its tracepoints that are rows as they are, and the kinds of these. */
static struct json_object *points_json(u32 event)
{
	struct json_object *array = json_object_new_array();

	for (u32 i = 0; i < KVMW_NR_POINTS; i++) {
		const struct attach_method *method = &probes[PROBE_POINTS + i].methods[0];
		struct json_object *o;

		if (points[i].event != event)
			continue;
		o = json_object_new_object();
		json_object_object_add(o, "name", json_object_new_string(probes[PROBE_POINTS + i].what));
		json_object_object_add(o, "kind", json_object_new_int(points[i].kind));
		json_object_object_add(o, "here", json_object_new_boolean(
					!tracefs__tracepoint(method->category, method->name)));
		json_object_array_add(array, o);
	}
	return array;
}

static struct json_object *events_json(void)
{
	struct json_object *array = json_object_new_array();

	for_each_named_event(event) {
		struct json_object *o = json_object_new_object();
		u32 i = event->id;
		char buf[512];

		json_object_object_add(o, "name", json_object_new_string(event->name));
		json_object_object_add(o, "default", json_object_new_boolean(event->on_by_default));
		json_object_object_add(o, "doc", json_object_new_string(event->doc));
		json_object_object_add(o, "runs_at", text_json(event->cost));
		json_object_object_add(o, "tracepoints", points_json(i));
		json_object_object_add(o, "missing", text_json(missing(i, buf, sizeof(buf))));
		json_object_object_add(o, "lacks", text_json(provider__lacks(i, buf, sizeof(buf))));
		json_object_array_add(array, o);
	}
	return array;
}

static struct json_object *groups_json(void)
{
	struct json_object *array = json_object_new_array();

	for (u32 group = 0; group < KVMW_NR_GROUPS; group++) {
		struct json_object *o = json_object_new_object();
		struct json_object *events = json_object_new_array();

		json_object_object_add(o, "name", json_object_new_string(event_group__name(group)));
		json_object_object_add(o, "events", events);
		for_each_named_event(event)
			if (event_group__events(group) & BIT(event->id))
				json_object_array_add(events, json_object_new_string(event->name));
		json_object_array_add(array, o);
	}
	return array;
}

static void print_json(const struct list *list)
{
	struct json_object *root = json_object_new_object();

	json_object_object_add(root, "vms", vms_json(list));
	json_object_object_add(root, "hidden", json_object_new_int(list->hidden));
	json_object_object_add(root, "events", events_json());
	json_object_object_add(root, "groups", groups_json());
	puts(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY));
	json_object_put(root);
}

int cmd_list(int argc, const char **argv)
{
	struct list list = {};

	if (argp_parse(&list_argp, argc, (char **)argv, 0, NULL, &list))
		return KVMW_USAGE;
	list.nr_vms = vm__scan(&list.vms, &list.hidden);
	if (list.nr_vms < 0) {
		error("cannot read /proc");
		return KVMW_FAILED;
	}
	if (list.json) {
		print_json(&list);
	} else {
		print_vms(&list);
		print_events();
	}
	free(list.vms);
	if (fflush(stdout) || ferror(stdout)) {
		error("standard output: %s", strerror(errno));
		return KVMW_FAILED;
	}
	return KVMW_OK;
}
