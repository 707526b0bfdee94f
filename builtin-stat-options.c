// SPDX-License-Identifier: GPL-2.0
/* kvmw stat: parses the command line and checks what options mean together. */
#include <string.h>

#include "builtin-stat.h"
#include "builtin.h"
#include "util/error.h"
#include "util/parse.h"

#define INTERVAL_MIN	(10 * 1000000ULL)	/* ns, as perf stat */

enum { OPT_PER = 0x100, OPT_JSON, OPT_CSV, OPT_OPENMETRICS };

static const struct argp_option options[] = {
	{ "event", 'e', "EVENT[,EVENT...]", 0, "Also count these families of events (kvmw list)", 0 },
	{ "interval", 'I', "TIME", 0, "Print what was counted in each TIME, e.g. 1 (second), 100ms", 0 },
	{ "per", OPT_PER, "reason|vcpu|vm", 0, "A row for each of these (default reason)", 0 },
	{ "duration", 'd', "TIME", 0, "Stop after TIME, e.g. 10, 500ms, 2m", 0 },
	{ "json", OPT_JSON, NULL, 0, "Print JSON, an object for each interval", 0 },
	{ "csv", OPT_CSV, NULL, 0, "Print CSV", 0 },
	{ "openmetrics", OPT_OPENMETRICS, "ADDR:PORT|FILE", 0,
	  "Serve the counters to Prometheus at this address or port, or write them to FILE", 0 },
	{ "quiet", 'q', NULL, 0, "Print no warnings", 0 },
	{ "verbose", 'v', NULL, 0, "Print how the programs were attached, and what they cost", 0 },
	{ 0 }
};

static const char *const pers[] = { [PER_REASON] = "reason", [PER_VCPU] = "vcpu", [PER_VM] = "vm" };

static error_t parse_per(struct stat_options *o, const char *arg)
{
	for (u32 i = 0; i < ARRAY_SIZE(pers); i++)
		if (!strcmp(arg, pers[i])) {
			o->per = i;
			return 0;
		}
	return usage_error("--per '%s': must be reason, vcpu or vm", arg);
}

static error_t cmd_stat__parse_interval(struct stat_options *o, const char *arg)
{
	if (!parse_time(arg, &o->interval_ns) && o->interval_ns >= INTERVAL_MIN)
		return 0;
	return usage_error("-I '%s': must be a time from 10ms on, such as 1 or 100ms", arg);
}

static error_t choose_format(struct stat_options *o, enum output_format format)
{
	if (o->format && o->format != format)
		return usage_error("--json and --csv exclude each other");
	o->format = format;
	return 0;
}

static error_t check_openmetrics(struct stat_options *o)
{
	if (o->openmetrics && o->format)
		return usage_error("--openmetrics and --%s exclude each other",
				   o->format == OUTPUT_JSON ? "json" : "csv");
	if (o->openmetrics && o->per == PER_VM)
		return usage_error("--per vm: metrics are of each VM and reason; --per vcpu makes them of each vCPU, too");
	return 0;
}

/* Exits are counted, whatever else is. */
static error_t check_families(struct record_options *o)
{
	if (o->choice.nr_raw)
		return usage_error("-e %s:%s: kvmw stat counts families of events; perf stat -e counts tracepoints",
				   o->choice.raw[0].category, o->choice.raw[0].name);
	for_each_captured_event(event) {
		if (event->class == EVENT_FAMILY && event->id != KVMW_EVENT_STACK)
			continue;
		if (o->choice.named & BIT(event->id) && event->id != KVMW_EVENT_EXIT)
			return usage_error("-e %s: kvmw stat counts exits, or else returns to the VMM, and with -e families of "
					   "events, such as irq", event->name);
		o->choice.events &= ~BIT(event->id);
	}
	o->besides = o->choice.events;
	o->choice.events = 0;
	o->choice.named &= o->besides;
	return 0;
}

static error_t cmd_stat__parse(int key, char *arg, struct argp_state *state)
{
	struct stat_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->record;
		return 0;
	case 'I':
		return cmd_stat__parse_interval(o, arg);
	case 'e':
		o->record.choice.families = true;
		return events_option__parse(&o->record.choice, arg) ? EINVAL : 0;
	case OPT_PER:
		return parse_per(o, arg);
	case OPT_JSON:
		return choose_format(o, OUTPUT_JSON);
	case OPT_CSV:
		return choose_format(o, OUTPUT_CSV);
	case OPT_OPENMETRICS:
		o->openmetrics = arg;
		return stat_export__check(arg);
	case ARGP_KEY_ARGS:
		return record_options__command(&o->record, state);
	case ARGP_KEY_END:
		return record_options__check_observed(&o->record, "count") ?:
		       check_families(&o->record) ?: check_openmetrics(o);
	default:
		return record_options__observe(&o->record, key, arg);
	}
}

static const struct argp_child children[] = {
	{ &record_targets_argp, 0, NULL, 0 }, { 0 },
};

const struct argp stat_argp = {
	.children = children,
	.options = options,
	.parser = cmd_stat__parse,
	.args_doc = "[-- COMMAND [ARG...]]",
	.doc = "Count the VM exits of virtual machines, and where the time went; nothing is recorded."
	       "\vWith COMMAND alone, the VMs that COMMAND starts are counted until it ends. With -p, "
	       "--vm, -G, --container or -a, COMMAND only sets how long to count (-- sleep 10). Without COMMAND, "
	       "counting ends at Ctrl-C or when the VMs are gone. The exit status is COMMAND's.",
};
