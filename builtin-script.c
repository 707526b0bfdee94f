// SPDX-License-Identifier: GPL-2.0
/* kvmw script: options, wiring, exit status. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "builtin-common.h"
#include "builtin-guess.h"
#include "builtin-options.h"
#include "builtin.h"
#include "util/analysis/outliers.h"
#include "util/analysis/report/report.h"
#include "util/analysis/tracepoint_text.h"
#include "util/error.h"
#include "util/nearest.h"
#include "util/parse.h"
#include "util/render/script.h"
#include "util/sandbox.h"

enum { OPT_MAX = 0x100, OPT_MIN_DURATION, OPT_OUTLIERS, OPT_CLOCK };

static const struct argp_option options[] = {
	{ "follow", 'f', NULL, 0, "Continue with a file that is still being written", 1 },
	{ "event", 'e', "EVENT[,EVENT...]", 0, "Only these events: exit, irq, ...; one kind of an "
	  "event, such as irq:eoi; a tracepoint, such as kvm:kvm_pio", 3 },
	{ "min-duration", OPT_MIN_DURATION, "TIME", 0, "Only events that took at least TIME, e.g. 1ms",
	  3 },
	{ "outliers", OPT_OUTLIERS, "N", 0, "The N longest events only, the longest one first; the "
	  "time that an exit was halted does not count", 3 },
	{ "max-events", OPT_MAX, "N", 0, "Print the first N events only", 3 },
	{ "clock", OPT_CLOCK, "CLOCK", 0, "What times are: start (seconds since then, the default), "
	  "mono (CLOCK_MONOTONIC), wall (date and time)", 4 },
	{ "fields", 'F', "FIELD[,FIELD...]", 0, "Print these fields: comm, tid, pid, cpu, time, event, "
	  "kind, vcpu, and those of the events; +FIELD adds, -FIELD removes one", 4 },
	{ 0 },
};

static const struct argp_child children[] = {
	{ &common_input_argp, 0, NULL, 0 },
	{ &common_reading_argp, 0, NULL, 0 },
	{ &common_stacks_argp, 0, NULL, 0 },
	{ 0 },
};

struct args {
	struct common_args common;
	struct guess guess;	/* of what -e does not know */
	struct script_options opt;
	bool follow, clock;	/* were given */
};

static const struct script_format *const formats[NR_OUTPUT_FORMATS] = {
	[OUTPUT_TEXT] = &script_text,
	[OUTPUT_JSON] = &script_json,
	[OUTPUT_CSV] = &script_csv,
};

static error_t parse_clock_name(struct args *args, const char *arg)
{
	struct nearest n;

	nearest__begin(&n, arg, strlen(arg));
	args->clock = true;
	for (u32 i = 0; i < NR_SCRIPT_CLOCKS; i++) {
		nearest__offer(&n, script_clock__name(i));
		if (strcmp(arg, script_clock__name(i)))
			continue;
		args->opt.clock = i;
		return 0;
	}
	return usage_error("--clock '%s': no such clock%s; there are start, mono and wall", arg,
			   nearest__hint(&n));
}

static error_t parse_outliers(struct script_options *opt, const char *arg)
{
	if (!parse_u32(arg, &opt->outliers) && opt->outliers && opt->outliers <= OUTLIERS_MAX)
		return 0;
	return usage_error("--outliers '%s': must be a number from 1 to %u", arg, OUTLIERS_MAX);
}

static error_t parse_min_duration(struct script_options *opt, const char *arg)
{
	if (!parse_time(arg, &opt->min_ns))
		return 0;
	return usage_error("--min-duration '%s': must be a time, such as 100us or 1ms", arg);
}

static error_t parse_max(struct script_options *opt, const char *arg)
{
	if (!parse_u64(arg, &opt->max_events) && opt->max_events)
		return 0;
	return usage_error("--max-events '%s': must be a positive number", arg);
}

/*
 * What is an exit reason or the like to this kvmw, and no event. A list is not guessed at, since
 * its other events have no exit reasons.
 */
static error_t parse_events(struct args *args, const char *arg)
{
	struct guess *g = &args->guess;

	args->opt.events = arg;
	*g = (struct guess) { .what = NULL };
	if (!strpbrk(arg, ",:") && !event_desc__by_name(arg) && guess__word(g, arg) && g->reason)
		args->opt.events = g->event;
	else
		g->what = NULL;
	return 0;
}

static error_t take_guess_of_script(struct args *args)
{
	struct guess *g = &args->guess;

	if (!g->what)
		return 0;
	if (args->common.reasons.nr)
		return usage_error("--event '%s': %s, but --reason chooses that", g->word, g->what);
	g->sort = NULL;
	guess__say(g, "--event");
	return reason_list__parse(&args->common.reasons, g->reason) ? EINVAL : 0;
}

static error_t cmd_script__parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		for (size_t i = 0; i + 1 < ARRAY_SIZE(children); i++)
			state->child_inputs[i] = &args->common;
		return 0;
	case 'f':
		args->follow = true;
		return 0;
	case 'e':
		return parse_events(args, arg);
	case 'F':
		args->opt.fields = arg;
		return 0;
	case OPT_MIN_DURATION:
		return parse_min_duration(&args->opt, arg);
	case OPT_OUTLIERS:
		return parse_outliers(&args->opt, arg);
	case OPT_CLOCK:
		return parse_clock_name(args, arg);
	case OPT_MAX:
		return parse_max(&args->opt, arg);
	case ARGP_KEY_END:
		args->opt.vcpus = args->common.vcpus;
		args->opt.pids = args->common.pids;
		if (take_guess_of_script(args))
			return EINVAL;
		if (args->opt.outliers && args->opt.max_events)
			return usage_error("--outliers and --max-events exclude each other");
		if (args->clock && args->common.format != OUTPUT_TEXT)
			return usage_error("--clock is for text; JSON and CSV have time_ns, of "
					   "CLOCK_MONOTONIC, which --time takes as @SECONDS");
		if (args->follow && time_window__needs_duration(&args->common.window))
			return usage_error("--follow: the duration of the recording is not known yet, so --time cannot be in percent of it");
		args->opt.reasons = args->common.reasons;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* No row of a recording was printed. */
static int say_why_nothing(const struct args *args, const struct recording *rec,
			   const struct script_options *opt,
			   const struct script_result *result)
{
	const char *const given[] = { opt->events ? "-e" : NULL, opt->vcpus.nr ? "--vcpu" : NULL,
				      opt->pids.nr ? opt->pids.option : NULL,
				      opt->reasons.nr ? "--reason" : NULL,
				      opt->min_ns ? "--min-duration" : NULL,
				      args->common.where ? "--where" : NULL,
				      rec->window.active ? time_window__chosen(&rec->window) :
				      NULL };
	char by[128] = "", holds[512], extent[REC_EXTENT];

	if (!result->rows)
		return error("%s: contains no events", rec->path);
	if (recording__wrong_window(rec))
		return error("%s: %s%s %s; the recording %s", rec->path,
			     time_window__is_given(&rec->window) ? "the window of " : "",
			     time_window__chosen(&rec->window), recording__wrong_window(rec),
			     recording__extent(rec, extent, sizeof(extent)));
	report__list_events(rec, holds, sizeof(holds));
	if (result->none_of_them)
		return error("%s: contains no '%s' events, only: %s", rec->path, opt->events,
			     holds);
	for (size_t i = 0; i < ARRAY_SIZE(given); i++)
		if (given[i])
			snprintf(by + strlen(by), sizeof(by) - strlen(by), "%s%s", *by ? ", " : "",
				 given[i]);
	if (!*by)
		return error("%s: no event could be read; the recording contains: %s", rec->path,
			     holds);
	return error("%s: no events match %s; the recording contains: %s", rec->path, by, holds);
}

static int cmd_script__print(const struct args *args, const struct script_options *opt,
			     struct screen *s, struct recording *rec, struct data_reader *reader,
			     struct script_result *result)
{
	struct script_printer *printer;
	struct script_output output;
	int failed = -1, ret = -1;

	printer = script_printer__new(s, formats[args->common.format]);
	if (printer) {
		output = script_printer__output(printer);
		failed = script__read(rec, reader, opt, &output, result);
		ret = script_printer__free(printer) || failed ? -1 : 0;
	}
	if (screen__close(s) || recording__close_reader(rec, reader, failed))
		return -1;
	/* Where the reader of a pipe had enough, the rest has not been seen. */
	if (failed || (result->enough && opt->stream))
		return ret;
	if (result->lost)
		warning("%s: %llu event%s lost while recording: the ring buffers overflowed",
			rec->path, (unsigned long long)result->lost, result->lost == 1 ? "" : "s");
	if (rec->unordered_rows)
		ret = error("%s: %llu events may be out of order: too many frames overlap in time; -e, --time "
			    "and --memory help", rec->path, (unsigned long long)rec->unordered_rows);
	if (!result->printed)
		return say_why_nothing(args, rec, opt, result);
	return recording__complain(rec) || common_args__check_budget(&args->common) ? -1 : ret;
}

static int script(struct args *args)
{
	const struct script_format *format = formats[args->common.format];
	struct script_options opt = args->opt;
	struct script_result result = { 0 };
	struct data_reader *reader;
	struct recording *rec;
	struct screen s;
	int ret = KVMW_FAILED;

	if (common_args__start_namers(&args->common) || common_args__read_regions(&args->common) ||
	    common_args__find_kaslr(&args->common, "script") ||
	    common_args__read_symbols(&args->common))
		return KVMW_FAILED;
	opt.where = args->common.where;
	opt.has_symbols = args->common.symbols;
	opt.regions = args->common.regions;
	reader = common_args__open(&args->common, "script");
	if (!reader)
		return KVMW_FAILED;
	if (args->follow)
		data_reader__follow(reader);
	opt.brief = format->for_people;
	opt.stream = args->follow || !data_reader__seekable(reader);
	opt.texts = format->texts ? tracepoint_printer__new() : NULL;
	if (format->texts && !opt.texts) {
		data_reader__close(reader);
		return KVMW_FAILED;
	}
	screen__open(&s, 0, format->for_people && !args->common.no_pager);
	sandbox__enter(opt.texts ? SANDBOX_READ_FORK : SANDBOX_READ);
	rec = common_args__recording(&args->common, reader);
	if (rec && !cmd_script__print(args, &opt, &s, rec, reader, &result))
		ret = KVMW_OK;
	else if (result.usage)
		ret = KVMW_USAGE;
	screen__close(&s);
	tracepoint_printer__free(opt.texts);
	recording__free(rec);
	return ret;
}

const struct argp script_argp = {
	.children = children,
	.options = options,
	.parser = cmd_script__parse,
	.doc = "Print the events of a recording one by one, in time order.",
};

int cmd_script(int argc, const char **argv)
{
	struct args args = { .follow = false };
	int ret = KVMW_USAGE;

	if (!options__parse(&script_argp, argc, argv, 0, &args))
		ret = script(&args);
	common_args__free(&args.common);
	return ret;
}
