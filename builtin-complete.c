// SPDX-License-Identifier: GPL-2.0
/*
 * kvmw --complete: what a shell offers for the word at the cursor.
 *
 * The shells' scripts in completion/ know no option and no event; all comes from the
 * tables that kvmw itself works by.  A line of the output is a whole word, a tab and what
 * it means; or a request: ":recording", ":file" or ":command" have the shell complete the
 * name of one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builtin-options.h"
#include "builtin.h"
#include "util/analysis/report/key_field.h"
#include "util/analysis/report/report.h"
#include "util/analysis/script.h"
#include "util/analysis/top.h"
#include "util/arch/reason.h"
#include "util/capture/filter_options.h"
#include "util/capture/vm.h"
#include "util/error.h"
#include "util/event_desc.h"
#include "util/privacy/privacy.h"

struct request {
	const struct command *command;
	const char *word;	/* to be completed */
	size_t kept;		/* bytes of it that stay: "--event=exit," */
};

static bool begins(const char *word, const char *with)
{
	return !strncmp(word, with, strlen(with));
}

static void offer(const struct request *r, const char *word, const char *doc)
{
	if (begins(word, r->word + r->kept))
		printf("%.*s%s\t%s\n", (int)r->kept, r->word, word, doc);
}

/* ---- values of options --------------------------------------------------- */

static void named_events(const struct request *r)
{
	for_each_named_event(event)
		offer(r, event->name, event->doc);
}

static void events_and_groups(const struct request *r)
{
	named_events(r);
	for (u32 group = 0; group < KVMW_NR_GROUPS; group++)
		offer(r, event_group__name(group), "a group of events");
}

/* What kvmw stat -e takes. */
static void families_and_groups(const struct request *r)
{
	for_each_named_event(event)
		if (event->class == EVENT_FAMILY && event->id != KVMW_EVENT_STACK)
			offer(r, event->name, event->doc);
	for (u32 group = 0; group < KVMW_NR_GROUPS; group++)
		offer(r, event_group__name(group), "a group of events");
}

/* One kind of an event, as irq:eoi, once the event is typed. */
static void events_and_kinds(const struct request *r)
{
	char word[128];

	named_events(r);
	if (!strchr(r->word + r->kept, ':'))
		return;
	for_each_named_event(event) {
		for (u32 i = 0; i < event->nr_kinds; i++) {
			snprintf(word, sizeof(word), "%s:%s", event->name, event->kinds[i].name);
			offer(r, word, event->kinds[i].doc);
		}
	}
}

static void secrets(const struct request *r)
{
	for (u32 i = 0; i < KVMW_NR_SECRETS; i++)
		offer(r, secret_desc(i)->word, secret_desc(i)->doc);
}

static void reported_events(const struct request *r)
{
	for_each_captured_event(event)
		offer(r, event->name, event->doc);
}

static void stack_events(const struct request *r)
{
	const struct event_desc *event = event_desc__by_id(KVMW_EVENT_STACK);

	for (u32 i = 0; i < event->nr_kinds; i++)
		offer(r, event->kinds[i].name, event->kinds[i].doc);
}

static void running_vms(const struct request *r)
{
	struct vm *vms = NULL;
	u32 hidden;
	int nr = vm__scan(&vms, &hidden);

	for (int i = 0; i < nr; i++) {
		char pid[16], doc[256];

		snprintf(pid, sizeof(pid), "%d", vms[i].pid);
		snprintf(doc, sizeof(doc), "%s, %u vCPU%s, %s", vms[i].name[0] ? vms[i].name : "-",
			 vms[i].nr_vcpus, vms[i].nr_vcpus == 1 ? "" : "s", vms[i].vmm);
		offer(r, pid, doc);
	}
	free(vms);
}

/* Or process ids, which --vm takes as well, of those without a name. */
static void names_of_vms(const struct request *r)
{
	struct vm *vms = NULL;
	u32 hidden;
	int nr = vm__scan(&vms, &hidden);

	for (int i = 0; i < nr; i++) {
		char pid[16];

		snprintf(pid, sizeof(pid), "%d", vms[i].pid);
		offer(r, vms[i].name[0] ? vms[i].name : pid, vms[i].vmm);
	}
	free(vms);
}

static void exit_reasons(const struct request *r)
{
	for (u32 i = 0; i < REASON_MAX_NAMED; i++)
		if (record_filter__reason_name(i))
			offer(r, record_filter__reason_name(i), "exit reason");
}

/* A recording may come from any host. */
static void reasons_of_any(const struct request *r)
{
	for (u32 isa = KVMW_ISA_NONE; isa <= KVMW_ISA_SVM; isa++)
		for (u32 i = 0; i < REASON_MAX_NAMED; i++)
			if (reason_known(isa, i))
				offer(r, reason_known(isa, i), isa_name(isa));
}

/* Of the events that have a field with this name, which can be a key. */
static bool is_first_key(const struct event_desc *event, u32 i)
{
	const char *name = event->fields[i].name;
	struct sort_key key;

	if (!field_key__make(&key, name) || !key.column(&key, event, 0))
		return false;
	for_each_captured_event(other)
		if (event_desc__field(other, name, strlen(name)) >= 0)
			return other == event;
	return false;
}

static bool is_any_field(const char *name)
{
	for_each_captured_event(event)
		if (event_desc__field(event, name, strlen(name)) >= 0)
			return true;
	return false;
}

/* "port": details of exits; several may have the same name. */
static void detail_keys(const struct request *r)
{
	size_t nr;
	const struct kind_desc *details = detail_desc__all(&nr);

	for (size_t i = 1; i < nr; i++) {
		size_t k = 1;

		while (strcmp(details[k].what, details[i].what))
			k++;
		if (k == i && !is_any_field(details[i].what))
			offer(r, details[i].what, "a detail of exits");
	}
}

static void sort_keys(const struct request *r)
{
	bool diff = !strcmp(r->command->name, "diff");

	for (u32 i = 0; i < NR_REPORT_KEYS; i++)
		if (i != KEY_TIME || !diff)
			offer(r, sort_key__get(i)->name, sort_key__get(i)->doc);
	detail_keys(r);
	/* Those of tracepoints are words of a record. */
	for_each_captured_event(event)
		for (u32 i = 0; i < event->nr_fields && event->id != KVMW_EVENT_RAW; i++)
			if (sort_key__find(event->fields[i].name) == NR_REPORT_KEYS &&
			    is_first_key(event, i))
				offer(r, event->fields[i].name, event->fields[i].doc);
}

static void clocks(const struct request *r)
{
	for (u32 i = 0; i < NR_SCRIPT_CLOCKS; i++)
		offer(r, script_clock__name(i), "how times are printed");
}

static void orders(const struct request *r)
{
	for (u32 i = 0; i <= ORDER_KEY; i++)
		if (report_order__name(i))
			offer(r, report_order__name(i), i == ORDER_KEY ? "by key, ascending" :
			      report_column__get(i)->doc);
}

static void top_columns(const struct request *r)
{
	for (u32 i = 0; i < NR_TOP_COLUMNS; i++)
		offer(r, top_column__name(i), top_column__doc(i));
}

static void report_columns(const struct request *r)
{
	for (u32 i = 0; i < NR_REPORT_COLUMNS; i++)
		offer(r, report_column__get(i)->name, report_column__get(i)->doc);
}

/* Words only: in a shell, an expression needs quotes. */
static void triggers(const struct request *r)
{
	offer(r, "gone", "a vCPU is gone: its VM ended, or its VMM died");
	offer(r, "lost", "records were lost");
}

static void switches(const struct request *r)
{
	offer(r, "signal", "at SIGUSR2 alone");
}

static void rows_of_stat(const struct request *r)
{
	offer(r, "reason", "a row for each exit reason");
	offer(r, "vcpu", "a row for each vCPU");
	offer(r, "vm", "a row for each VM");
}

static void rows_of_top(const struct request *r)
{
	rows_of_stat(r);
	offer(r, "detail", "a row for each detail of an exit reason");
}

/* Options whose values are known; FILE is a recording, but for --regions and --guest-*. */
static const struct {
	const char *command, *option;
	void (*offer)(const struct request *r);
} values[] = {
	{ "cut", "event", events_and_groups },
	{ "diff", "event", reported_events },
	{ "diff", "reason", reasons_of_any },
	{ "diff", "sort", sort_keys },
	{ "record", "event", events_and_groups },
	{ "record", "exclude", names_of_vms },
	{ "record", "pid", running_vms },
	{ "record", "reason", exit_reasons },
	{ "record", "stack", stack_events },
	{ "record", "switch-output", switches },
	{ "record", "trigger", triggers },
	{ "record", "vm", names_of_vms },
	{ "report", "event", reported_events },
	{ "report", "fields", report_columns },
	{ "report", "order", orders },
	{ "report", "reason", reasons_of_any },
	{ "report", "sort", sort_keys },
	{ "scrub", "keep", secrets },
	{ "stat", "event", families_and_groups },
	{ "stat", "exclude", names_of_vms },
	{ "stat", "per", rows_of_stat },
	{ "stat", "pid", running_vms },
	{ "stat", "vm", names_of_vms },
	{ "top", "exclude", names_of_vms },
	{ "top", "per", rows_of_top },
	{ "top", "pid", running_vms },
	{ "top", "sort", top_columns },
	{ "top", "vm", names_of_vms },
	{ "script", "clock", clocks },
	{ "script", "event", events_and_kinds },
	{ "script", "reason", reasons_of_any },
};

/* The argument of an option, which begins behind r->kept bytes of the word. */
static void offer_values(struct request *r, const struct argp_option *option)
{
	const char *comma = strrchr(r->word + r->kept, ',');

	/* ADDR:PORT|FILE */
	if (!strcmp(option->name, "openmetrics"))
		puts(":file");
	if (!strcmp(option->arg, "FILE"))
		puts(strcmp(option->name, "regions") &&
		     strncmp(option->name, "guest", strlen("guest")) ? ":recording" : ":file");
	if (comma && strchr(option->arg, '['))
		r->kept = comma + 1 - r->word;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		if (!strcmp(values[i].command, r->command->name) &&
		    !strcmp(values[i].option, option->name))
			values[i].offer(r);
}

/* ---- options ------------------------------------------------------------- */

/* NOLINTNEXTLINE(misc-no-recursion): as deep as tables of options */
static void offer_options(const struct request *r, const struct argp *argp)
{
	char word[64];

	for (const struct argp_option *o = argp->options; o && (o->name || o->doc); o++) {
		if (!o->name || o->flags & OPTION_HIDDEN)
			continue;
		snprintf(word, sizeof(word), "--%s%s", o->name, o->arg ? "=" : "");
		offer(r, word, o->doc);
	}
	for (const struct argp_child *c = argp->children; c && c->argp; c++)
		offer_options(r, c->argp);
}

static bool takes_command(const struct argp *argp)
{
	return argp->args_doc && strstr(argp->args_doc, "COMMAND");
}

/* The words behind the command's name, the last one being typed. */
static void complete_options(struct request *r, const struct argp *argp, int argc,
			     const char **argv)
{
	const struct argp_option *o = NULL;
	const char *equals = strchr(r->word, '=');

	for (int i = 0; i < argc - 1; i++) {
		bool argument = o;

		o = argument ? NULL : option__wants_next(argp, argv[i]);
		/* Then comes a COMMAND, which is not ours; only record takes one. */
		if (!argument && takes_command(argp) &&
		    (*argv[i] != '-' || !strcmp(argv[i], "--"))) {
			puts(*argv[i] == '-' && i == argc - 2 ? ":command" : ":file");
			return;
		}
	}
	if (o) {
		offer_values(r, o);
	} else if (equals && begins(r->word, "--")) {
		o = option__find(argp, r->word + 2, equals - r->word - 2);
		r->kept = equals + 1 - r->word;
		if (o && o->arg)
			offer_values(r, o);
	} else if (*r->word == '-') {
		offer_options(r, argp);
		offer(r, "--help", "print the options");
	} else if (takes_command(argp)) {
		puts(":command");
	} else if (!strcmp(r->command->name, "snapshot")) {
		running_vms(r);
		names_of_vms(r);
	} else if (argp->args_doc || option__find(argp, "memory", strlen("memory"))) {
		puts(":recording");
	}
}

static void complete_commands(const struct request *r)
{
	for (const struct command *c = commands; c->name; c++)
		offer(r, c->name, c->help);
}

int cmd_complete(int argc, const char **argv)
{
	struct request r = { .command = commands, .word = argc ? argv[argc - 1] : "" };

	if (argc <= 1) {
		complete_commands(&r);
		offer(&r, "help", "print the options of a command");
		offer(&r, "--help", "print the commands");
		offer(&r, "--version", "print the version");
		return KVMW_OK;
	}
	if (!strcmp(argv[0], "help") && argc == 2)
		complete_commands(&r);
	while (r.command->name && strcmp(r.command->name, argv[0]))
		r.command++;
	if (!r.command->name)
		return KVMW_OK;
	argc--, argv++;
	for (const struct subcommand *w = r.command->subcommands; w && w->name && argc == 1; w++)
		offer(&r, w->name, w->help);
	if (!r.command->subcommands)
		complete_options(&r, r.command->argp, argc, argv);
	else if (argc > 1 && subcommand__find(r.command->subcommands, argv[0]))
		complete_options(&r, subcommand__find(r.command->subcommands, argv[0])->argp,
				 argc - 1, argv + 1);
	return KVMW_OK;
}
