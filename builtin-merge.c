// SPDX-License-Identifier: GPL-2.0
/* kvmw merge: options, wiring, what is said of the result. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builtin-copy.h"
#include "builtin-options.h"
#include "builtin.h"
#include "util/error.h"
#include "util/part/merge.h"

static const struct argp_option options[] = {
	{ "output", 'o', "FILE", 0, "Write the recording to FILE; - is standard output", 1 },
	{ 0 },
};

struct args {
	struct common_args common;
	const char *output;
	struct common_args *of;		/* of each of them */
	struct merge merge;
};

static error_t cmd_merge__parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		args->common.several = true;
		state->child_inputs[0] = state->child_inputs[1] = &args->common;
		return 0;
	case 'o':
		args->output = arg;
		return 0;
	case ARGP_KEY_END:
		if (!args->output)
			return usage_error("-o FILE is required: it receives the recording");
		return args->common.nr_more ? 0 :
		       usage_error("give two or more parts: kvmw merge -o OUT A B...");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &common_parts_argp, 0, NULL, 0 },
	{ &common_memory_argp, 0, NULL, 0 },
	{ 0 },
};

const struct argp merge_argp = {
	.options = options,
	.parser = cmd_merge__parse,
	.children = children,
	.doc = "Make one recording out of its parts, made by kvmw cut, or of the files of record --switch-output. Frames are copied as they are, in order of time.",
};

/* ---- wiring --------------------------------------------------------------- */

/* What one of them says of itself. */
static int merge__read(struct args *args, u32 i)
{
	struct merge_input *in = &args->merge.input[i];
	size_t damage;
	u64 first;
	bool all;

	in->rec = common_args__recording(&args->of[i], in->reader);
	if (!in->rec) {
		in->reader = NULL;
		return -1;
	}
	in->rec->wants_losses = true;
	if (copy__read(in->rec, in->reader, &first, &all) || !first)
		return -1;
	data_reader__damage(in->reader, &damage);
	in->missing_rows = data_reader__missing_rows(in->reader);
	in->whole = all && !damage && data_reader__finished(in->reader) && !in->missing_rows &&
		    !in->rec->meta.missing_rows;
	return data_reader__seek(in->reader, first);
}

static int merge__complain(const struct args *args)
{
	const struct merge *m = &args->merge;
	int ret = 0;

	if (m->out.dropped_frames)
		ret = error("%llu frame%s damaged, or unknown to this kvmw: %s not in %s",
			    (unsigned long long)m->out.dropped_frames,
			    m->out.dropped_frames == 1 ? " is" : "s are",
			    m->out.dropped_frames == 1 ? "it is" : "they are", args->output);
	for (u32 i = 0; i < m->nr; i++)
		if (!m->input[i].whole)
			ret = error("%s is incomplete: its recorder did not finish, or frames are missing; %s is incomplete, too",
				    m->input[i].rec->path, args->output);
	return ret;
}

static int merge_to(void *arg, int fd, const char *name)
{
	struct args *args = arg;
	struct merge *m = &args->merge;
	u32 events = 0;
	int ret = 0;

	for (u32 i = 0; !ret && i < m->nr; i++)
		ret = merge__read(args, i);
	for (u32 i = 0; !ret && i < m->nr; i++)
		events |= data_reader__captured(m->input[i].reader);
	if (ret || merge__prepare(m))
		return NO_COPY;
	m->out.writer = data_writer__new(fd, name, events);
	ret = m->out.writer ? merge__run(m) : -1;
	copy__complain_of(&m->budget);
	if (!ret)
		tell("[ kvmw merge: %u parts, %llu event%s, %.3f MB %s ]", m->nr,
		     (unsigned long long)m->out.rows, m->out.rows == 1 ? "" : "s",
		     data_writer__bytes(m->out.writer) / 1e6,
		     strcmp(args->output, "-") ? args->output : "written");
	if (m->out.writer && data_writer__close(m->out.writer))
		ret = -1;
	ret = ret ? NO_COPY : merge__complain(args) ? KVMW_FAILED : KVMW_OK;
	merge__free(m);
	for (u32 i = 0; i < m->nr; i++)
		recording__free(m->input[i].rec);
	return ret;
}

/* All of them, before one is read: nothing can be opened then. */
static int merge__open_all(struct args *args)
{
	struct merge *m = &args->merge;

	m->nr = 1 + args->common.nr_more;
	m->budget = copy__budget(&args->common);
	m->input = mem__calloc(m->nr, sizeof(*m->input));
	args->of = mem__calloc(m->nr, sizeof(*args->of));
	if (!m->input || !args->of)
		return -1;
	for (u32 i = 0; i < m->nr; i++) {
		bool is_file = true;

		args->of[i] = args->common;
		args->of[i].budget.max = (args->common.budget.max ?: BUDGET_DEFAULT) / m->nr;
		args->of[i].input = i ? args->common.more[i - 1] : args->common.input;
		if (copy__check(args->of[i].input, args->output))
			return -1;
		m->input[i].reader = common_args__open_file(&args->of[i], "merge", &is_file);
		if (!is_file)
			error("%s: kvmw merge reads recordings twice, which only files allow: save it first (cat >FILE)",
			      common_args__name(&args->of[i]));
		if (!m->input[i].reader)
			return -1;
	}
	return 0;
}

int cmd_merge(int argc, const char **argv)
{
	struct record_output out = { .option = true };
	struct args args = { .output = NULL };
	int ret = KVMW_FAILED;

	if (options__parse(&merge_argp, argc, argv, 0, &args))
		return KVMW_USAGE;
	if (!merge__open_all(&args) && !record_output__check(&out, args.output))
		ret = copy__run(&args.common, &out, merge_to, &args);
	record_output__free(&out);
	for (u32 i = 0; args.merge.input && i < args.merge.nr; i++)
		data_reader__close(args.merge.input[i].reader);
	free(args.merge.input);
	free(args.of);
	common_args__free(&args.common);
	return ret;
}
