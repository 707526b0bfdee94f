// SPDX-License-Identifier: GPL-2.0
/* kvmw report: what its rows are, and in which order: --sort, --order, --fields. */
#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "builtin-report-sort.h"
#include "builtin.h"
#include "util/analysis/report/aggregate.h"
#include "util/analysis/report/key_field.h"
#include "util/error.h"
#include "util/nearest.h"

/* A word that an option does not know may be for another one. */
bool report_sort__guess(struct report_args *args, const char *option, const char *word)
{
	if (args->guessed || !guess__word(&args->guess, word))
		return false;
	args->guessed = option;
	return true;
}

/* Once it is known which options were given. */
error_t report_sort__take_guess(struct report_args *args)
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

bool report_sort__has(const struct report_args *args, enum report_key key)
{
	return key != KEY_TIME || !args || !args->no_time_key;
}

static error_t bad_key(const struct report_args *args, const char *typed)
{
	char what[64] = "no key given";
	struct word_list keys, fields;

	word_list__begin(&keys, typed, strlen(typed));
	for (u32 i = 0; i < NR_REPORT_KEYS; i++)
		if (report_sort__has(args, i))
			word_list__add(&keys, sort_key__get(i)->name);
	word_list__begin(&fields, "", 0);
	fields.nearest = keys.nearest;
	field_key__list(event_desc__captured(args && args->opt.event ? args->opt.event :
					     KVMW_EVENT_EXIT), &fields);
	if (*typed)
		snprintf(what, sizeof(what), "no key '%.32s'", typed);
	return usage_error("--sort: %s%s; the keys are %s; the fields are %s", what,
			   nearest__hint(&fields.nearest), keys.text, fields.text);
}

static void add_key(struct report_options *opt, enum report_key key)
{
	if (!report_options__sorts_by(opt, key) && opt->nr_sort < NR_REPORT_KEYS)
		opt->sort[opt->nr_sort++] = key;
}

static void add_field(struct report_options *opt, const struct sort_key *field)
{
	for (u32 i = 0; i < opt->nr_fields; i++)
		if (!strcmp(opt->field[i].field, field->field))
			return;
	opt->field[opt->nr_fields] = *field;
	add_key(opt, KEY_FIELD + opt->nr_fields++);
}

/* The default, or what --sort has. */
void report_sort__set(struct report_options *opt, const char *names)
{
	char list[64], *save;

	opt->nr_sort = 0;
	snprintf(list, sizeof(list), "%s", names);
	for (char *p = strtok_r(list, ",", &save); p; p = strtok_r(NULL, ",", &save))
		add_key(opt, sort_key__find(p));
}

error_t report_sort__parse(struct report_args *args, char *arg)
{
	char *save;

	args->nr_keys = 0;
	for (char *p = strtok_r(arg, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
		if (args->nr_keys == NR_REPORT_KEYS)
			return usage_error("--sort: more than %u keys", NR_REPORT_KEYS);
		args->key[args->nr_keys++] = p;
	}
	return args->nr_keys ? 0 : bad_key(args, "");
}

/* A word of --sort: a key, or a field of the event, or what is meant for another option. */
static error_t resolve_key(struct report_args *args, const char *word)
{
	struct report_options *opt = &args->opt;
	const struct event_desc *event = event_desc__captured(opt->event ?: KVMW_EVENT_EXIT);
	enum report_key key = sort_key__find(word);
	struct sort_key field;

	if (key == NR_REPORT_KEYS || !sort_key__get(key)->column(sort_key__get(key), event, 0)) {
		bool is_field = field_key__make(&field, word);

		if (is_field && opt->nr_fields == KEY_FIELDS)
			return usage_error("--sort: more than %u fields at once", KEY_FIELDS);
		if (is_field && (field.column(&field, event, 0) ||
				 (args->event && !event_desc__by_name(word)))) {
			add_field(opt, &field);
			return 0;
		}
	}
	if (key == NR_REPORT_KEYS && !args->guessed && report_sort__guess(args, "--sort", word)) {
		/* An event or a reason is no key: rows remain as they are. */
		if (!args->guess.sort && args->nr_keys == 1)
			return 0;
		key = args->guess.sort ? sort_key__find(args->guess.sort) : NR_REPORT_KEYS;
	}
	if (key == NR_REPORT_KEYS)
		return bad_key(args, word);
	add_key(opt, key);
	return 0;
}

/* Once the event is known. */
error_t report_sort__resolve(struct report_args *args)
{
	struct report_options *opt = &args->opt;
	u32 fine = 0;

	/* Time comes first: what follows is seen to change. */
	if (args->interval)
		add_key(opt, KEY_TIME);
	for (u32 i = 0; i < args->nr_keys; i++) {
		error_t ret = resolve_key(args, args->key[i]);

		if (ret)
			return ret;
	}
	args->sort = opt->nr_sort;
	for (u32 i = 0; i < opt->nr_sort; i++)
		fine += report_options__key(opt, i)->nr_fine;
	return fine <= AGG_FINE ? 0 : usage_error("--sort: too many keys at once");
}

/* A column, by the name that it has in JSON; or by key. */
error_t report_sort__parse_order(struct report_options *opt, const char *arg)
{
	struct word_list names;

	opt->order = strcmp(arg, "key") ? report_column__find(arg) : ORDER_KEY;
	if (!strcmp(arg, "key") ||
	    (opt->order < NR_REPORT_COLUMNS && report_order__name(opt->order)))
		return 0;
	word_list__begin(&names, arg, strlen(arg));
	for (u32 i = 0; i <= ORDER_KEY; i++)
		if (report_order__name(i))
			word_list__add(&names, report_order__name(i));
	return usage_error("--order: invalid order '%s'%s; rows are ordered by %s", arg,
			   nearest__hint(&names.nearest), names.text);
}

error_t report_sort__parse_fields(struct report_options *opt, char *list)
{
	struct word_list names;
	bool seen[NR_REPORT_COLUMNS] = { false };

	opt->nr_columns = 0;
	for (char *word; (word = strsep(&list, ","));) {
		enum report_column column = report_column__find(word);

		if (column == NR_REPORT_COLUMNS) {
			word_list__begin(&names, word, strlen(word));
			report_column__list(NULL, &names);
			return usage_error("--fields: no column '%s'%s; the columns are %s", word,
					   nearest__hint(&names.nearest), names.text);
		}
		if (!seen[column])
			opt->column[opt->nr_columns++] = column;
		seen[column] = true;
	}
	return 0;
}
