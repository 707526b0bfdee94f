// SPDX-License-Identifier: GPL-2.0
/* kvmw report of several recordings: each is read by itself, then all become one report. */
#include <stdlib.h>
#include <string.h>

#include "builtin-reading.h"
#include "builtin-report.h"
#include "util/error.h"
#include "util/render/sparks.h"
#include "util/render/threads.h"
#include "util/sandbox.h"

/* One recording. */
struct input {
	struct common_args common;
	struct data_reader *reader;	/* until it is read */
	struct report_options opt;
	struct reading in;
	struct report rep;
	u32 base;			/* of its ids among those of all */
	u64 ids;			/* all of them are below */
	bool counted;			/* the kernel's totals cover all that was recorded */
};

/* All of them. */
struct files {
	struct report_args *args;
	struct input *input;
	u32 nr;
	char *path;			/* of all, for messages */
	struct recording *all;
	struct agg_table aggs, fine;
	struct report_options opt, by_detail;
	struct report rep;
	struct report_file *file;
};

/* A number, or a name, that means the same in all recordings; or the recordings distinguish it. */
static bool means_the_same(u32 event, enum report_key key)
{
	switch (key) {
	case KEY_REASON:
	case KEY_VCPU:
	case KEY_VM:
	case KEY_ACCESS:
	case KEY_USER:
	case KEY_NESTED:
	case KEY_HALTED:
	case KEY_RIP:
		return true;
	case KEY_DETAIL:
		return event == KVMW_EVENT_EXIT || event == KVMW_EVENT_IOCTL ||
		       event == KVMW_EVENT_HYPERCALL || event == KVMW_EVENT_NESTED ||
		       event == KVMW_EVENT_IRQ;
	default:
		return false;
	}
}

static bool is_by_clock(const struct time_window *w)
{
	return w->begin.base != TIME_START && w->begin.base != TIME_PERCENT &&
	       w->begin.base != TIME_MONOTONIC &&
	       (w->is_around || (w->end.base != TIME_START && w->end.base != TIME_PERCENT &&
				 w->end.base != TIME_MONOTONIC));
}

error_t report_args__check_files(const struct report_args *args)
{
	const struct report_options *opt = &args->opt;
	u32 event = opt->event ?: KVMW_EVENT_EXIT, pipes = !strcmp(args->common.input ?: "", "-");

	if (!args->common.nr_more)
		return 0;
	for (u32 i = 0; i < args->common.nr_more; i++)
		pipes += !strcmp(args->common.more[i], "-");
	if (pipes > 1)
		return usage_error("standard input has one recording, but '-' is given %u times",
				   pipes);
	if (guest_symbol_files__any(&args->common.symbol_files))
		return usage_error("files of symbols describe one VM, and so one recording: name only one");
	if (args->outliers || opt->heat)
		return usage_error("%s reads one recording: name only one",
				   args->outliers ? "--outliers" : "--heatmap");
	if (event == KVMW_EVENT_RAW || event == KVMW_EVENT_STACK)
		return usage_error("--event %s needs one recording, which alone says what its numbers stand for: name only one",
				   opt->tracepoint ?: event_desc__by_id(event)->name);
	for (u32 i = 0; i < opt->nr_sort; i++)
		if (!means_the_same(event, opt->sort[i]))
			return usage_error("--sort %s needs one recording: the same %s means something else in another; "
					   "name one", sort_key__name(report_options__key(opt, i)),
					   sort_key__name(report_options__key(opt, i)));
	if (args->common.window.active && !is_by_clock(&args->common.window))
		return usage_error("%s: the recordings do not begin at the same time: give the time by the clock, as "
				   "12:03:04,12:03:05", time_window__option(&args->common.window));
	return 0;
}

static const char *path_of(const struct report_args *args, u32 i)
{
	return i ? args->common.more[i - 1] : args->common.input;
}

/* Of all of them, before one is read: nothing can be opened then. 0, or -1 (error() said why). */
static int open_all(struct files *f)
{
	size_t len = 0, size = 1;

	for (u32 i = 0; i < f->nr; i++) {
		struct input *in = &f->input[i];

		in->common = f->args->common;
		in->common.input = path_of(f->args, i);
		in->reader = common_args__open(&in->common, "report");
		if (!in->reader)
			return -1;
		size += strlen(in->common.input) + 2;
	}
	f->path = mem__calloc(1, size);
	for (u32 i = 0; f->path && i < f->nr; i++)
		len += snprintf(f->path + len, size - len, "%s%s", i ? ", " : "",
				f->input[i].common.input);
	f->all = f->path ? recording__new(f->path) : NULL;
	return f->all ? 0 : -1;
}

/* Adds what was read of one to all, from its tables: what is made of them changes them. */
static int join(struct files *f, struct input *in, u32 nr)
{
	const struct recording *rec = in->in.rec;

	if (recording__join(f->all, rec, nr, in->base) ||
	    agg_table__join(&f->aggs, &in->in.aggs, in->base) ||
	    agg_table__join(&f->fine, &in->in.fine, in->base))
		return -1;
	in->counted = agg_table__covers(&rec->totals, &in->in.aggs);
	return 0;
}

/* Rows may be of vCPUs that no IDENT frame describes. */
static u64 ids_of(const struct reading *in)
{
	const u64 ids[] = {
		recording__ids(in->rec),
		agg_table__ids(&in->rec->totals),
		agg_table__ids(&in->aggs),
		agg_table__ids(&in->fine),
	};
	u64 most = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		if (ids[i] > most)
			most = ids[i];
	return most;
}

static int files__read(struct files *f, u32 i)
{
	struct input *in = &f->input[i];
	struct data_reader *reader = in->reader;

	in->reader = NULL;
	in->opt = f->args->opt;
	in->opt.top = 0;
	in->opt.percent_limit = 0;
	in->opt.regions = f->args->common.regions;
	in->opt.budget = &in->common.budget;
	in->opt.kept = &in->in.kept;
	in->opt.sparks = in->opt.details && f->args->verbose;
	in->in.model = report_args__model(f->args);
	if (reading__read(&in->in, &in->common, &in->opt, reader, true))
		return -1;
	in->ids = ids_of(&in->in);
	if (i)
		in->base = f->input[i - 1].base + f->input[i - 1].ids;
	if (in->base + in->ids >= UINT32_MAX)
		return error("%s: the ids of its VMs or vCPUs are too large to distinguish them from those of others: report it "
			     "alone", in->in.rec->path);
	if (join(f, in, i + 1) || report__make(&in->rep, in->in.rec, &in->in.aggs, &in->opt))
		return -1;
	if (reading__add_details(&in->in, &in->rep))
		return -1;
	in->opt.top = f->args->opt.top;
	in->opt.percent_limit = f->args->opt.percent_limit;
	return in->in.state ? in->in.model->finish(in->in.state, &in->rep) : 0;
}

/* What some rows are of, and others not, is no sum. */
static int check_events(const struct files *f)
{
	const struct report *first = NULL;

	for (u32 i = 0; i < f->nr; i++) {
		const struct report *rep = &f->input[i].rep;

		if (*rep->empty)
			continue;
		first = first ?: rep;
		if (rep->event != first->event)
			return error("%s has %s, but %s has only %s: -e chooses one of them",
				     first->rec->path, first->desc->plural, rep->rec->path,
				     rep->desc->plural);
	}
	return 0;
}

/* Totals of some recordings only would be compared with the rows of all. */
static int join_totals(struct files *f)
{
	for (u32 i = 0; i < f->nr; i++)
		if (!f->input[i].counted)
			return 0;
	for (u32 i = 0; i < f->nr; i++)
		if (agg_table__join(&f->all->totals, &f->input[i].in.rec->totals, f->input[i].base))
			return -1;
	return 0;
}

static int add_details(struct files *f)
{
	struct report fine = { .nr_rows = 0 };
	int ret;

	if (f->rep.event != KVMW_EVENT_EXIT || !f->opt.details)
		return 0;
	f->rep.details_over_limit = f->fine.over_limit;
	report__details_options(&f->opt, &f->by_detail);
	ret = report__make(&fine, f->all, &f->fine, &f->by_detail) ||
	      report__make_details(&f->rep, &fine);
	report__free(&fine);
	return ret ? -1 : 0;
}

static int make_one(struct files *f)
{
	bool findings = report_options__wants_findings(&f->args->opt);

	f->opt = f->args->opt;
	f->opt.regions = f->args->common.regions;
	f->opt.rows_only = true;
	if (join_totals(f) || report__make(&f->rep, f->all, &f->aggs, &f->opt))
		return -1;
	f->rep.nr_files = f->nr;
	for (u32 i = 0; i < f->nr; i++) {
		struct input *in = &f->input[i];

		f->file[i] = (struct report_file) {
			.rep = &in->rep, .model = in->in.state,
			.findings = findings && in->rep.event == KVMW_EVENT_EXIT ?
				    &in->in.findings : NULL,
		};
		if (report__join_vcpus(&f->rep, &in->rep, in->base))
			return -1;
	}
	return add_details(f);
}

static int print_file(const struct screen *s, const struct report_file *file)
{
	const struct report *rep = file->rep;

	if (render__sparks(s, rep))
		return -1;
	render__idle_vcpus(s, rep);
	if (!rep->nr_rows || !file->model)
		return 0;
	render__of_the_recorded(s, rep);
	return render__view(s, rep, file->model);
}

/* Neither their time nor their threads are those of another one.  Some have nothing to show. */
static int print_by_itself(const struct files *f, const struct screen *s)
{
	bool any = false;
	int ret = 0;

	for (u32 i = 0; i < f->nr && !ret; i++) {
		struct screen one = *s;
		char *text = NULL;
		size_t size = 0;

		one.out = open_memstream(&text, &size);
		ret = one.out ? print_file(&one, &f->file[i]) : out_of_memory();
		if (one.out && fclose(one.out))
			ret = out_of_memory();
		if (!ret && size) {
			if (!any)
				screen__wrap(s, "\n", "", "For each recording separately:");
			any = true;
			fprintf(s->out, "\n# @%u %s\n%s", i + 1, f->file[i].rep->rec->path, text);
		}
		free(text);
	}
	if (ret)
		return -1;
	if (f->input[0].opt.details && !f->args->verbose)
		screen__wrap(s, "# ", "# ", "Exits over time of each recording: -v");
	return 0;
}

static int files__print_text(struct files *f, const struct screen *s)
{
	const struct report *rep = &f->rep;

	for (u32 i = 0; i < f->nr; i++) {
		fprintf(s->out, "# @%u\n", i + 1);
		render__heading(s, f->file[i].rep, f->file[i].findings, f->args->verbose);
		if (f->file[i].findings && f->file[i].rep->nr_rows)
			render__findings(s, f->file[i].findings);
	}
	render__files_heading(s, rep);
	if (rep->nr_vcpus)
		render__whole(s, rep);
	if (rep->nr_rows &&
	    (rep->event == KVMW_EVENT_EXIT ? render__reasons(s, rep) : render__table(s, rep)))
		return -1;
	if (rep->has_spans && rep->nr_rows && f->args->hist)
		render__histograms(s, rep);
	return render__vcpus(s, rep) || print_by_itself(f, s) ? -1 : 0;
}

static int files__print(struct files *f, const struct screen *s)
{
	switch (f->args->common.format) {
	case OUTPUT_JSON:
		return render__files_json(s, &f->rep, f->file);
	case OUTPUT_CSV:
		return render__report_csv(s, &f->rep);
	default:
		return files__print_text(f, s);
	}
}

/*
 * Whether the same moments of the same vCPUs may be in both: parts of one recording have its clock,
 * and its ids.
 */
static bool may_hold_the_same(const struct recording *a, const struct recording *b)
{
	const struct rec_meta *x = &a->meta, *y = &b->meta;

	if (!recording__is_same_recorder(a, b) || recording__are_files_of_series(a, b))
		return false;
	if ((x->part && y->part) &&
	    (x->part_to_ns < y->part_from_ns || y->part_to_ns < x->part_from_ns))
		return false;
	for (u32 i = 0; i < a->nr_vcpus; i++)
		if (recording__vcpu(b, a->vcpu[i].id))
			return true;
	return false;
}

static void warn_of_doubles(const struct files *f)
{
	for (u32 i = 1; i < f->nr; i++) {
		for (u32 k = 0; k < i; k++) {
			const struct recording *a = f->input[k].in.rec, *b = f->input[i].in.rec;

			if (!f->input[k].rep.recorded || !f->input[i].rep.recorded ||
			    !may_hold_the_same(a, b))
				continue;
			warning("%s and %s come from one recorder and overlap in time: what is in both counts twice; omit one "
				"of them", a->path, b->path);
			return;
		}
	}
}

/* What is wrong with each of them. */
static int files__complain(const struct files *f)
{
	int ret = 0;

	for (u32 i = 0; i < f->nr; i++)
		if (common_args__check_budget(&f->input[i].common) |
		    recording__complain(f->input[i].in.rec))
			ret = -1;
	return ret;
}

static int read_and_print(struct files *f, struct screen *s)
{
	int ret;

	for (u32 i = 0; i < f->nr; i++)
		if (files__read(f, i))
			return -1;
	if (check_events(f) || make_one(f))
		return -1;
	ret = files__print(f, s);
	if (screen__close(s))
		ret = -1;
	warn_of_doubles(f);
	for (u32 i = 0; !f->rep.nr_rows && i < f->nr; i++)
		if (*f->input[i].rep.empty)
			ret = error("%s: %s", f->input[i].in.rec->path, f->input[i].rep.empty);
	return report__check_limit(&f->rep, "shown") | files__complain(f) ? -1 : ret;
}

static void files__free(struct files *f)
{
	report__free(&f->rep);
	for (u32 i = 0; f->input && i < f->nr; i++) {
		data_reader__close(f->input[i].reader);
		report__free(&f->input[i].rep);
		reading__free(&f->input[i].in);
	}
	agg_table__free(&f->aggs);
	agg_table__free(&f->fine);
	recording__free(f->all);
	free(f->path);
	free(f->file);
	free(f->input);
}

int report_files(struct report_args *args)
{
	bool pager = args->common.format == OUTPUT_TEXT && !args->common.no_pager;
	struct files f = { .args = args, .nr = 1 + args->common.nr_more };
	struct screen s = { .out = NULL };
	int ret = -1;

	f.input = mem__calloc(f.nr, sizeof(*f.input));
	f.file = mem__calloc(f.nr, sizeof(*f.file));
	if (f.input && f.file && !common_args__read_regions(&args->common) && !open_all(&f)) {
		screen__open(&s, args->width, pager);
		screen__use_color(&s, args->color);
		sandbox__enter(SANDBOX_READ);
		ret = read_and_print(&f, &s);
		screen__close(&s);
	}
	files__free(&f);
	return ret;
}
