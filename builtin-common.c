// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "builtin-common.h"
#include "util/error.h"

/* Keys of argp must differ from those of the commands. */
enum { OPT_VCPU = 0x200, OPT_VM, OPT_PID, OPT_TIME, OPT_JSON, OPT_CSV, OPT_NO_PAGER, OPT_REGIONS };

static const struct argp_option input_options[] = {
	{ "input", 'i', "FILE", 0, "Read FILE (default kvmw.data); - is stdin", 1 },
	{ 0 },
};

static const struct argp_option select_options[] = {
	{ NULL, 0, NULL, 0, "Select:", 3 },
	{ "vcpu", OPT_VCPU, "LIST", 0, "Only these vCPUs, e.g. 0-3,7", 3 },
	{ "vm", OPT_VM, "LIST", 0, "Only these VMs, e.g. 4711,4800#2", 3 },
	{ "pid", OPT_PID, "LIST", 0, "The same as --vm", 3 },
	{ "time", OPT_TIME, "FROM,TO", 0, "Only what began in this window, in seconds since the "
	  "start; @TIME is a CLOCK_MONOTONIC time", 3 },
	{ 0 },
};

static const struct argp_option output_options[] = {
	{ NULL, 0, NULL, 0, "Output:", 4 },
	{ "json", OPT_JSON, NULL, 0, "Print JSON", 4 },
	{ "no-pager", OPT_NO_PAGER, NULL, 0, "Do not use a pager", 4 },
	{ 0 },
};

static const struct argp_option regions_options[] = {
	{ "regions", OPT_REGIONS, "FILE", 0, "Name addresses and ports after FILE: the text of QEMU's "
	  "info mtree -f, or lines FROM-TO NAME", 4 },
	{ 0 },
};

static const struct argp_option csv_options[] = {
	{ "csv", OPT_CSV, NULL, 0, "Print CSV", 4 },
	{ 0 },
};

/* The options that choose a format; text needs none. */
static const struct { int key; const char *name; } formats[NR_OUTPUT_FORMATS] = {
	[OUTPUT_JSON] = { OPT_JSON, "--json" },
	[OUTPUT_CSV] = { OPT_CSV, "--csv" },
};

static error_t parse_format(struct common_args *args, int key)
{
	for (u32 i = 0; i < NR_OUTPUT_FORMATS; i++) {
		if (!formats[i].name || formats[i].key != key)
			continue;
		if (args->format != OUTPUT_TEXT && args->format != i)
			return usage_error("%s and %s exclude each other", formats[args->format].name,
					   formats[i].name);
		args->format = i;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t common__parse(int key, char *arg, struct argp_state *state)
{
	struct common_args *args = state->input;

	switch (key) {
	case 'i':
		args->input = arg;
		return 0;
	case OPT_VCPU:
		return number_list__parse(&args->vcpus, "--vcpu", arg) ? EINVAL : 0;
	case OPT_VM:
	case OPT_PID:
		return number_list__parse_vms(&args->pids, key == OPT_VM ? "--vm" : "--pid", arg) ?
		       EINVAL : 0;
	case OPT_TIME:
		return time_window__parse(&args->window, arg) ? EINVAL : 0;
	case OPT_NO_PAGER:
		args->no_pager = true;
		return 0;
	case OPT_REGIONS:
		args->regions_file = arg;
		return 0;
	default:
		return parse_format(args, key);
	}
}

const struct argp common_input_argp = { .options = input_options, .parser = common__parse };
const struct argp common_select_argp = { .options = select_options, .parser = common__parse };
const struct argp common_output_argp = { .options = output_options, .parser = common__parse };
const struct argp common_regions_argp = { .options = regions_options, .parser = common__parse };
const struct argp common_csv_argp = { .options = csv_options, .parser = common__parse };

int common_args__read_regions(struct common_args *args)
{
	if (!args->regions_file)
		return 0;
	args->regions = regions__read(args->regions_file);
	return args->regions ? 0 : -1;
}

void common_args__free(struct common_args *args)
{
	regions__free(args->regions);
	number_list__free(&args->vcpus);
	number_list__free(&args->pids);
}
