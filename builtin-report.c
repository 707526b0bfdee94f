// SPDX-License-Identifier: GPL-2.0
/* kvmw report: wiring, exit status. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "builtin-options.h"
#include "builtin-reading.h"
#include "builtin-report.h"
#include "builtin.h"
#include "util/error.h"
#include "util/render/sparks.h"
#include "util/render/threads.h"
#include "util/sandbox.h"

static int print_text(const struct screen *s, const struct report *rep, const struct reading *in,
		      const struct report_args *args)
{
	bool exits = rep->event == KVMW_EVENT_EXIT;

	render__heading(s, rep,
			report_options__wants_findings(rep->opt) && exits ? &in->findings : NULL,
			args->verbose);
	if (rep->opt->heat)
		return rep->nr_rows ? render__heatmap(s, rep) : 0;
	if (rep->nr_vcpus)
		render__whole(s, rep);
	if (report_options__wants_findings(rep->opt) && rep->nr_rows && exits)
		render__findings(s, &in->findings);
	if (rep->nr_rows && exits && render__reasons(s, rep))
		return -1;
	if (args->verbose && render__sparks(s, rep))
		return -1;
	if (rep->nr_rows && !exits && render__table(s, rep))
		return -1;
	if (rep->has_spans && rep->nr_rows && args->hist)
		render__histograms(s, rep);
	if (render__vcpus(s, rep))
		return -1;
	render__idle_vcpus(s, rep);
	if (in->state)
		render__of_the_recorded(s, rep);
	return render__view(s, rep, in->state);
}

static int print_json(const struct screen *s, const struct report *rep, const struct reading *in,
		      const struct report_args *args)
{
	return render__report_json(s, rep,
				   report_options__wants_findings(rep->opt) ? &in->findings : NULL,
				   in->state);
}

static int print_csv(const struct screen *s, const struct report *rep, const struct reading *in,
		     const struct report_args *args)
{
	return render__report_csv(s, rep);
}

static const struct report_format {
	int (*print)(const struct screen *s, const struct report *rep, const struct reading *in,
		     const struct report_args *args);
	bool pager;
	bool rows_only;		/* the model of the event's view is not needed */
} formats[NR_OUTPUT_FORMATS] = {
	[OUTPUT_TEXT] = { .print = print_text, .pager = true },
	[OUTPUT_JSON] = { .print = print_json },
	[OUTPUT_CSV] = { .print = print_csv, .rows_only = true },
};

/* What is read: once, or a second time. */
struct report_input {
	struct data_reader *first, *again;	/* again: NULL if it cannot be */
};

const struct report_model *report_args__model(const struct report_args *args)
{
	bool rows_only =
		formats[args->common.format].rows_only || args->opt.where || args->opt.heat;

	return rows_only ? NULL : report_model__find(args->opt.event);
}

/* Nothing can be opened later. 0, or -1 (error() said why). */
static int open_input(struct report_args *args, struct report_input *input)
{
	const char *path = common_args__input(&args->common);
	struct stat st;

	input->first = common_args__open(&args->common, "report");
	if (!input->first)
		return -1;
	if (strcmp(path, "-") && !stat(path, &st) && S_ISREG(st.st_mode)) {
		input->again = data_reader__open(path);
		if (!input->again)
			return -1;
	}
	return 0;
}

/*
 * Once is enough for most recordings. A file is read again, but not a pipe, where there is
 * nothing but families and -e named none: the first of them is shown; or where totals are
 * missing, because the recorder did not finish: then the sums are made from the rows.
 */
static int read_recording(struct report_args *args, struct report_input *input, struct reading *in)
{
	struct report_options *opt = &args->opt;
	bool file = input->again;
	/* What the kernel does not count has no sums but those of rows. */
	bool sums = !file || args->common.window.active || opt->where ||
		    report_options__fine(opt) || (opt->event && !event_desc__is_cycle(opt->event));
	u32 event;

	if (reading__read(in, &args->common, opt, take_reader(&input->first), sums))
		return -1;
	event = opt->event || !file ? 0 : report__only_family(in->rec);
	/* Of a part of a recording in time, totals say no more than rows. */
	sums |= !in->rec->window.active && agg_table__covers(&in->rec->totals, &in->aggs);
	if (!event && sums)
		return 0;
	reading__free(in);
	if (event) {
		opt->event = event;
		if (common_args__bind_where(&args->common, BIT(event)))
			return -1;
		report_args__set_defaults(args);
		in->model = report_args__model(args);
	}
	return reading__read(in, &args->common, opt, take_reader(&input->again), true);
}

static int report(struct report_args *args)
{
	const struct report_format *format = &formats[args->common.format];
	struct reading in = { .model = report_args__model(args) };
	struct report_input input = { .first = NULL };
	struct report rep = { .nr_rows = 0 };
	struct screen s = { .out = NULL };
	int ret = -1;

	if (common_args__start_namers(&args->common) || common_args__read_regions(&args->common) ||
	    common_args__find_kaslr(&args->common, "report") ||
	    common_args__read_symbols(&args->common))
		goto out;
	args->opt.regions = args->common.regions;
	args->opt.kept = &in.kept;
	args->opt.sparks = args->opt.details;
	args->opt.text = args->common.format == OUTPUT_TEXT;
	args->opt.budget = &args->common.budget;
	if (open_input(args, &input))
		goto out;
	screen__open(&s, args->width, format->pager && !args->common.no_pager);
	screen__use_color(&s, args->color);
	sandbox__enter(SANDBOX_READ);
	if (read_recording(args, &input, &in) || report__make(&rep, in.rec, &in.aggs, &args->opt))
		goto out;
	if (reading__add_details(&in, &rep))
		goto out;
	if (in.state && in.model->finish(in.state, &rep))
		goto out;
	ret = format->print(&s, &rep, &in, args);
	if (screen__close(&s))
		ret = -1;
	/* After the table, where the eye is, and not lost in a pager. */
	if (*rep.empty)
		ret = error("%s: %s%s", in.rec->path, rep.empty, report__doubt(&rep));
	if (report__check_limit(&rep, "shown"))
		ret = -1;
	if (common_args__check_budget(&args->common) | recording__complain(in.rec))
		ret = -1;
out:
	screen__close(&s);
	report__free(&rep);
	reading__free(&in);
	data_reader__close(input.first);
	data_reader__close(input.again);
	return ret;
}

int cmd_report(int argc, const char **argv)
{
	struct report_args args = { .width = 0 };
	int ret = KVMW_USAGE;

	if (!options__parse(&report_argp, argc, argv, 0, &args))
		ret = (args.common.nr_more ? report_files(&args) :
		       args.outliers ? report_outliers(&args) : report(&args)) ?
		      KVMW_FAILED : KVMW_OK;
	common_args__free(&args.common);
	return ret;
}
