// SPDX-License-Identifier: GPL-2.0
/* kvmw report: its options. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builtin-options.h"
#include "builtin-report.h"
#include "builtin-report-sort.h"
#include "builtin.h"
#include "util/analysis/chain/chain.h"
#include "util/analysis/migration.h"
#include "util/analysis/report/aggregate.h"
#include "util/analysis/report/key_field.h"
#include "util/analysis/where.h"
#include "util/error.h"
#include "util/nearest.h"
#include "util/parse.h"

enum {
	OPT_ORDER = 0x100,
	OPT_INTERVAL,
	OPT_LIMIT,
	OPT_HIST,
	OPT_WIDTH,
	OPT_TOP,
	OPT_COLOR,
	OPT_LINK,
	OPT_DOWNTIME,
	OPT_OUTLIERS,
	OPT_HEATMAP
};

#define TOP_STACKS	20	/* shown without --top */
#define INTERVAL_MIN	1000	/* ns */
#define TOP_DETAILS	30	/* the same, in text */

static const struct argp_option rows_options[] = {
	{ NULL, 0, NULL, 0, "What to show:", 2 },
	{ "sort", 's', "KEY[,KEY...]", 0, "Show one row per value of KEY", 2 },
	{ "event", 'e', "EVENT", 0, "Show exit, userspace, a family such as irq, or a "
	  "tracepoint such as kvm:kvm_pio (default exit, or userspace)", 2 },
	{ "color", OPT_COLOR, "WHEN", 0, "Use colours: auto (the default: on a terminal), always or "
	  "never", 4 },
	{ "width", OPT_WIDTH, "COLUMNS", 0, "Width of the output (default: the terminal's, or 80)", 4 },
	{ 0 },
};

static const struct argp_option options[] = {
	{ "order", OPT_ORDER, "BY", 0, "Order of the rows", 2 },
	{ "fields", 'F', "COLUMN[,COLUMN...]", 0, "Show these columns", 2 },
	{ "interval", OPT_INTERVAL, "TIME", 0, "Show one row per TIME of the recording, e.g. 1s, in this "
	  "order; with --sort one for each of its rows", 2 },
	{ "percent-limit", OPT_LIMIT, "P", 0, "Hide rows below P% of the cost (of other events: of "
	  "the time), or of what --order time or count orders by", 2 },
	{ "top", OPT_TOP, "N", 0, "Show only the first N rows (default all; stack: 20; details of "
	  "exits: 30 in text)", 2 },
	{ "hist", OPT_HIST, NULL, 0, "Also show the histogram of each row", 2 },
	{ "heatmap", OPT_HEATMAP, NULL, 0, "Show how long the events of each row took over time, instead of the tables", 2 },
	{ "link", OPT_LINK, "RATE[,RATE...]", 0, "With -e dirty: replay a migration over links of RATE, e.g. "
	  "10G for Gbit/s (default 1G,10G,25G,100G)", 2 },
	{ "downtime", OPT_DOWNTIME, "TIME", 0, "With -e dirty: how long a migration may stop the VM (default "
	  "300ms)", 2 },
	{ "outliers", OPT_OUTLIERS, "N", 0, "Show the N longest events instead, each with what came before and "
	  "after it, what made it long, and who", 2 },
	{ "verbose", 'v', NULL, 0, "Also show how it was recorded: host, command, sizes, cost; with --sort sym "
	  "and for stacks, where in a function", 4 },
	{ 0 },
};

static const struct argp_child children[] = {
	{ &report_rows_argp, 0, NULL, 0 },
	{ &common_inputs_argp, 0, NULL, 0 },
	{ &common_reading_argp, 0, NULL, 0 },
	{ &common_stacks_argp, 0, NULL, 0 },
	{ 0 },
};

static error_t check_format(const struct report_args *args)
{
	for (u32 i = 0; i < args->opt.nr_columns && args->common.format == OUTPUT_CSV; i++)
		if (!report_column__get(args->opt.column[i])->member)
			return usage_error("--fields %s: CSV has no distributions; --json has them, in histogram",
					   report_column__get(args->opt.column[i])->name);
	return 0;
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

static error_t cmd_report__parse_event(struct report_args *args, const char *arg)
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
	} else if (report_sort__guess(args, "--event", arg)) {
		/* The event is not chosen by this. */
		return 0;
	} else {
		return no_event(arg);
	}
	args->event = true;
	return 0;
}

void report_args__set_defaults(struct report_args *args)
{
	struct report_options *opt = &args->opt;
	const struct event_desc *e = event_desc__captured(opt->event ?: KVMW_EVENT_EXIT);

	if (!args->sort)
		report_sort__set(opt, args->guess.sort ?: e->sort ?: "reason");
	if (!args->top && e->id == KVMW_EVENT_STACK)
		opt->top = TOP_STACKS;
	if (!args->top && e->id == KVMW_EVENT_EXIT && args->common.format == OUTPUT_TEXT &&
	    report_options__sorts_by(opt, KEY_DETAIL))
		opt->top = TOP_DETAILS;
	/* They take as long to read: not where rows were asked for, or are all that is printed. */
	opt->details = !args->sort && !args->guess.sort && !opt->heat && e->id == KVMW_EVENT_EXIT &&
		       args->common.format != OUTPUT_CSV;
	opt->chronological = !args->order && !report_options__position(opt, KEY_TIME);
	if (!args->order)
		opt->order = e->id == KVMW_EVENT_EXIT ? COLUMN_COST : COLUMN_TOTAL;
}

static error_t parse_interval(struct report_args *args, const char *arg)
{
	args->interval = true;
	if (!parse_time(arg, &args->opt.interval_ns) && args->opt.interval_ns >= INTERVAL_MIN)
		return 0;
	return usage_error("--interval '%s': must be a time from 1us on, such as 100ms or 1s", arg);
}

static error_t parse_top(struct report_args *args, const char *arg)
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

static error_t parse_width(struct report_args *args, const char *arg)
{
	if (!parse_u32(arg, &args->width) && args->width >= SCREEN_MIN &&
	    args->width <= SCREEN_MAX)
		return 0;
	return usage_error("--width '%s': must be a number from %u to %u", arg, SCREEN_MIN,
			   SCREEN_MAX);
}

static error_t parse_color(struct report_args *args, const char *arg)
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

static error_t finish_rows(struct report_args *args)
{
	struct report_options *opt = &args->opt;

	opt->vcpus = args->common.vcpus;
	opt->pids = args->common.pids;
	if (report_sort__resolve(args) || report_sort__take_guess(args))
		return EINVAL;
	report_args__set_defaults(args);
	opt->reasons = args->common.reasons;
	opt->where = args->common.where ? where__text(args->common.where) : NULL;
	/* Without exits there may be returns to the VMM. */
	return common_args__bind_where(&args->common, opt->event ? BIT(opt->event) :
				       BIT(KVMW_EVENT_EXIT) | BIT(KVMW_EVENT_USERSPACE));
}

static error_t parse_rows(int key, char *arg, struct argp_state *state)
{
	struct report_args *args = state->input;

	switch (key) {
	case 's':
		return report_sort__parse(args, arg);
	case 'e':
		return cmd_report__parse_event(args, arg);
	case OPT_WIDTH:
		return parse_width(args, arg);
	case OPT_COLOR:
		return parse_color(args, arg);
	case ARGP_KEY_END:
		return finish_rows(args);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_links(struct report_options *opt, char *arg)
{
	char *save;

	opt->nr_links = 0;
	for (char *p = strtok_r(arg, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
		u64 bits;

		if (parse_bits(p, &bits) || bits < MIGRATION_BITS_MIN || bits > MIGRATION_BITS_MAX)
			return usage_error("--link '%s': must be a rate from 1M to 400G bits per second, such as 10G", p);
		if (opt->nr_links == REPORT_LINKS)
			return usage_error("--link: at most %u rates", REPORT_LINKS);
		opt->link[opt->nr_links++] = bits;
	}
	return opt->nr_links ? 0 : usage_error("--link: no rate given; such as 10G, for Gbit/s");
}

static error_t parse_downtime(struct report_options *opt, const char *arg)
{
	if (!parse_time(arg, &opt->downtime_ns) && opt->downtime_ns)
		return 0;
	return usage_error("--downtime '%s': must be a time above 0, such as 300ms", arg);
}

static error_t check_migration(const struct report_args *args)
{
	if ((!args->opt.nr_links && !args->opt.downtime_ns) || args->opt.event == KVMW_EVENT_DIRTY)
		return 0;
	return usage_error("%s: a migration is replayed by report -e dirty",
			   args->opt.nr_links ? "--link" : "--downtime");
}

static error_t parse_outliers_of_report(struct report_args *args, const char *arg)
{
	if (!parse_u32(arg, &args->outliers) && args->outliers && args->outliers <= CHAINS_MAX)
		return 0;
	return usage_error("--outliers '%s': must be a number from 1 to %u; script --outliers lists more, without "
			   "what is around them", arg, CHAINS_MAX);
}

/* The other options are about rows, which chains are not. */
static error_t check_outliers(const struct report_args *args)
{
	const struct report_options *opt = &args->opt;
	const char *other = args->interval ? "--interval" : args->sort || args->nr_keys ? "--sort" :
			    args->order ? "--order" : args->top ? "--top" : args->hist ? "--hist" :
			    opt->nr_columns ? "--fields" : args->verbose ? "-v" :
			    opt->percent_limit ? "--percent-limit" : NULL;
	const struct event_desc *event = event_desc__captured(opt->event ?: KVMW_EVENT_EXIT);

	if (!args->outliers)
		return 0;
	if (other)
		return usage_error("--outliers and %s exclude each other: chains are not rows of a table", other);
	if (args->common.format == OUTPUT_CSV)
		return usage_error("--outliers: CSV has no chains; --json has them, and script --outliers %u --csv "
				   "lists the events", args->outliers);
	if (!chain_event__has_length(event->id))
		return usage_error("--outliers: event %s has no durations; script -e %s lists its rows",
				   opt->tracepoint ? opt->tracepoint : event->name,
				   opt->tracepoint ? opt->tracepoint : event->name);
	return 0;
}

/* What is printed instead of tables has no columns, and time is across. */
static error_t check_heatmap(const struct report_args *args)
{
	const struct report_options *opt = &args->opt;
	const char *other = args->outliers ? "--outliers" : args->interval ? "--interval" :
			    report_options__sorts_by(opt, KEY_TIME) ? "--sort time" :
			    args->hist ? "--hist" : opt->nr_columns ? "--fields" : NULL;

	if (!opt->heat)
		return 0;
	if (other)
		return usage_error("--heatmap and %s exclude each other", other);
	if (args->common.format == OUTPUT_CSV)
		return usage_error("--heatmap: CSV has no maps; --json has them");
	return 0;
}

static error_t cmd_report__parse(int key, char *arg, struct argp_state *state)
{
	struct report_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		args->common.several = true;
		state->child_inputs[0] = args;
		for (size_t i = 1; i + 1 < ARRAY_SIZE(children); i++)
			state->child_inputs[i] = &args->common;
		return 0;
	case OPT_ORDER:
		args->order = true;
		return report_sort__parse_order(&args->opt, arg);
	case 'F':
		return report_sort__parse_fields(&args->opt, arg);
	case OPT_INTERVAL:
		return parse_interval(args, arg);
	case OPT_TOP:
		return parse_top(args, arg);
	case OPT_LIMIT:
		return parse_limit(&args->opt, arg);
	case 'v':
		args->verbose = args->opt.offsets = true;
		return 0;
	case OPT_HIST:
		args->hist = true;
		return 0;
	case OPT_HEATMAP:
		args->opt.heat = true;
		return 0;
	case OPT_LINK:
		return parse_links(&args->opt, arg);
	case OPT_DOWNTIME:
		return parse_downtime(&args->opt, arg);
	case OPT_OUTLIERS:
		return parse_outliers_of_report(args, arg);
	case ARGP_KEY_END:
		/* What JSON and CSV have of stacks is frozen. */
		args->opt.functions = args->common.format == OUTPUT_TEXT && !args->verbose;
		return check_migration(args) ?: check_outliers(args) ?: check_heatmap(args) ?:
		       check_format(args) ?: report_args__check_files(args);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void help_sort(const struct report_args *args, FILE *out)
{
	fputs("Show one row per value of KEY: ", out);
	for (u32 i = 0; i < NR_REPORT_KEYS; i++)
		if (report_sort__has(args, i))
			fprintf(out, "%s%s (%s)", i ? ", " : "", sort_key__get(i)->name,
				sort_key__get(i)->doc);
	fputs("; or a field of the event, as port, msr, leaf, source, ret_pf. Default: reason",
	      out);
	for_each_captured_event(event)
		if (event->sort)
			fprintf(out, "; for %s: %s", event->name, event->sort);
}

static void help_order(FILE *out)
{
	fputs("Order of the rows: descending by ", out);
	for (u32 i = 0; i < NR_REPORT_COLUMNS; i++)
		if (report_order__name(i))
			fprintf(out, "%s%s", i ? ", " : "", report_order__name(i));
	fputs(" or key (ascending); default cost for exits, time for others", out);
}

static void help_fields(const char *text, FILE *out)
{
	fputs(text, out);
	for (u32 i = 0; i < NR_REPORT_COLUMNS; i++)
		fprintf(out, "%s%s (%s)", i ? ", " : ": ", report_column__get(i)->name,
			report_column__get(i)->doc);
}

/* What the tables know of an option's values goes into its help. */
static char *help_filter(int key, const char *text, void *input)
{
	char *help = NULL;
	size_t size;
	FILE *out;

	if (key != 's' && key != OPT_ORDER && key != 'F')
		return (char *)text;
	out = open_memstream(&help, &size);
	if (!out)
		return (char *)text;
	if (key == 's')
		help_sort(input, out);
	else if (key == 'F')
		help_fields(text, out);
	else
		help_order(out);
	fclose(out);
	return help;
}

const struct argp report_rows_argp = {
	.options = rows_options, .parser = parse_rows, .help_filter = help_filter,
};

const struct argp report_argp = {
	.children = children,
	.options = options,
	.parser = cmd_report__parse,
	.help_filter = help_filter,
	.doc = "Read a recording and show why the guest left guest mode, how often and for "
	       "how long; with -e, show another recorded event.",
};
