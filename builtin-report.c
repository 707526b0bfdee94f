// SPDX-License-Identifier: GPL-2.0
/* kvmw report: wiring, exit status. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "builtin-options.h"
#include "builtin-report.h"
#include "builtin.h"
#include "util/analysis/findings/findings.h"
#include "util/analysis/models.h"
#include "util/analysis/report/aggregate_rows.h"
#include "util/error.h"
#include "util/render/threads.h"

/* What a recording was read into. */
struct reading {
	struct recording *rec;
	struct agg_table aggs, fine;	/* fine: of the details of exit reasons, */
	struct report_options by_detail;	/* by these options */
	struct findings_input input;	/* all NULL: not read */
	struct findings findings;
	const struct report_model *model;	/* of the requested event, or NULL */
	void *state;			/* of the model; NULL: not read */
	struct kept_rows kept;		/* by the model */
};

/* What stands out is a matter of all exits. */
static bool has_findings(const struct report_options *opt)
{
	return opt->details && !opt->reasons.nr && !opt->where;
}

static int print_text(const struct screen *s, const struct report *rep, const struct reading *in,
		      const struct report_args *args)
{
	bool exits = rep->event == KVMW_EVENT_EXIT;

	render__heading(s, rep, has_findings(rep->opt) && exits ? &in->findings : NULL, args->verbose);
	if (rep->nr_vcpus)
		render__whole(s, rep);
	if (has_findings(rep->opt) && rep->nr_rows && exits)
		render__findings(s, &in->findings);
	if (rep->nr_rows && exits && render__reasons(s, rep))
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
	return render__report_json(s, rep, has_findings(rep->opt) ? &in->findings : NULL, in->state);
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
	[OUTPUT_TEXT] = { print_text, .pager = true },
	[OUTPUT_JSON] = { print_json },
	[OUTPUT_CSV] = { print_csv, .rows_only = true },
};

static int cmd_report__print(const struct report_args *args, const struct report *rep,
			     const struct reading *in)
{
	const struct report_format *format = &formats[args->common.format];
	struct screen s;
	int ret;

	screen__open(&s, args->width, format->pager && !args->common.no_pager);
	screen__use_color(&s, args->color);
	ret = format->print(&s, rep, in, args);
	return screen__close(&s) || ret ? -1 : 0;
}

static void forget(struct reading *in)
{
	if (in->state)
		in->model->scan.free(in->state);
	findings_input__free(&in->input);
	agg_table__free(&in->aggs);
	agg_table__free(&in->fine);
	recording__free(in->rec);
	in->state = NULL;
	in->rec = NULL;
	in->kept = (struct kept_rows) { 0 };
}

static int read_once(struct report_args *args, bool sums, struct reading *in)
{
	struct data_reader *reader = common_args__open(&args->common, "report");
	struct scan_consumer of_model, of_places = exit_places__scan, of_families = family_sums__scan;
	const struct scan_consumer *consumers[5];
	struct report_scan rs, details;
	void *results[5] = { NULL };
	u32 nr = 0, model = 0, places = 0;

	if (!reader)
		return -1;
	in->rec = common_args__recording(&args->common, reader);
	if (!in->rec)
		return -1;
	args->opt.start_ns = &in->rec->meta.start_ns;
	in->rec->wants_memslots = args->opt.event == KVMW_EVENT_FAULT ||
				  args->opt.event == KVMW_EVENT_MMU;
	report_scan__init(&rs, &args->opt, sums);
	consumers[nr++] = &rs.consumer;
	if (args->opt.details) {
		report__details_options(&args->opt, &in->by_detail);
		report_scan__init(&details, &in->by_detail, true);
		consumers[nr++] = &details.consumer;
	}
	if (has_findings(&args->opt)) {
		places = nr;
		of_places.arg = of_families.arg = &args->opt;
		consumers[nr++] = &of_places;
		consumers[nr++] = &of_families;
	}
	/* Only exits have details, and they have no model. A view is a matter of all events. */
	if (in->model && !args->opt.where && !formats[args->common.format].rows_only) {
		of_model = in->model->scan;
		of_model.arg = &args->opt;
		model = nr;
		consumers[nr++] = &of_model;
	}
	if (scan__read(reader, in->rec, 0, consumers, nr, results))
		return -1;
	report_scan__take_result(results[0], &in->aggs);
	if (args->opt.details)
		report_scan__take_result(results[1], &in->fine);
	if (places)
		in->input = (struct findings_input) { results[places], results[places + 1] };
	in->state = model ? results[model] : NULL;
	return 0;
}

/*
 * Once is enough for most recordings. A file is read again, but not a pipe, where there is
 * nothing but families and -e named none: the first of them is shown; or where totals are
 * missing, because the recorder did not finish: then the sums are made from the rows.
 */
static int read_recording(struct report_args *args, struct reading *in)
{
	struct report_options *opt = &args->opt;
	struct stat st;
	bool file = !stat(common_args__input(&args->common), &st) && S_ISREG(st.st_mode);
	/* What the kernel does not count has no sums but those of rows. */
	bool sums = !file || args->common.window.active || opt->where || report_options__fine(opt) ||
		    (opt->event && !event_desc__is_cycle(opt->event));
	u32 event;

	if (read_once(args, sums, in))
		return -1;
	event = opt->event || !file ? 0 : report__only_family(in->rec);
	if (!event && (sums || agg_table__covers(&in->rec->totals, &in->aggs)))
		return 0;
	forget(in);
	if (event) {
		opt->event = event;
		if (common_args__bind_where(&args->common, BIT(event)))
			return -1;
		report_args__set_defaults(args);
		in->model = report_model__find(event);
	}
	return read_once(args, true, in);
}

static int add_details(struct reading *in, struct report *rep, const struct report_options *opt)
{
	struct report fine = { .nr_rows = 0 };
	int ret;

	if (rep->event != KVMW_EVENT_EXIT || !opt->details)
		return 0;
	ret = report__make(&fine, in->rec, &in->fine, &in->by_detail) || report__make_details(rep, &fine) ||
	      (in->input.places &&
	       report__name_deadlines(rep, deadlines__median(&in->input.places->deadlines, rep))) ||
	      (has_findings(opt) && findings__make(rep, &fine, &in->input, &in->findings));
	report__free(&fine);
	return ret ? -1 : 0;
}

static int report(struct report_args *args)
{
	struct reading in = { .model = report_model__find(args->opt.event) };
	struct report rep = { .nr_rows = 0 };
	int ret = -1;

	if (common_args__read_regions(&args->common) || common_args__read_symbols(&args->common))
		goto out;
	args->opt.regions = args->common.regions;
	args->opt.symbols = args->common.symbols;
	args->opt.kept = &in.kept;
	args->opt.budget = &args->common.budget;
	if (read_recording(args, &in) || report__make(&rep, in.rec, &in.aggs, &args->opt))
		goto out;
	if (add_details(&in, &rep, &args->opt))
		goto out;
	if (in.state && in.model->finish(in.state, &rep))
		goto out;
	ret = cmd_report__print(args, &rep, &in);
	/* After the table, where the eye is, and not lost in a pager. */
	if (*rep.empty)
		ret = error("%s: %s%s", in.rec->path, rep.empty, report__doubt(&rep));
	if (rep.over_limit)
		ret = error("%s: %llu events are not shown: more different keys than kvmw keeps",
			    in.rec->path, (unsigned long long)rep.over_limit);
	if (common_args__check_budget(&args->common) | recording__complain(in.rec))
		ret = -1;
out:
	report__free(&rep);
	forget(&in);
	return ret;
}

int cmd_report(int argc, const char **argv)
{
	struct report_args args = { .width = 0 };
	int ret = KVMW_USAGE;

	if (!options__parse(&report_argp, argc, argv, 0, &args))
		ret = report(&args) ? KVMW_FAILED : KVMW_OK;
	common_args__free(&args.common);
	return ret;
}
