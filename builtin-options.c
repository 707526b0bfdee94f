// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builtin-options.h"
#include "builtin.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/nearest.h"
#include "util/types.h"

enum { OPT_USAGE = 0x300 };

/* In place of argp's own, which know no -h. */
static const struct argp_option help_options[] = {
	{ "help", 'h', NULL, 0, "Print this help", -1 },
	{ NULL, '?', NULL, OPTION_ALIAS | OPTION_HIDDEN, NULL, -1 },
	{ "usage", OPT_USAGE, NULL, 0, "Print the options in short", -1 },
	{ 0 },
};

static error_t parse_help(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'h':
	case '?':
		argp_state_help(state, state->out_stream, ARGP_HELP_STD_HELP);
		return 0;
	case OPT_USAGE:
		argp_state_help(state, state->out_stream, ARGP_HELP_USAGE | ARGP_HELP_EXIT_OK);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp help_argp = { .options = help_options, .parser = parse_help };

/* Hands the command's input on to the command's own argp, its first child. */
static error_t parse_whole(int key, char *arg, struct argp_state *state)
{
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	state->child_inputs[0] = state->input;
	return 0;
}

/* ---- finding options ----------------------------------------------------- */

static bool is_option(const struct argp_option *o)
{
	return o->name || o->key || o->doc;
}

/* What begins with a name. */
struct matches {
	const struct argp_option *exact, *first;
	u32 nr;
};

/* NOLINTNEXTLINE(misc-no-recursion): as deep as tables of options */
static void find_matches(const struct argp *argp, const char *name, size_t len, struct matches *m)
{
	for (const struct argp_option *o = argp->options; o && is_option(o); o++) {
		if (!o->name || strncmp(o->name, name, len))
			continue;
		if (!o->name[len])
			m->exact = o;
		if (!m->nr++)
			m->first = o;
	}
	for (const struct argp_child *c = argp->children; c && c->argp; c++)
		find_matches(c->argp, name, len, m);
}

const struct argp_option *option__find(const struct argp *argp, const char *name, size_t len)
{
	struct matches m = { .nr = 0 };

	find_matches(argp, name, len, &m);
	return m.exact ?: m.nr == 1 ? m.first : NULL;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as tables of options */
static const struct argp_option *find_letter(const struct argp *argp, int key)
{
	const struct argp_option *found = NULL;

	for (const struct argp_option *o = argp->options; o && is_option(o); o++)
		if (o->key == key)
			return o;
	for (const struct argp_child *c = argp->children; c && c->argp && !found; c++)
		found = find_letter(c->argp, key);
	return found;
}

static bool needs_argument(const struct argp_option *o)
{
	return o->arg && !(o->flags & OPTION_ARG_OPTIONAL);
}

const struct argp_option *option__wants_next(const struct argp *argp, const char *word)
{
	const struct argp_option *o = NULL;

	if (!strncmp(word, "--", 2)) {
		o = word[2] ? option__find(argp, word + 2, strlen(word + 2)) : NULL;
		return o && needs_argument(o) ? o : NULL;
	}
	if (*word != '-')
		return NULL;
	/* Of "-qe" the last one, if those before it have no argument. */
	for (word++; *word; word++) {
		o = find_letter(argp, *word);
		if (!o || o->arg)
			break;
	}
	return o && needs_argument(o) && !word[1] ? o : NULL;
}

/* ---- options that do not exist ------------------------------------------- */

/* NOLINTNEXTLINE(misc-no-recursion): as deep as tables of options */
static void offer_names(struct nearest *n, const struct argp *argp)
{
	for (const struct argp_option *o = argp->options; o && is_option(o); o++)
		if (o->name)
			nearest__offer(n, o->name);
	for (const struct argp_child *c = argp->children; c && c->argp; c++)
		offer_names(n, c->argp);
}

/* ", which belongs to record": the commands that have the option, or "". */
static const char *who_has(const char *name, size_t len, char *buf, size_t size)
{
	size_t used = 0;

	*buf = '\0';
	for (const struct command *c = commands; c->name && used < size; c++)
		if (!c->subcommands && option__find(c->argp, name, len))
			used += snprintf(buf + used, size - used, "%s%s",
					 used ? ", " : ", which belongs to ", c->name);
	return buf;
}

static int no_option(const struct argp *argp, const char *command, const char *word)
{
	size_t len = strcspn(word, "=") - 2;
	char has[80], likely[NEAREST_MAX + 24] = "";
	struct nearest n;

	who_has(word + 2, len, has, sizeof(has));
	nearest__begin(&n, word + 2, len);
	offer_names(&n, argp);
	if (!*has && *n.word)
		snprintf(likely, sizeof(likely), " (did you mean --%s?)", n.word);
	return usage_error("%s has no option %.*s%s%s; kvmw %s -h lists its options", command,
			   (int)(len < 60 ? len : 60) + 2, word, likely, has, command);
}

static int check_word(const struct argp *argp, const char *command, const char *word)
{
	struct matches m = { .nr = 0 };
	const struct argp_option *o;

	/* If several begin with it, getopt_long(3) lists them. */
	if (!strncmp(word, "--", 2)) {
		find_matches(argp, word + 2, strcspn(word, "=") - 2, &m);
		o = m.exact ?: m.nr == 1 ? m.first : NULL;
		if (o && !o->arg && strchr(word, '='))
			return usage_error("%s --%s takes no value; kvmw %s -h lists its options",
					   command, o->name, command);
		return m.nr ? 0 : no_option(argp, command, word);
	}
	for (word++; *word; word++) {
		o = find_letter(argp, *word);
		if (!o)
			return usage_error("%s has no option -%c; kvmw %s -h lists its options",
					   command, *word > ' ' && *word < 0x7f ? *word : '?',
					   command);
		if (o->arg)
			break;
	}
	return 0;
}

/* Before argp, whose words about it are getopt_long(3)'s. in_order: a COMMAND ends the options. */
static int check_words(const struct argp *argp, int argc, const char **argv, bool in_order)
{
	const char *command = strchr(argv[0], ' ') ? strchr(argv[0], ' ') + 1 : argv[0];

	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		const struct argp_option *o = option__wants_next(argp, argv[i]);

		if (argv[i][0] != '-' || !argv[i][1]) {
			if (in_order)
				return 0;
			continue;
		}
		if (check_word(argp, command, argv[i]))
			return EINVAL;
		if (o && ++i == argc)
			return usage_error("%s %s needs a value: %s; kvmw %s -h describes it",
					   command, argv[i - 1], o->arg, command);
	}
	return 0;
}

int options__parse(const struct argp *argp, int argc, const char **argv, unsigned int flags,
		   void *input)
{
	const struct argp_child parts[] = { { argp, 0, NULL, 0 }, { &help_argp, 0, NULL, 0 },
					    { 0 } };
	const struct argp whole = { .children = parts, .parser = parse_whole };

	int err = check_words(&whole, argc, argv, flags & ARGP_IN_ORDER) ? EINVAL : 0;

	err = err ?: argp_parse(&whole, argc, (char **)argv, flags | ARGP_NO_HELP, NULL, input);
	if (err == ENOMEM) {
		out_of_memory();
		exit(KVMW_FAILED);
	}
	return err;
}
