// SPDX-License-Identifier: GPL-2.0
/* kvmw record: parses the command line and checks what options mean together. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "builtin-common.h"
#include "builtin-record.h"
#include "builtin.h"
#include "util/capture/guest_names.h"
#include "util/error.h"
#include "util/parse.h"

#define MIN_RING	4096		/* a page: whoever says 1 means 1M */
#define MAX_RING	(1ULL << 30)
#define MIN_CPU_LIMIT	0.1
#define MAX_NICE	19

enum { OPT_REASON = 0x100, OPT_MIN_DURATION, OPT_PORT, OPT_GPA, OPT_MSR, OPT_SAMPLE, OPT_STACK,
       OPT_USER, OPT_NO_ADDRESSES, OPT_CPU_LIMIT, OPT_NICE, OPT_LIMIT, OPT_RESOLUTION };

static const struct argp_option options[] = {
	{ "output", 'o', "FILE", 0,
	  "Write to FILE (default " DEFAULT_OUTPUT "; an existing one becomes FILE.old) or, if -, to "
	  "standard output", 0 },
	{ "event", 'e', "EVENT[,EVENT...]", 0, "Record these events (kvmw list; default exit)", 0 },
	{ "duration", 'd', "TIME", 0, "Stop after TIME, e.g. 10, 500ms, 2m", 0 },
	{ "limit", OPT_LIMIT, "SIZE", 0, "Stop when the file has reached SIZE, e.g. 500M, 10G", 0 },
	{ "mmap-size", 'm', "SIZE", 0, "Total size of the ring buffers (default 16M)", 0 },
	{ "reason", OPT_REASON, "REASON[,REASON...]", 0, "Only cycles with these exit reasons", 0 },
	{ "min-duration", OPT_MIN_DURATION, "TIME", 0, "Only events that took at least TIME, e.g. 1ms", 0 },
	{ "port", OPT_PORT, "RANGE", 0, "Only accesses to these ports, e.g. 0x3f8-0x3ff", 0 },
	{ "gpa", OPT_GPA, "RANGE", 0, "Only faults and MMIO at these guest physical addresses", 0 },
	{ "msr", OPT_MSR, "RANGE", 0, "Only accesses to these MSRs", 0 },
	{ "sample", OPT_SAMPLE, "N", 0, "One in N cycles of each vCPU", 0 },
	{ "resolution", OPT_RESOLUTION, "STEP", 0,
	  "Keep durations to 1/16 of their value, or to a time such as 100ns: a smaller file", 0 },
	{ "stack", OPT_STACK, "WHAT[,WHAT]", 0,
	  "Record host stacks of these: exit, userspace, fault, ioctl; vmm samples those of the VMM's threads", 0 },
	{ "user", OPT_USER, NULL, 0, "Under sudo, run COMMAND as the user who asked, not as root", 0 },
	{ "no-addresses", OPT_NO_ADDRESSES, NULL, 0,
	  "Record no address of guest or host, no value of an MSR or argument, no stack", 0 },
	{ "cpu-limit", OPT_CPU_LIMIT, "PERCENT", 0, "Record fewer rows when recording takes more of a CPU, e.g. 3%", 0 },
	{ "nice", OPT_NICE, "N", 0, "Add N to the nice value of the recorder, not of COMMAND", 0 },
	{ "quiet", 'q', NULL, 0, "Print errors only", 0 },
	{ "verbose", 'v', NULL, 0, "Print how the programs were attached, and libbpf's messages", 0 },
	{ 0 }
};

static error_t parse_ring_bytes(struct record_options *o, const char *arg)
{
	if (parse_size(arg, &o->ring_bytes) || o->ring_bytes < MIN_RING || o->ring_bytes > MAX_RING)
		return usage_error("-m '%s': must be a size of 4K to 1G, such as 512K or 16M", arg);
	return 0;
}

static error_t parse_duration(struct record_options *o, const char *arg)
{
	if (parse_time(arg, &o->duration_ns) || !o->duration_ns)
		return usage_error("--duration '%s': must be a positive time, such as 10, 500ms or 2m",
				   arg);
	return 0;
}

static error_t parse_file_limit(struct record_options *o, const char *arg)
{
	if (parse_size(arg, &o->limit_bytes) || o->limit_bytes < MIN_LIMIT)
		return usage_error("--limit '%s': must be a size from 64K on, such as 500M or 10G",
				   arg);
	return 0;
}

static error_t parse_cpu_limit(struct record_options *o, const char *arg)
{
	char *end;

	o->cpu_limit = strtod(arg, &end);
	if (end != arg && (!*end || !strcmp(end, "%")) && o->cpu_limit >= MIN_CPU_LIMIT &&
	    o->cpu_limit <= 100)
		return 0;
	return usage_error("--cpu-limit '%s': must be a percentage of one CPU, from 0.1%% to 100%%, such as 3%%", arg);
}

static error_t parse_nice(struct record_options *o, const char *arg)
{
	u32 by;

	if (parse_u32(arg, &by) || by > MAX_NICE)
		return usage_error("--nice '%s': must be a number from 0 to %d", arg, MAX_NICE);
	o->nice = by;
	return 0;
}

static error_t take_range(struct kvmw_range *range, const char *name, const char *arg)
{
	if (record_filter__range(range, arg))
		return usage_error("--%s '%s': must be a number or range, such as 0x3f8 or 0x60-0x64",
				   name, arg);
	return 0;
}

static error_t parse_filter(struct record_filter *filter, int key, const char *arg)
{
	switch (key) {
	case OPT_REASON:
		return record_filter__reasons(filter, arg) ? EINVAL : 0;
	case OPT_MIN_DURATION:
		if (!parse_time(arg, &filter->f.min_ns))
			return 0;
		return usage_error("--min-duration '%s': must be a time, such as 100us or 1ms",
				   arg);
	case OPT_PORT:
		return take_range(&filter->f.port, "port", arg);
	case OPT_GPA:
		return take_range(&filter->f.gpa, "gpa", arg);
	case OPT_MSR:
		return take_range(&filter->f.msr, "msr", arg);
	case OPT_SAMPLE:
		if (!parse_u32(arg, &filter->f.sample) && filter->f.sample)
			return 0;
		return usage_error("--sample '%s': must be a positive number (100: one in 100)",
				   arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

error_t record_options__command(struct record_options *o, const struct argp_state *state)
{
	u32 number;

	if (o->nr_pids && !parse_u32(state->argv[state->next], &number))
		return usage_error("'%s' would be run as a command: separate process ids by commas, "
				   "-p 1,2 (pidof -s PROGRAM prints one)", state->argv[state->next]);
	o->command = (const char **)state->argv + state->next;
	return record_switch__check_command(&o->switching, o->command[0]);
}

/* Symbols are about one guest, and about rows with its addresses. */
static error_t check_symbols_of(const struct record_options *o, u32 events)
{
	if (!guest_symbol_files__any(&o->symbols))
		return 0;
	if (o->all || record_options__has_groups(o) || o->nr_pids + o->names.nr > 1)
		return usage_error("--guest-kallsyms and the like are about one VM: choose it with -p or --vm");
	if (o->no_addresses)
		return usage_error("--guest-kallsyms and the like, and --no-addresses, exclude each other");
	if (o->keep.time_ns)
		return usage_error("--guest-kallsyms and the like, and --keep, exclude each other; kvmw report takes "
				   "them for a snapshot, too");
	if (!guest_names__are_in(events))
		return usage_error("--guest-kallsyms and the like name functions of exits, faults and nested guests, "
				   "which -e does not record");
	return 0;
}

/* What options mean together, once all are known. */
static error_t check_options(struct record_options *o)
{
	const char *idle, *acts_on;
	u32 events;

	if (o->choice.events & BIT(KVMW_EVENT_STACK) && !o->choice.stacks)
		events_option__stacks(&o->choice, "exit");
	/* Samples do not show which processes are VMs: another event has to. */
	if (o->choice.events == BIT(KVMW_EVENT_STACK))
		o->choice.events |= events_option__defaults();
	events = o->choice.events ?: events_option__defaults();
	if (record_options__check_observed(o, "record"))
		return EINVAL;
	if (o->as_user && !o->command)
		return usage_error("--user says who runs COMMAND, but there is no COMMAND");
	if (o->no_addresses && o->choice.stacks)
		return usage_error("--stack and --no-addresses exclude each other");
	if (o->no_addresses && o->choice.nr_raw)
		return usage_error("-e %s:%s records whatever the kernel writes: it and --no-addresses exclude "
				   "each other", o->choice.raw[0].category, o->choice.raw[0].name);
	if (o->no_addresses && o->filter.f.gpa.set)
		return usage_error("--gpa and --no-addresses exclude each other: the recording names the range");
	/* Without -e, it may be that on this host. */
	if (record_keep__check_options(&o->keep, o->output,
				       o->choice.events ?: events | BIT(KVMW_EVENT_USERSPACE),
				       o->cpu_limit > 0))
		return EINVAL;
	if (o->keep.time_ns && o->limit_bytes)
		return usage_error("--limit is about a file that grows: --keep TIME,SIZE says how much memory it may take");
	if (record_switch__check_options(&o->switching, o->output, o->keep.time_ns, o->limit_bytes))
		return EINVAL;
	idle = record_filter__idle(&o->filter.f, events, &acts_on);
	if (idle)
		return usage_error("%s only filters %s, which -e does not record", idle, acts_on);
	return check_symbols_of(o, events);
}

error_t record_options__observe(struct record_options *o, int key, char *arg)
{
	switch (key) {
	case 'd':
		return parse_duration(o, arg);
	case 'q':
		o->quiet = true;
		return 0;
	case 'v':
		o->verbose = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t cmd_record__parse(int key, char *arg, struct argp_state *state)
{
	struct record_options *o = state->input;
	error_t err = record_options__observe(o, key, arg);

	if (err != ARGP_ERR_UNKNOWN)
		return err;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = o;
		state->child_inputs[1] = &o->symbols;
		state->child_inputs[2] = &o->keep;
		state->child_inputs[3] = &o->switching;
		return 0;
	case 'o':
		o->output = arg;
		return 0;
	case 'e':
		/* Names are checked before privileges, so anybody sees a typing error. */
		return events_option__parse(&o->choice, arg) ? EINVAL : 0;
	case OPT_STACK:
		return events_option__stacks(&o->choice, arg) ? EINVAL : 0;
	case 'm':
		return parse_ring_bytes(o, arg);
	case OPT_LIMIT:
		return parse_file_limit(o, arg);
	case OPT_RESOLUTION:
		return resolution__option(&o->resolution, arg) ? EINVAL : 0;
	case OPT_USER:
		o->as_user = true;
		return 0;
	case OPT_NO_ADDRESSES:
		o->no_addresses = true;
		return 0;
	case OPT_CPU_LIMIT:
		return parse_cpu_limit(o, arg);
	case OPT_NICE:
		return parse_nice(o, arg);
	case ARGP_KEY_ARGS:
		return record_options__command(o, state);
	case ARGP_KEY_END:
		return check_options(o);
	default:
		return parse_filter(&o->filter, key, arg);
	}
}

static const struct argp_child children[] = {
	{ &record_targets_argp, 0, NULL, 0 }, { &common_symbols_argp, 0, NULL, 0 },
	{ &record_keep_argp, 0, NULL, 0 },
	{ &record_switch_argp, 0, NULL, 0 }, { 0 },
};

const struct argp record_argp = {
	.children = children,
	.options = options,
	.parser = cmd_record__parse,
	.args_doc = "[-- COMMAND [ARG...]]",
	.doc = "Record the VM exits of virtual machines into a file."
	       "\vWith COMMAND alone, the VMs that COMMAND starts are recorded until it ends. With -p, "
	       "--vm, -G, --container or -a, COMMAND only sets how long to record (-- sleep 10). Without COMMAND, "
	       "recording ends at Ctrl-C or when the VMs are gone. The exit status is COMMAND's.",
};
