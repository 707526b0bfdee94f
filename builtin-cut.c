// SPDX-License-Identifier: GPL-2.0
/* kvmw cut: options, wiring, what is said of the part. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builtin-copy.h"
#include "builtin-options.h"
#include "builtin.h"
#include "util/error.h"
#include "util/nearest.h"
#include "util/part/cut.h"

static const struct argp_option options[] = {
	{ "output", 'o', "FILE", 0, "Write the part to FILE; - is standard output", 1 },
	{ "event", 'e', "EVENT[,EVENT...]", 0, "Only these events or groups of events, as for kvmw record", 3 },
	{ 0 },
};

struct args {
	struct common_args common;
	const char *output;
	u32 events;		/* a bitmap of ids; 0: all */
	struct data_reader *reader;
	char *by;		/* the options that say which part */
};

/* NULL: out of memory, said so. */
static char *options_of(const struct args *args)
{
	const struct common_args *a = &args->common;
	const struct { const char *option, *typed; } by[] = {
		{ time_window__option(&a->window), a->typed.window },
		{ a->pids.option, a->typed.pids },
		{ "--vcpu", a->typed.vcpus },
	};
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (size_t i = 0; f && i < ARRAY_SIZE(by); i++)
		if (by[i].typed)
			fprintf(f, " %s %s", by[i].option, by[i].typed);
	for_each_captured_event(event)
		if (f && args->events >> event->id & 1)
			fprintf(f, "%s%s", args->events & (BIT(event->id) - 1) ? "," : " -e ",
				event->name);
	if (!f || fclose(f)) {
		out_of_memory();
		free(text);
		return NULL;
	}
	return text;
}

/* 0: there is none of that name. */
static u32 cut__events_of(const char *word, struct nearest *nearest)
{
	for_each_captured_event(event) {
		if (!strcmp(event->name, word))
			return BIT(event->id);
		nearest__offer(nearest, event->name);
	}
	for (u32 i = 0; i < KVMW_NR_GROUPS; i++) {
		if (!strcmp(event_group__name(i), word))
			return event_group__events(i);
		nearest__offer(nearest, event_group__name(i));
	}
	return 0;
}

/* Also of events that this host cannot record. */
static error_t cut__parse_events(u32 *events, const char *list)
{
	char *copy = mem__strdup(list), *rest = copy;
	error_t err = copy ? 0 : ENOMEM;

	for (char *word; !err && (word = strsep(&rest, ","));) {
		struct nearest nearest;
		u32 those;

		nearest__begin(&nearest, word, strlen(word));
		those = cut__events_of(word, &nearest);
		*events |= those;
		if (!those)
			err = usage_error("-e '%s': no event or group of events has this name%s; kvmw list shows them",
					  word, nearest__hint(&nearest));
	}
	free(copy);
	return err;
}

static error_t cmd_cut__parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = state->child_inputs[1] = &args->common;
		return 0;
	case 'o':
		args->output = arg;
		return 0;
	case 'e':
		return cut__parse_events(&args->events, arg);
	case ARGP_KEY_END:
		if (!args->output)
			return usage_error("-o FILE is required: it receives the part");
		if (!args->common.window.active && !args->common.vcpus.nr &&
		    !args->common.pids.nr && !args->events)
			return usage_error("no part is selected: give --time, --around, --vm, --vcpu or -e");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &common_input_argp, 0, NULL, 0 },
	{ &common_part_argp, 0, NULL, 0 },
	{ 0 },
};

const struct argp cut_argp = {
	.options = options,
	.parser = cmd_cut__parse,
	.children = children,
	.doc = "Write a part of a recording as a recording of its own. Frames are copied as they are, except those "
	       "that are only partly in it. Reports of the part are those of the whole with the same options.",
};

/* ---- wiring --------------------------------------------------------------- */

static int cut_frames(struct cut *c, struct data_reader *r)
{
	struct data_frame *f;
	int more, ret = cut__begin(c);

	while (!ret && (more = data_reader__next(r, &f)) > 0) {
		ret = cut__take(c, r, f);
		data_frame__put(f);
	}
	return ret;
}

static const char *plural(u64 nr)
{
	return nr == 1 ? "" : "s";
}

static void cut__say(const struct args *args, const struct cut *c)
{
	const struct part_out *o = &c->out;

	tell("[ kvmw cut: %llu event%s, %.3f MB %s; %llu frame%s copied, %llu encoded again ]",
	     (unsigned long long)o->rows, plural(o->rows), data_writer__bytes(o->writer) / 1e6,
	     strcmp(args->output, "-") ? args->output : "written", (unsigned long long)o->whole,
	     plural(o->whole), (unsigned long long)o->again);
	if (!o->rows)
		warning("the part contains no events");
}

/* What is missing in the part. */
static int cut__complain(const struct args *args, const struct cut *c, bool finished)
{
	const char *path = common_args__input(&args->common);

	if (c->out.dropped_frames)
		return error("%s: %llu frame%s that %s damaged, or unknown to this kvmw, %s not in the part", path,
			     (unsigned long long)c->out.dropped_frames,
			     plural(c->out.dropped_frames),
			     c->out.dropped_frames == 1 ? "is" : "are",
			     c->out.dropped_frames == 1 ? "is" : "are");
	if (!finished)
		return error("%s is incomplete: its recorder did not finish, or frames are missing; the part is incomplete, too", path);
	return 0;
}

static int cut_recording(struct args *args, struct recording *rec, int fd, const char *name)
{
	struct cut c = {
		.rec = rec, .vcpus = &args->common.vcpus, .vms = &args->common.pids,
		.by = args->by + 1,
		/* All that is said of addresses needs slots. */
		.events = args->events ? args->events | BIT(KVMW_EVENT_MEMSLOT) : DATA_ALL_EVENTS,
		.budget = copy__budget(&args->common),
	};
	struct data_reader *r = args->reader;
	bool all, finished;
	u64 first, missing;
	size_t damage;
	int ret = -1;

	rec->wants_losses = true;
	if (copy__read(rec, r, &first, &all))
		return NO_COPY;
	data_reader__damage(r, &damage);
	finished = all && !damage && data_reader__finished(r);
	missing = sat_add(data_reader__missing_rows(r), rec->meta.missing_rows);
	c.lacks_rows = damage || missing;
	if (!rec->window.resolved && rec->window.active)
		error("%s: the recording is empty: there is nothing to cut", rec->path);
	else if ((cut__selects(&c) && rec->ids_left_out) ||
		 (rec->window.active && rec->totals.over_limit))
		error("%s: its vCPUs and totals do not all fit into memory: --memory=SIZE allows more than %zu MB",
		      rec->path, rec->budget->granted >> 20);
	else if (recording__wrong_window(rec))
		error("%s: %s: %s; it %s", rec->path, time_window__option(&rec->window),
		      recording__wrong_window(rec),
		      recording__extent(rec, (char[REC_EXTENT]) { 0 }, REC_EXTENT));
	else if (first && !data_reader__seek(r, first))
		c.out.writer = data_writer__new(fd, name, data_reader__captured(r) & c.events);
	if (c.out.writer)
		ret = cut_frames(&c, r) || cut__end(&c, finished, missing) ? -1 : 0;
	copy__complain_of(&c.budget);
	if (!ret)
		cut__say(args, &c);
	if (c.out.writer && data_writer__close(c.out.writer))
		ret = -1;
	ret = ret ? NO_COPY : cut__complain(args, &c, finished && !missing) ? KVMW_FAILED : KVMW_OK;
	cut__free(&c);
	return ret;
}

static int cut_to(void *arg, int fd, const char *name)
{
	struct args *args = arg;
	struct recording *rec = common_args__recording(&args->common, args->reader);
	int ret = rec ? cut_recording(args, rec, fd, name) : NO_COPY;

	recording__free(rec);
	return ret;
}

int cmd_cut(int argc, const char **argv)
{
	struct record_output out = { .option = true };
	struct args args = { .output = NULL };
	int ret = KVMW_FAILED;
	bool is_file = true;

	if (options__parse(&cut_argp, argc, argv, ARGP_IN_ORDER, &args))
		return KVMW_USAGE;
	args.by = options_of(&args);
	if (args.by && !copy__check(common_args__input(&args.common), args.output))
		args.reader = common_args__open_file(&args.common, "cut", &is_file);
	if (!is_file)
		error("%s: kvmw cut reads a recording twice, which only a file allows: save it first (cat >FILE)",
		      common_args__name(&args.common));
	if (args.reader && !record_output__check(&out, args.output))
		ret = copy__run(&args.common, &out, cut_to, &args);
	record_output__free(&out);
	free(args.by);
	data_reader__close(args.reader);
	common_args__free(&args.common);
	return ret;
}
