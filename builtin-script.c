// SPDX-License-Identifier: GPL-2.0
/* kvmw script: options, wiring, exit status. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "builtin.h"
#include "util/analysis/report/report.h"
#include "util/error.h"
#include "util/render/script.h"

enum { OPT_VCPU = 0x100, OPT_PID, OPT_TIME, OPT_MAX, OPT_JSON, OPT_CSV, OPT_NO_PAGER };

static const struct argp_option options[] = {
	{ "input", 'i', "FILE", 0, "Read FILE (default kvmw.data); - is stdin", 1 },
	{ "follow", 'f', NULL, 0, "Continue with a file that is still being written", 1 },
	{ NULL, 0, NULL, 0, "Select:", 2 },
	{ "event", 'e', "EVENT[,EVENT...]", 0, "Only these events: exit, irq, ...; one kind of an "
	  "event, such as irq:eoi; a tracepoint, such as kvm:kvm_pio", 2 },
	{ "vcpu", OPT_VCPU, "LIST", 0, "Only these vCPUs, e.g. 0-3,7", 2 },
	{ "pid", OPT_PID, "LIST", 0, "Only the VMs of these processes", 2 },
	{ "time", OPT_TIME, "FROM,TO", 0, "Only what began in this window, in seconds since the "
	  "start; @TIME is a CLOCK_MONOTONIC time", 2 },
	{ "max-events", OPT_MAX, "N", 0, "Print the first N events only", 2 },
	{ NULL, 0, NULL, 0, "Output:", 3 },
	{ "fields", 'F', "FIELD[,FIELD...]", 0, "Print these fields: comm, tid, pid, cpu, time, event, "
	  "kind, vcpu, and those of the events; +FIELD adds, -FIELD removes one", 3 },
	{ "json", OPT_JSON, NULL, 0, "Print one JSON object per line", 3 },
	{ "csv", OPT_CSV, NULL, 0, "Print CSV", 3 },
	{ "no-pager", OPT_NO_PAGER, NULL, 0, "Do not use a pager", 3 },
	{ 0 },
};

struct args {
	const char *input;
	struct script_options opt;
	enum script_form form;
	struct time_window window;
	bool follow, json, csv, no_pager;
};

static error_t parse_max(struct script_options *opt, const char *arg)
{
	char *end;

	errno = 0;
	opt->max_events = strtoull(arg, &end, 10);
	if (*arg >= '0' && *arg <= '9' && !*end && !errno && opt->max_events)
		return 0;
	error("--max-events: invalid number '%s', must be positive", arg);
	return EINVAL;
}

static error_t check(struct args *args)
{
	if (args->json && args->csv) {
		error("--json and --csv exclude each other");
		return EINVAL;
	}
	args->form = args->json ? SCRIPT_JSON : args->csv ? SCRIPT_CSV : SCRIPT_TEXT;
	return 0;
}

static error_t cmd_script__parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case 'i':
		args->input = arg;
		return 0;
	case 'f':
		args->follow = true;
		return 0;
	case 'e':
		args->opt.events = arg;
		return 0;
	case 'F':
		args->opt.fields = arg;
		return 0;
	case OPT_VCPU:
		return number_list__parse(&args->opt.vcpus, "--vcpu", arg) ? EINVAL : 0;
	case OPT_PID:
		return number_list__parse(&args->opt.pids, "--pid", arg) ? EINVAL : 0;
	case OPT_TIME:
		return time_window__parse(&args->window, arg) ? EINVAL : 0;
	case OPT_MAX:
		return parse_max(&args->opt, arg);
	case OPT_JSON:
		args->json = true;
		return 0;
	case OPT_CSV:
		args->csv = true;
		return 0;
	case OPT_NO_PAGER:
		args->no_pager = true;
		return 0;
	case ARGP_KEY_ARG:
		error("script: unexpected argument '%s'; use -i FILE for the recording", arg);
		return EINVAL;
	case ARGP_KEY_END:
		return check(args);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* No row of a recording was printed. */
static int say_why_nothing(const struct recording *rec, const struct script_options *opt,
			   const struct script_result *result)
{
	const char *const given[] = { opt->events ? "-e" : NULL, opt->vcpus.nr ? "--vcpu" : NULL,
				      opt->pids.nr ? "--pid" : NULL,
				      rec->window.active ? "--time" : NULL };
	char by[64] = "", holds[512];

	if (!result->rows)
		return error("%s: contains no events", rec->path);
	report__list_events(rec, holds, sizeof(holds));
	if (result->none_of_them)
		return error("%s: contains no '%s' events, only: %s", rec->path, opt->events, holds);
	for (size_t i = 0; i < ARRAY_SIZE(given); i++)
		if (given[i])
			snprintf(by + strlen(by), sizeof(by) - strlen(by), "%s%s", *by ? ", " : "",
				 given[i]);
	if (!*by)
		return error("%s: no event could be read; the recording contains: %s", rec->path, holds);
	return error("%s: no events match %s; the recording contains: %s", rec->path, by, holds);
}

static int cmd_script__print(const struct args *args, const struct script_options *opt,
			     struct recording *rec, struct data_reader *reader,
			     struct script_result *result)
{
	struct script_printer *printer;
	struct script_output output;
	struct screen s;
	int failed = -1, ret = -1;

	screen__open(&s, 0, !args->no_pager && args->form == SCRIPT_TEXT);
	printer = script_printer__new(&s, args->form);
	if (printer) {
		output = script_printer__output(printer);
		failed = script__read(rec, reader, opt, &output, result);
		ret = script_printer__free(printer) || failed ? -1 : 0;
	}
	if (screen__close(&s) || recording__close_reader(rec, reader))
		return -1;
	/* Where the reader of a pipe had enough, the rest has not been seen. */
	if (failed || (result->enough && opt->stream))
		return ret;
	if (result->lost)
		warning("%s: %llu event%s lost while recording: the ring buffers overflowed", rec->path,
			(unsigned long long)result->lost, result->lost == 1 ? "" : "s");
	if (!result->printed)
		return say_why_nothing(rec, opt, result);
	return recording__complain(rec) ? -1 : ret;
}

static int script(const struct args *args)
{
	struct data_reader *reader = data_reader__open(args->input);
	struct script_options opt = args->opt;
	struct script_result result = { 0 };
	struct recording *rec;
	int ret = KVMW_FAILED;

	if (!reader)
		return KVMW_FAILED;
	if (args->follow)
		data_reader__follow(reader);
	rec = recording__new(args->input);
	if (!rec) {
		data_reader__close(reader);
		return KVMW_FAILED;
	}
	rec->window = args->window;
	opt.brief = args->form == SCRIPT_TEXT;
	opt.stream = args->follow || !data_reader__seekable(reader);
	if (!cmd_script__print(args, &opt, rec, reader, &result))
		ret = KVMW_OK;
	else if (result.usage)
		ret = KVMW_USAGE;
	recording__free(rec);
	return ret;
}

const struct argp script_argp = {
	.options = options,
	.parser = cmd_script__parse,
	.doc = "Print the events of a recording one by one, in time order.",
};

int cmd_script(int argc, const char **argv)
{
	struct args args = { .input = "kvmw.data" };
	int ret = KVMW_USAGE;

	if (!argp_parse(&script_argp, argc, (char **)argv, 0, NULL, &args))
		ret = script(&args);
	number_list__free(&args.opt.vcpus);
	number_list__free(&args.opt.pids);
	return ret;
}
