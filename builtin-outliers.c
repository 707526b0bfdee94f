// SPDX-License-Identifier: GPL-2.0
/* kvmw report --outliers: wiring. */
#include "builtin-reading.h"
#include "builtin-report.h"
#include "util/analysis/chain/chain.h"
#include "util/analysis/where.h"
#include "util/error.h"
#include "util/render/chains.h"
#include "util/sandbox.h"

/* It is read twice; NULL: error() said why. */
static struct data_reader *open_to_read_twice(struct report_args *args)
{
	bool is_file;
	struct data_reader *reader = common_args__open_file(&args->common, "report", &is_file);

	if (!is_file)
		error("%s: --outliers reads a recording twice, which only a file allows: save it first (cat >FILE), then "
		      "kvmw report FILE --outliers %u", common_args__name(&args->common), args->outliers);
	return reader;
}

/* Takes the reader, as all that read do. */
static int find_outliers(struct report_args *args, struct data_reader *reader,
			 struct recording **rec, void **found)
{
	const struct scan_consumer *consumers[1];
	struct chain_find find;
	int ret;

	*rec = common_args__recording(&args->common, reader);
	if (!*rec)
		return -1;
	chain_find__init(&find, &args->opt, (*rec)->filter, args->outliers);
	if (find.filter.active)
		(*rec)->filter = &find.filter.filter;
	consumers[0] = &find.consumer;
	ret = scan__read(reader, *rec, 0, consumers, 1, found);
	/* It is no longer there. */
	(*rec)->filter = NULL;
	return ret ?: common_args__check_symbols(&args->common, *rec);
}

static int say_why_none(const struct report_args *args, const struct recording *rec)
{
	const struct report_options *opt = &args->opt;
	const struct event_desc *event = event_desc__by_id(opt->event ?: KVMW_EVENT_EXIT);
	bool some = opt->vcpus.nr || opt->pids.nr || opt->reasons.nr || opt->where ||
		    args->common.window.active;
	char holds[512], extent[REC_EXTENT];

	report__list_events(rec, holds, sizeof(holds));
	if (!*holds)
		return error("%s: the recording holds no events", rec->path);
	if (recording__wrong_window(rec))
		return error("%s: %s%s %s; the recording %s", rec->path,
			     time_window__is_given(&rec->window) ? "the window of " : "",
			     time_window__chosen(&rec->window), recording__wrong_window(rec),
			     recording__extent(rec, extent, sizeof(extent)));
	if (!rec->event_rows[event->id])
		return error("%s: the recording holds no %s events, but: %s; -e chooses another one", rec->path, event->name,
			     holds);
	return error("%s: none of the %llu recorded %s%s has a length; the recording holds: %s; -e chooses another event",
		     rec->path, (unsigned long long)rec->event_rows[event->id], event->plural,
		     some ? " that the options select" : "", holds);
}

/* All of it: what is around an outlier may lie outside of the window. */
static int read_chains(struct report_args *args, struct data_reader *reader, struct chains *chains,
		       void *found, struct recording **rec)
{
	*rec = common_args__recording(&args->common, reader);
	if (!*rec)
		return -1;
	(*rec)->window = (struct time_window) { .active = false };
	(*rec)->filter = NULL;
	return chains__read(chains, found, &args->opt, *rec, reader);
}

static int print_outliers(struct report_args *args, struct screen *s, struct data_reader **reader)
{
	bool text = args->common.format == OUTPUT_TEXT;
	struct chains chains = { .nr = 0 };
	struct recording *rec = NULL;
	void *found = NULL;
	int ret = -1;

	if (find_outliers(args, take_reader(&reader[0]), &rec, &found))
		goto out;
	if (chains__begin(&chains, found, rec))
		goto out;
	if (!chains.nr) {
		say_why_none(args, rec);
		recording__complain(rec);
		goto out;
	}
	chains.where = args->opt.where;
	chains.window = rec->window;
	recording__free(rec);
	rec = NULL;
	if (read_chains(args, take_reader(&reader[1]), &chains, found, &rec))
		goto close;
	if (!chains.nr) {
		say_why_none(args, rec);
	} else {
		ret = 0;
		if (text)
			render__chains(s, &chains);
		else
			ret = render__chains_json(s, &chains);
	}
close:
	if (screen__close(s) ||
	    (rec && (common_args__check_budget(&args->common) | recording__complain(rec))))
		ret = -1;
out:
	chains__free(&chains);
	chain_find__free(found);
	recording__free(rec);
	return ret;
}

int report_outliers(struct report_args *args)
{
	bool pager = args->common.format == OUTPUT_TEXT && !args->common.no_pager;
	struct data_reader *reader[2] = { NULL };
	struct screen s = { .out = NULL };
	int ret = -1;

	if (common_args__read_regions(&args->common) ||
	    common_args__find_kaslr(&args->common, "report") ||
	    common_args__read_symbols(&args->common))
		return -1;
	args->opt.regions = args->common.regions;
	reader[0] = open_to_read_twice(args);
	reader[1] = reader[0] ? open_to_read_twice(args) : NULL;
	if (reader[1]) {
		screen__open(&s, args->width, pager);
		screen__use_color(&s, args->color);
		sandbox__enter(SANDBOX_READ);
		ret = print_outliers(args, &s, reader);
		screen__close(&s);
	}
	data_reader__close(reader[0]);
	data_reader__close(reader[1]);
	return ret;
}
