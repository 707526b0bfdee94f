// SPDX-License-Identifier: GPL-2.0
/* kvmw script: options, wiring, exit status. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>

#include "builtin.h"
#include "util/analysis/report/report.h"
#include "util/recording/timeline.h"
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
	args->opt.form = args->json ? SCRIPT_JSON : args->csv ? SCRIPT_CSV : SCRIPT_TEXT;
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

/* Nothing was printed of a recording that has rows, wanted of them of wanted events. */
static int say_why_nothing(const struct script *sc, u64 rows, u64 wanted)
{
	const struct recording *rec = sc->rec;
	const struct script_options *opt = sc->opt;
	const char *const given[] = { opt->events ? "-e" : NULL, opt->vcpus.nr ? "--vcpu" : NULL,
				      opt->pids.nr ? "--pid" : NULL,
				      rec->window.active ? "--time" : NULL };
	char by[64] = "", holds[512];

	if (!rows)
		return error("%s: contains no events", rec->path);
	report__list_events(rec, holds, sizeof(holds));
	if (sc->resolved && !wanted)
		return error("%s: contains no '%s' events, only: %s", rec->path, opt->events, holds);
	for (size_t i = 0; i < ARRAY_SIZE(given); i++)
		if (given[i])
			snprintf(by + strlen(by), sizeof(by) - strlen(by), "%s%s", *by ? ", " : "",
				 given[i]);
	if (!*by)
		return error("%s: no event could be read; the recording contains: %s", rec->path, holds);
	return error("%s: no events match %s; the recording contains: %s", rec->path, by, holds);
}

/* What is not among the lines. 0, or -1: nothing was printed. */
static int say_what_is_missing(const struct script *sc)
{
	const struct recording *rec = sc->rec;
	u64 rows = 0, wanted = 0, lost = 0;

	for (u32 id = 0; id < KVMW_MAX_EVENTS; id++) {
		rows += rec->event_rows[id];
		if (!sc->view[id].wanted)
			continue;
		wanted += rec->event_rows[id];
		lost += rec->window.active ? rec->lost_window[id] : rec->lost[id];
	}
	if (lost)
		warning("%s: %llu event%s lost while recording: the ring buffers overflowed", rec->path,
			(unsigned long long)lost, lost == 1 ? "" : "s");
	return sc->printed ? 0 : say_why_nothing(sc, rows, wanted);
}

static int cmd_script__print(const struct args *args, struct recording *rec,
			     struct data_reader *reader, struct script *sc)
{
	struct timeline timeline = {
		.rec = rec,
		.stream = sc->stream,
		.ctx = sc,
		.wants = script__wants,
		.rows = script__rows,
		.pause = script__pause,
	};
	struct screen s;
	int ret = -1, enough = 1;

	screen__open(&s, 0, !args->no_pager && sc->opt->form == SCRIPT_TEXT);
	sc->out = out__new(&s);
	if (sc->out) {
		enough = timeline__read(&timeline, reader);
		ret = enough < 0 || script__finish(sc) ? -1 : 0;
		if (out__free(sc->out))
			ret = -1;
	}
	if (screen__close(&s) || recording__close_reader(rec, reader))
		return -1;
	/* Where the reader of a pipe had enough, the rest has not been seen. */
	if (enough > 0 && sc->stream)
		return ret;
	if (enough >= 0 && (say_what_is_missing(sc) || recording__complain(rec)))
		ret = -1;
	return ret;
}

static int script(const struct args *args)
{
	struct data_reader *reader = data_reader__open(args->input);
	struct recording *rec;
	struct script *sc;
	int ret = KVMW_FAILED;

	if (!reader)
		return KVMW_FAILED;
	if (args->follow)
		data_reader__follow(reader);
	rec = recording__new(args->input);
	sc = calloc(1, sizeof(*sc));
	if (rec && sc) {
		rec->window = args->window;
		sc->rec = rec;
		sc->opt = &args->opt;
		sc->stream = args->follow || !data_reader__seekable(reader);
		if (!cmd_script__print(args, rec, reader, sc))
			ret = KVMW_OK;
		else if (sc->usage)
			ret = KVMW_USAGE;
		script__free(sc);
	} else {
		data_reader__close(reader);
	}
	free(sc);
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
