// SPDX-License-Identifier: GPL-2.0
/* kvmw report: options, wiring, exit status. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "builtin-common.h"
#include "builtin-guess.h"
#include "builtin-options.h"
#include "builtin.h"
#include "util/analysis/findings/findings.h"
#include "util/analysis/models.h"
#include "util/analysis/report/aggregate_rows.h"
#include "util/error.h"
#include "util/nearest.h"
#include "util/parse.h"
#include "util/render/render.h"
#include "util/render/threads.h"

enum { OPT_ORDER = 0x100, OPT_LIMIT, OPT_HIST, OPT_WIDTH, OPT_TOP, OPT_COLOR };

#define TOP_STACKS	20	/* shown without --top */
#define TOP_DETAILS	30	/* the same, in text */

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "What to show:", 2 },
	{ "sort", 's', "KEY[,KEY...]", 0, "Show one row per value of KEY", 2 },
	{ "order", OPT_ORDER, "BY", 0, "Order of the rows", 2 },
	{ "event", 'e', "EVENT", 0, "Show exit, userspace, a family such as irq, or a "
	  "tracepoint such as kvm:kvm_pio (default exit, or userspace)", 2 },
	{ "percent-limit", OPT_LIMIT, "P", 0, "Hide rows below P% of the cost (of other events: of "
	  "the time), or of what --order time or count orders by", 2 },
	{ "top", OPT_TOP, "N", 0, "Show only the first N rows (default all; stack: 20; details of "
	  "exits: 30 in text)", 2 },
	{ "hist", OPT_HIST, NULL, 0, "Also show the histogram of each row", 2 },
	{ "verbose", 'v', NULL, 0, "Also say how it was recorded: host, command, sizes, cost", 4 },
	{ "color", OPT_COLOR, "WHEN", 0, "Use colours: auto (the default: on a terminal), always or "
	  "never", 4 },
	{ "width", OPT_WIDTH, "COLUMNS", 0, "Width of the output (default: the terminal's, or 80)", 4 },
	{ 0 },
};

static const struct argp_child children[] = {
	{ &common_input_argp, 0, NULL, 0 },
	{ &common_select_argp, 0, NULL, 0 },
	{ &common_output_argp, 0, NULL, 0 },
	{ &common_csv_argp, 0, NULL, 0 },
	{ &common_regions_argp, 0, NULL, 0 },
	{ 0 },
};

struct args {
	struct common_args common;
	struct report_options opt;
	u32 width;
	enum color_when color;
	bool hist, verbose;
	bool sort, event, order, top;	/* were given */
	struct guess guess;	/* of what -e or -s do not know */
	const char *guessed;	/* the option it was given to */
};

/* A word that an option does not know may be for another one. */
static bool guess(struct args *args, const char *option, const char *word)
{
	if (args->guessed || !guess__word(&args->guess, word))
		return false;
	args->guessed = option;
	return true;
}

/* Once it is known which options were given. */
static error_t take_guess(struct args *args)
{
	struct guess *g = &args->guess;

	if (!args->guessed)
		return 0;
	if (args->sort && strcmp(args->guessed, "--sort"))
		g->sort = NULL;
	if ((g->event && args->event) || (g->reason && args->common.reasons.nr) ||
	    (!g->event && !g->reason && !g->sort))
		return usage_error("%s '%s': %s, but another option chooses that", args->guessed,
				   g->word, g->what);
	guess__say(g, args->guessed);
	if (g->event)
		args->opt.event = event_desc__by_name(g->event)->id;
	if (g->reason)
		return reason_list__parse(&args->common.reasons, g->reason) ? EINVAL : 0;
	return 0;
}

static error_t bad_key(const char *typed)
{
	char what[64] = "no key given";
	struct word_list keys;

	word_list__begin(&keys, typed, strlen(typed));
	for (u32 i = 0; i < NR_REPORT_KEYS; i++)
		word_list__add(&keys, sort_key__get(i)->name);
	if (*typed)
		snprintf(what, sizeof(what), "no key '%.32s'", typed);
	return usage_error("--sort: %s%s; the keys are %s", what,
			   nearest__hint(&keys.nearest), keys.text);
}

static void add_key(struct report_options *opt, enum report_key key)
{
	if (!report_options__sorts_by(opt, key))
		opt->sort[opt->nr_sort++] = key;
}

/* The default, or what --sort has. */
static void set_sort(struct report_options *opt, const char *names)
{
	char list[64], *save;

	opt->nr_sort = 0;
	snprintf(list, sizeof(list), "%s", names);
	for (char *p = strtok_r(list, ",", &save); p; p = strtok_r(NULL, ",", &save))
		add_key(opt, sort_key__find(p));
}

static error_t parse_sort(struct args *args, char *arg)
{
	struct report_options *opt = &args->opt;
	bool single = !strchr(arg, ',');
	enum report_key key;
	char *save;

	opt->nr_sort = 0;
	args->sort = false;
	for (char *p = strtok_r(arg, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
		key = sort_key__find(p);
		if (key == NR_REPORT_KEYS && !args->guessed && guess(args, "--sort", p)) {
			/* An event or a reason is no key: rows remain as they are. */
			if (!args->guess.sort && single)
				return 0;
			key = args->guess.sort ? sort_key__find(args->guess.sort) : NR_REPORT_KEYS;
		}
		if (key == NR_REPORT_KEYS)
			return bad_key(p);
		add_key(opt, key);
	}
	args->sort = opt->nr_sort;
	return opt->nr_sort ? 0 : bad_key("");
}

static void list_orders(char *buf, size_t size)
{
	*buf = '\0';
	for (u32 i = 0; i < NR_REPORT_ORDERS; i++)
		snprintf(buf + strlen(buf), size - strlen(buf), "%s%s",
			 !i ? "" : i == NR_REPORT_ORDERS - 1 ? " or " : ", ",
			 report_order__get(i)->name);
}

static error_t parse_order(struct report_options *opt, const char *arg)
{
	char names[128];
	struct nearest n;

	nearest__begin(&n, arg, strlen(arg));
	for (u32 i = 0; i < NR_REPORT_ORDERS; i++) {
		nearest__offer(&n, report_order__get(i)->name);
		if (strcmp(arg, report_order__get(i)->name))
			continue;
		opt->order = i;
		return 0;
	}
	list_orders(names, sizeof(names));
	return usage_error("--order: invalid order '%s'%s; rows are ordered by %s", arg,
			   nearest__hint(&n), names);
}

static error_t no_event(const char *arg)
{
	struct word_list events;

	word_list__begin(&events, arg, strlen(arg));
	for_each_captured_event(event)
		word_list__add(&events, event->name);
	return usage_error("--event: unknown event '%s'%s; use %s, or a tracepoint such as kvm:kvm_pio",
			   arg, nearest__hint(&events.nearest), events.text);
}

/* What script lists by itself: one kind, as irq:eoi. */
static bool is_kind(const char *arg, const char *colon)
{
	char name[32];
	const struct event_desc *event;

	snprintf(name, sizeof(name), "%.*s", (int)(colon - arg), arg);
	event = event_desc__by_name(name);
	for (u32 i = 0; event && i < event->nr_kinds; i++)
		if (!strcmp(event->kinds[i].name, colon + 1))
			return true;
	return false;
}

static error_t cmd_report__parse_event(struct args *args, const char *arg)
{
	struct report_options *opt = &args->opt;
	const struct event_desc *event = event_desc__by_name(arg);
	const char *colon = strchr(arg, ':');

	opt->tracepoint = NULL;
	if (colon && is_kind(arg, colon)) {
		int len = colon - arg;

		return usage_error("--event: '%s' is one kind of event %.*s; report -e %.*s shows a "
				   "row for each kind, script -e %s lists its events", arg, len, arg,
				   len, arg, arg);
	}
	if (colon && colon != arg && colon[1]) {
		opt->tracepoint = arg;
		opt->event = KVMW_EVENT_RAW;
	} else if (event && event_desc__captured(event->id)) {
		opt->event = event->id;
	} else if (guess(args, "--event", arg)) {
		/* The event is not chosen by this. */
		return 0;
	} else {
		return no_event(arg);
	}
	args->event = true;
	return 0;
}

/* Options that were not given are as the event has them. */
static void set_defaults(struct args *args)
{
	struct report_options *opt = &args->opt;
	const struct event_desc *e = event_desc__captured(opt->event ?: KVMW_EVENT_EXIT);

	if (!args->sort)
		set_sort(opt, args->guess.sort ?: e->sort ?: "reason");
	if (!args->top && e->id == KVMW_EVENT_STACK)
		opt->top = TOP_STACKS;
	if (!args->top && e->id == KVMW_EVENT_EXIT && args->common.format == OUTPUT_TEXT &&
	    report_options__sorts_by(opt, KEY_DETAIL))
		opt->top = TOP_DETAILS;
	/* They take as long again to read: not where rows were asked for, or are all that is printed. */
	opt->details = !args->sort && !args->guess.sort && e->id == KVMW_EVENT_EXIT &&
		       args->common.format != OUTPUT_CSV;
	if (!args->order)
		opt->order = e->id == KVMW_EVENT_EXIT ? ORDER_COST : ORDER_TIME;
}

static error_t parse_top(struct args *args, const char *arg)
{
	args->top = true;
	if (!parse_u32(arg, &args->opt.top) && args->opt.top)
		return 0;
	return usage_error("--top '%s': must be a positive number", arg);
}

static error_t parse_limit(struct report_options *opt, const char *arg)
{
	if (!parse_percent(arg, &opt->percent_limit))
		return 0;
	return usage_error("--percent-limit '%s': must be a number from 0 to 100", arg);
}

static error_t parse_width(struct args *args, const char *arg)
{
	if (!parse_u32(arg, &args->width) && args->width >= SCREEN_MIN &&
	    args->width <= SCREEN_MAX)
		return 0;
	return usage_error("--width '%s': must be a number from %u to %u", arg, SCREEN_MIN, SCREEN_MAX);
}

static error_t parse_color(struct args *args, const char *arg)
{
	static const char *const names[] = {
		[COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never",
	};

	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(arg, names[i]))
			continue;
		args->color = i;
		return 0;
	}
	return usage_error("--color '%s': must be auto, always or never", arg);
}

static error_t cmd_report__parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		for (size_t i = 0; i + 1 < ARRAY_SIZE(children); i++)
			state->child_inputs[i] = &args->common;
		return 0;
	case 's':
		return parse_sort(args, arg);
	case 'e':
		return cmd_report__parse_event(args, arg);
	case OPT_ORDER:
		args->order = true;
		return parse_order(&args->opt, arg);
	case OPT_TOP:
		return parse_top(args, arg);
	case OPT_LIMIT:
		return parse_limit(&args->opt, arg);
	case OPT_WIDTH:
		return parse_width(args, arg);
	case OPT_COLOR:
		return parse_color(args, arg);
	case 'v':
		args->verbose = true;
		return 0;
	case OPT_HIST:
		args->hist = true;
		return 0;
	case ARGP_KEY_END:
		args->opt.vcpus = args->common.vcpus;
		args->opt.pids = args->common.pids;
		if (take_guess(args))
			return EINVAL;
		set_defaults(args);
		args->opt.reasons = args->common.reasons;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

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
	return opt->details && !opt->reasons.nr;
}

static int print_text(const struct screen *s, const struct report *rep, const struct reading *in,
		      const struct args *args)
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
		      const struct args *args)
{
	return render__report_json(s, rep, has_findings(rep->opt) ? &in->findings : NULL, in->state);
}

static int print_csv(const struct screen *s, const struct report *rep, const struct reading *in,
		     const struct args *args)
{
	return render__report_csv(s, rep);
}

static const struct report_format {
	int (*print)(const struct screen *s, const struct report *rep, const struct reading *in,
		     const struct args *args);
	bool pager;
	bool rows_only;		/* the model of the event's view is not needed */
} formats[NR_OUTPUT_FORMATS] = {
	[OUTPUT_TEXT] = { print_text, .pager = true },
	[OUTPUT_JSON] = { print_json },
	[OUTPUT_CSV] = { print_csv, .rows_only = true },
};

static int cmd_report__print(const struct args *args, const struct report *rep,
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

static int read_once(struct args *args, bool sums, struct reading *in)
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
	/* Only exits have details, and they have no model. */
	if (in->model && !formats[args->common.format].rows_only) {
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
static int read_recording(struct args *args, struct reading *in)
{
	struct report_options *opt = &args->opt;
	struct stat st;
	bool file = !stat(common_args__input(&args->common), &st) && S_ISREG(st.st_mode);
	/* What the kernel does not count has no sums but those of rows. */
	bool sums = !file || args->common.window.active || report_options__fine(opt) ||
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
		set_defaults(args);
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

static int report(struct args *args)
{
	struct reading in = { .model = report_model__find(args->opt.event) };
	struct report rep = { .nr_rows = 0 };
	int ret = -1;

	if (common_args__read_regions(&args->common))
		goto out;
	args->opt.regions = args->common.regions;
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

static void help_sort(FILE *out)
{
	fputs("Show one row per value of KEY: ", out);
	for (u32 i = 0; i < NR_REPORT_KEYS; i++)
		fprintf(out, "%s%s (%s)", i ? ", " : "", sort_key__get(i)->name,
			sort_key__get(i)->doc);
	fputs(". Default: reason", out);
	for_each_captured_event(event)
		if (event->sort)
			fprintf(out, "; for %s: %s", event->name, event->sort);
}

/* What the tables know of an option's values goes into its help. */
static char *help_filter(int key, const char *text, void *input)
{
	char orders[128], *help = NULL;
	size_t size;
	FILE *out;

	if (key != 's' && key != OPT_ORDER)
		return (char *)text;
	out = open_memstream(&help, &size);
	if (!out)
		return (char *)text;
	list_orders(orders, sizeof(orders));
	if (key == 's')
		help_sort(out);
	else
		fprintf(out, "Order of the rows: descending by %s (ascending); default cost for exits, time for others",
			orders);
	fclose(out);
	return help;
}

const struct argp report_argp = {
	.children = children,
	.options = options,
	.parser = cmd_report__parse,
	.help_filter = help_filter,
	.doc = "Read a recording and show why the guest left guest mode, how often and for "
	       "how long; with -e, show another recorded event.",
};

int cmd_report(int argc, const char **argv)
{
	struct args args = { .width = 0 };
	int ret = KVMW_USAGE;

	if (!options__parse(&report_argp, argc, argv, 0, &args))
		ret = report(&args) ? KVMW_FAILED : KVMW_OK;
	common_args__free(&args.common);
	return ret;
}
