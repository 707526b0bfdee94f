// SPDX-License-Identifier: GPL-2.0
/* kvmw scrub: options, wiring, the account of what was done. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builtin-common.h"
#include "builtin-copy.h"
#include "builtin-options.h"
#include "builtin.h"
#include "util/error.h"
#include "util/nearest.h"
#include "util/privacy/scrub.h"

enum { OPT_KEEP = 0x300, OPT_NO_ADDRESSES };

static const struct argp_option options[] = {
	{ "keep", OPT_KEEP, "WHAT[,WHAT...]", 0, "Leave as it is", 1 },
	{ "no-addresses", OPT_NO_ADDRESSES, NULL, 0, "Remove addresses instead of giving them others", 1 },
	{ 0 },
};

struct args {
	struct common_args common;
	const char *output;
	u32 keep;		/* bitmap of enum kvmw_secret */
	bool no_addresses;
};

static error_t keep(struct args *args, char *list)
{
	for (char *word; (word = strsep(&list, ","));) {
		struct word_list words;
		u32 i = 0;

		word_list__begin(&words, word, strlen(word));
		while (i < KVMW_NR_SECRETS && strcmp(secret_desc(i)->word, word))
			word_list__add(&words, secret_desc(i++)->word);
		if (i == KVMW_NR_SECRETS)
			return usage_error("--keep '%s': invalid word%s; valid ones: %s",
					   word, nearest__hint(&words.nearest), words.text);
		args->keep |= BIT(i);
	}
	return 0;
}

/* Each says what to do with addresses. */
static error_t check(const struct args *args)
{
	if (!args->output)
		return usage_error("IN and OUT are required: kvmw scrub IN OUT");
	if (args->keep & BIT(KVMW_SECRET_SYMBOLS) && !(args->keep & BIT(KVMW_SECRET_GUEST)))
		return usage_error("--keep=guest-symbols needs guest-addresses, too: functions are known by their addresses");
	for (u32 i = KVMW_SECRET_GUEST; args->no_addresses && i <= KVMW_SECRET_HOST; i++)
		if (args->keep & BIT(i))
			return usage_error("--keep=%s and --no-addresses exclude each other",
					   secret_desc(i)->word);
	return 0;
}

static error_t cmd_scrub__parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case OPT_KEEP:
		return keep(args, arg);
	case OPT_NO_ADDRESSES:
		args->no_addresses = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->output)
			return usage_error("'%s' is one file too many: kvmw scrub IN OUT", arg);
		*(args->common.input ? &args->output : &args->common.input) = arg;
		return 0;
	case ARGP_KEY_END:
		return check(args);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static char *scrub__help(int key, const char *text, void *input)
{
	char *help = NULL;
	size_t size;
	FILE *out;

	(void)input;
	if (key != OPT_KEEP)
		return (char *)text;
	out = open_memstream(&help, &size);
	if (!out)
		return (char *)text;
	fputs(text, out);
	for (u32 i = 0; i < KVMW_NR_SECRETS; i++)
		fprintf(out, "%s%s (%s)", i ? ", " : ": ", secret_desc(i)->word,
			secret_desc(i)->doc);
	fclose(out);
	return help;
}

const struct argp scrub_argp = {
	.options = options,
	.parser = cmd_scrub__parse,
	.help_filter = scrub__help,
	.args_doc = "IN OUT",
	.doc = "Write the recording IN as OUT without what it reveals of guest, host and user: addresses "
	       "and names become made-up ones, the rest is removed. - is standard input or output.",
};

static void ways(struct privacy *p, const struct args *args)
{
	for (u32 i = 0; i < KVMW_NR_SECRETS; i++)
		p->way[i] = args->keep & BIT(i) ? PRIVACY_KEEP : secret_desc(i)->way;
	if (args->no_addresses)
		p->way[KVMW_SECRET_GUEST] = p->way[KVMW_SECRET_HOST] = PRIVACY_REMOVE;
}

/* ---- what was done -------------------------------------------------------- */

/* Returns the title of what else is so: "" behind the first. */
static const char *say_those(const struct scrub *s, enum privacy_way way, bool met,
			     const char *title)
{
	for (u32 i = 0; i < KVMW_NR_SECRETS; i++) {
		if (s->privacy.way[i] != way || s->met[i] != met)
			continue;
		tell("  %-10s %s", title, secret_desc(i)->doc);
		title = "";
	}
	return title;
}

static void say_dropped(u64 nr, const char *what)
{
	size_t noun = strcspn(what, " ");

	if (nr)
		tell("  dropped    %llu unknown %.*s%s%s", (unsigned long long)nr, (int)noun, what,
		     nr == 1 ? "" : "s", what + noun);
}

static void say(const struct scrub *s, const struct args *args)
{
	const char *more;

	tell("[ kvmw scrub: %llu event%s, %.3f MB %s ]", (unsigned long long)s->out.rows,
	     s->out.rows == 1 ? "" : "s", data_writer__bytes(s->out.writer) / 1e6,
	     strcmp(args->output, "-") ? args->output : "written");
	more = say_those(s, PRIVACY_REMAP, true, "made up");
	if (s->met[KVMW_SECRET_RAW] && s->privacy.way[KVMW_SECRET_RAW] != PRIVACY_KEEP)
		tell("  %-10s names of raw tracepoints", more);
	say_those(s, PRIVACY_REMOVE, true, "removed");
	say_those(s, PRIVACY_KEEP, true, "kept");
	say_those(s, PRIVACY_KEEP, false, "not in IN");
	tell("  left       times, counts, sizes, exit reasons, ports, numbers of MSRs,");
	tell("             process and thread ids; versions, CPU, settings of KVM and host");
	say_dropped(s->dropped.fields, "field");
	say_dropped(s->dropped.members, "member of META or IDENT");
}

/* What is missing in OUT: 0, or -1 after saying so. */
static int scrub__complain(const struct scrub *s, const struct data_reader *r, const char *path)
{
	char number[64] = "";
	u64 rows;

	if (!scrub__is_whole(s, r, &rows)) {
		if (rows)
			snprintf(number, sizeof(number), ": at least %llu event%s",
				 (unsigned long long)rows, rows == 1 ? "" : "s");
		return error("%s: what is damaged or unknown to this kvmw is not in the copy%s",
			     path, number);
	}
	if (!data_reader__finished(r))
		return error("%s: its recorder did not finish, and the copy says so", path);
	return 0;
}

/* ---- wiring --------------------------------------------------------------- */

static int scrub_frames(struct scrub *s, struct data_reader *r, struct data_frame *first)
{
	struct data_frame *f = first;
	int more = f ? 1 : 0, ret = scrub__open(s);

	while (!ret && more > 0) {
		ret = scrub__take(s, r, f);
		data_frame__put(f);
		f = NULL;
		more = ret ? 0 : data_reader__next(r, &f);
	}
	data_frame__put(f);
	return ret || more < 0 || scrub__finish(s, r) ? -1 : 0;
}

struct scrubbing {
	const struct args *args;
	struct data_reader *r;
};

static int copy_to(void *arg, int fd, const char *name)
{
	const struct args *args = ((const struct scrubbing *)arg)->args;
	struct data_reader *r = ((const struct scrubbing *)arg)->r;
	struct scrub s = { .text_bytes = 0 };
	struct data_frame *first = NULL;
	int ret = -1, known;

	ways(&s.privacy, args);
	s.privacy.remap = remap__new();
	/* SCHEMA comes first, and says which events there may be. */
	known = s.privacy.remap ? data_reader__next(r, &first) : -1;
	s.out.writer = known < 0 ? NULL : data_writer__new(fd, name, data_reader__captured(r));
	if (s.out.writer)
		ret = scrub_frames(&s, r, first);
	else
		data_frame__put(first);
	if (!ret)
		say(&s, args);
	if (s.out.writer && data_writer__close(s.out.writer))
		ret = -1;
	ret = ret ? NO_COPY :
	      scrub__complain(&s, r, common_args__input(&args->common)) ? KVMW_FAILED : KVMW_OK;
	scrub__close(&s);
	remap__free(s.privacy.remap);
	return ret;
}

int cmd_scrub(int argc, const char **argv)
{
	struct args args = { .output = NULL };
	struct record_output out = { .option = false };
	struct data_reader *r;
	int ret = KVMW_FAILED;

	if (options__parse(&scrub_argp, argc, argv, 0, &args))
		return KVMW_USAGE;
	if (copy__check(args.common.input, args.output))
		return KVMW_FAILED;
	r = common_args__open(&args.common, "scrub");
	if (r && !record_output__check(&out, args.output))
		ret = copy__run(&args.common, &out, copy_to, &(struct scrubbing) { &args, r });
	record_output__free(&out);
	data_reader__close(r);
	return ret;
}
