// SPDX-License-Identifier: GPL-2.0
/* kvmw diff: options, wiring, exit status. */
#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "builtin-options.h"
#include "builtin-reading.h"
#include "builtin-report.h"
#include "builtin.h"
#include "util/array.h"
#include "util/error.h"
#include "util/parse.h"
#include "util/render/diff.h"
#include "util/render/units.h"
#include "util/sandbox.h"

#define TOP_ROWS	30	/* in text, without --top */
#define OLD_INPUT	DEFAULT_INPUT ".old"

enum { OPT_FAIL_IF = 0x400, OPT_TOP_ROWS };

static const struct argp_option options[] = {
	{ "top", OPT_TOP_ROWS, "N", 0, "Show only the first N rows (default: 30 in text, else all)", 2 },
	{ "fail-if", OPT_FAIL_IF, "CONDITION", 0, "Exit with status 1 if CONDITION holds for a NEW one: 'p99(io) > +20%', "
	  "'count(total) > 5000'; may be given several times", 2 },
	{ 0 },
};

struct diff_args {
	struct report_args rows;
	const char **path;		/* OLD, NEW... */
	struct diff_condition *condition;
	u32 nr_paths, path_room, nr_conditions, condition_room;
	u32 top;
};

/* One recording. */
struct diff_input {
	struct common_args common;
	struct data_reader *reader;	/* until it is read */
	struct report_options opt;
	struct reading in;
	struct report rep;
};

static const char *const default_paths[] = { OLD_INPUT, DEFAULT_INPUT };

static error_t add_condition(struct diff_args *args, const char *text)
{
	if (array__reserve(args->condition, args->nr_conditions, args->condition_room, NULL))
		return ENOMEM;
	return diff_condition__parse(&args->condition[args->nr_conditions++], text);
}

static error_t add_path(struct diff_args *args, const char *path)
{
	if (array__reserve(args->path, args->nr_paths, args->path_room, NULL))
		return ENOMEM;
	args->path[args->nr_paths++] = path;
	return 0;
}

static error_t check_paths(struct diff_args *args)
{
	u32 pipes = 0;

	if (!args->nr_paths)
		return add_path(args, default_paths[0]) ?: add_path(args, default_paths[1]);
	if (args->nr_paths == 1)
		return usage_error("diff compares recordings: name an old one and a new one, not only '%s'; without "
				   "names they are " OLD_INPUT " and " DEFAULT_INPUT, args->path[0]);
	for (u32 i = 0; i < args->nr_paths; i++)
		pipes += !strcmp(args->path[i], "-");
	return pipes > 1 ?
	       usage_error("standard input has one recording, but '-' is given %u times", pipes) :
	       0;
}

static error_t parse_top_rows(struct diff_args *args, const char *arg)
{
	if (!parse_u32(arg, &args->top) && args->top)
		return 0;
	return usage_error("--top '%s': must be a positive number", arg);
}

/* A child, since the words that it takes are not a command to run. */
static error_t parse_recordings(int key, char *arg, struct argp_state *state)
{
	struct diff_args *args = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		return add_path(args, arg);
	case OPT_TOP_ROWS:
		return parse_top_rows(args, arg);
	case OPT_FAIL_IF:
		return add_condition(args, arg);
	case ARGP_KEY_END:
		return check_paths(args);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp recordings_argp = {
	.options = options, .parser = parse_recordings, .args_doc = "[OLD NEW [NEW...]]",
};

static const struct argp_child children[] = {
	{ &recordings_argp, 0, NULL, 0 },
	{ &report_rows_argp, 0, NULL, 0 },
	{ &common_memory_argp, 0, NULL, 0 },
	{ &common_reading_argp, 0, NULL, 0 },
	{ 0 },
};

static error_t cmd_diff__parse(int key, char *arg, struct argp_state *state)
{
	struct diff_args *args = state->input;

	if (key == ARGP_KEY_END && report_options__sorts_by(&args->rows.opt, KEY_TIME))
		return usage_error("--sort time: two recordings have no intervals in common; select a part of each "
				   "with --time");
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	args->rows.no_time_key = true;
	state->child_inputs[0] = args;
	state->child_inputs[1] = &args->rows;
	for (size_t i = 2; i + 1 < ARRAY_SIZE(children); i++)
		state->child_inputs[i] = &args->rows.common;
	return 0;
}

/* Of all of them, before one is read: nothing can be opened then. 0, or -1 (error() said why). */
static int open_inputs(struct diff_input *input, const struct diff_args *args)
{
	for (u32 i = 0; i < args->nr_paths; i++) {
		input[i].common = args->rows.common;
		input[i].common.input = args->path[i];
		input[i].reader = common_args__open(&input[i].common, "diff");
		if (!input[i].reader)
			return -1;
	}
	return 0;
}

/* event: what the first one has. */
static int read_input(struct diff_input *input, const struct diff_args *args, u32 event)
{
	struct data_reader *reader = input->reader;

	input->reader = NULL;
	input->opt = args->rows.opt;
	input->opt.event = event ?: input->opt.event;
	/* Their order is that of the differences. */
	input->opt.top = 0;
	input->opt.slices = true;
	input->opt.details &= event != KVMW_EVENT_USERSPACE;
	input->opt.regions = args->rows.common.regions;
	input->opt.budget = &input->common.budget;
	input->opt.kept = &input->in.kept;
	if (reading__read(&input->in, &input->common, &input->opt, reader, true) ||
	    report__make(&input->rep, input->in.rec, &input->in.aggs, &input->opt))
		return -1;
	if (*input->rep.empty)
		return error("%s: %s%s", input->in.rec->path, input->rep.empty,
			     report__doubt(&input->rep));
	return reading__add_details(&input->in, &input->rep);
}

static int make_diff_of(struct diff *d, struct diff_input *old, struct diff_input *new)
{
	const struct report *const reps[NR_DIFF_SIDES] = { &old->rep, &new->rep };
	const struct findings *const findings[NR_DIFF_SIDES] = { &old->in.findings,
								 &new->in.findings };
	bool has = old->rep.event == KVMW_EVENT_EXIT && report_options__wants_findings(&old->opt);

	return diff__make(d, reps, has ? findings : NULL);
}

static void say_failure(const struct diff_failure *f)
{
	const struct diff_value *v = &f->row.value[f->condition->measure];
	enum diff_measure m = f->condition->measure;
	char old[UNITS_MAX], new[UNITS_MAX], change[UNITS_MAX];

	error("--fail-if '%s' holds: %s in %s, %s in %s (%s, %s)", f->condition->text,
	      diff__value(m, v->of[DIFF_NEW], new), f->diff->rep[DIFF_NEW]->rec->path,
	      diff__value(m, v->of[DIFF_OLD], old), f->diff->rep[DIFF_OLD]->rec->path,
	      diff__change(&f->row, m, change), v->changed ? "more than noise" :
	      isnan(v->p) ? "not tested for noise" : "which may be noise");
}

/* Those that hold. -1: one is of no row (error() said so). */
static int check_conditions(const struct diff_args *args, const struct diff *const *list, u32 nr,
			    struct diff_failure *failure, u32 *nr_failures)
{
	bool *wrong = mem__calloc(args->nr_conditions + 1, sizeof(*wrong));
	int ret = wrong ? 0 : -1;

	/* What is wrong with one is said once, not of each NEW. */
	for (u32 i = 0; wrong && i < nr; i++) {
		for (u32 k = 0; k < args->nr_conditions; k++) {
			const struct diff_condition *c = &args->condition[k];
			struct diff_row row;

			if (wrong[k])
				continue;
			wrong[k] = diff_condition__find(c, list[i], &row);
			if (wrong[k])
				ret = -1;
			else if (row.label && diff_condition__holds(c, &row))
				failure[(*nr_failures)++] =
					(struct diff_failure) { c, list[i], row };
		}
	}
	free(wrong);
	return ret;
}

static int print_diffs(const struct diff_args *args, struct screen *s,
		       const struct diff *const *list, u32 nr, const struct diff_failure *failure,
		       u32 nr_failures)
{
	enum output_format format = args->rows.common.format;
	int ret = 0;

	if (format == OUTPUT_JSON)
		ret = render__diff_json(s, list, nr, failure, nr_failures);
	else if (format == OUTPUT_CSV)
		ret = render__diff_csv(s, list, nr);
	for (u32 i = 0; i < nr && format == OUTPUT_TEXT && !ret; i++) {
		if (i)
			fputc('\n', s->out);
		ret = render__diff(s, list[i], args->top ?: TOP_ROWS);
	}
	return screen__close(s) || ret ? -1 : 0;
}

/* Of all inputs, what is wrong with them is said at the end. */
static int diff__complain(const struct diff_input *input, u32 nr)
{
	int ret = 0;

	for (u32 i = 0; i < nr; i++) {
		if (common_args__check_budget(&input[i].common) |
		    recording__complain(input[i].in.rec))
			ret = -1;
		if (report__check_limit(&input[i].rep, "compared"))
			ret = -1;
	}
	return ret;
}

static int diff__compare(const struct diff_args *args, struct screen *s, struct diff_input *input,
			 struct diff *diff, const struct diff **list, struct diff_failure *failure)
{
	u32 nr = args->nr_paths - 1, nr_failures = 0;
	int ret;

	for (u32 i = 0; i <= nr; i++)
		if (read_input(&input[i], args, input[0].rep.event))
			return -1;
	for (u32 i = 0; i < nr; i++) {
		list[i] = &diff[i];
		if (make_diff_of(&diff[i], &input[0], &input[i + 1]))
			return -1;
	}
	ret = check_conditions(args, list, nr, failure, &nr_failures);
	if (print_diffs(args, s, list, nr, failure, nr_failures))
		ret = -1;
	for (u32 i = 0; i < nr_failures; i++)
		say_failure(&failure[i]);
	return diff__complain(input, nr + 1) || nr_failures ? -1 : ret;
}

/* Reads and compares them, behind the wall. */
static int diff__of(const struct diff_args *args, struct diff_input *input, struct diff *diffs,
		    const struct diff **list, struct diff_failure *failure)
{
	const struct common_args *common = &args->rows.common;
	struct screen s;
	int ret;

	if (open_inputs(input, args))
		return -1;
	screen__open(&s, args->rows.width, common->format == OUTPUT_TEXT && !common->no_pager);
	screen__use_color(&s, args->rows.color);
	sandbox__enter(SANDBOX_READ);
	ret = diff__compare(args, &s, input, diffs, list, failure);
	return screen__close(&s) || ret ? -1 : 0;
}

static int diff(struct diff_args *args)
{
	struct common_args *common = &args->rows.common;
	u32 nr = args->nr_paths;
	struct diff_input *input = mem__calloc(nr, sizeof(*input));
	struct diff *diffs = mem__calloc(nr, sizeof(*diffs));
	const struct diff **list = mem__calloc(nr, sizeof(*list));
	struct diff_failure *failure =
		mem__calloc((size_t)nr * (args->nr_conditions + 1), sizeof(*failure));
	int ret = -1;

	if (input && diffs && list && failure && !common_args__read_regions(common) &&
	    !common_args__read_symbols(common))
		ret = diff__of(args, input, diffs, list, failure);
	for (u32 i = 0; input && diffs && i < nr; i++) {
		diff__free(&diffs[i]);
		data_reader__close(input[i].reader);
		report__free(&input[i].rep);
		reading__free(&input[i].in);
	}
	free(failure);
	free(list);
	free(diffs);
	free(input);
	return ret;
}

const struct argp diff_argp = {
	.children = children,
	.parser = cmd_diff__parse,
	.doc = "Compare recordings: what changed per second of vCPU time, and whether it is more than noise. "
	       "Without names, " OLD_INPUT " and " DEFAULT_INPUT " are compared.",
};

int cmd_diff(int argc, const char **argv)
{
	struct diff_args args = { .top = 0 };
	int ret = KVMW_USAGE;

	if (!options__parse(&diff_argp, argc, argv, 0, &args))
		ret = diff(&args) ? KVMW_FAILED : KVMW_OK;
	common_args__free(&args.rows.common);
	array__free(args.path, args.path_room, NULL);
	array__free(args.condition, args.condition_room, NULL);
	return ret;
}
