// SPDX-License-Identifier: GPL-2.0
/* kvmw record --keep, and what goes with it on the command line. */
#include <argp.h>
#include <errno.h>
#include <string.h>

#include "builtin-record.h"
#include "util/error.h"
#include "util/parse.h"

enum { OPT_KEEP = 0x500, OPT_TRIGGER, OPT_AFTER, OPT_COOLDOWN, OPT_MAX_SNAPSHOTS, OPT_EXEC };

static const struct argp_option options[] = {
	{ "keep", OPT_KEEP, "TIME[,SIZE]", 0,
	  "Keep the last TIME in memory, at most SIZE (default 256M); kvmw snapshot, or SIGUSR2, writes it to a file", 0 },
	{ "trigger", OPT_TRIGGER, "WHEN", 0,
	  "With --keep: make a snapshot when an event matches WHEN (as --where: total>100ms), or at "
	  "rate(io)>50000, stuck>2s, gone, lost; repeatable", 0 },
	{ "after", OPT_AFTER, "TIME", 0, "With --keep: continue for TIME before a snapshot is written", 0 },
	{ "cooldown", OPT_COOLDOWN, "TIME", 0, "Ignore triggers within TIME after the last one (default 10s)", 0 },
	{ "max-snapshots", OPT_MAX_SNAPSHOTS, "N", 0, "With --keep: make no more than N snapshots", 0 },
	{ "exec", OPT_EXEC, "COMMAND", 0, "With --keep: run COMMAND with the name of each snapshot", 0 },
	{ 0 }
};

/* "60s", "60s,256M" */
static error_t parse_keep(struct keep_options *k, const char *arg)
{
	size_t len = strcspn(arg, ",");
	char time[32] = "";

	k->bytes = KEEP_DEFAULT_BYTES;
	if (len < sizeof(time))
		memcpy(time, arg, len);
	if (parse_time(time, &k->time_ns) || k->time_ns < KEEP_MIN_NS)
		return usage_error("--keep '%s': must be a time of at least 1s, such as 60s or 5m, and after a comma "
				   "how much memory it may take: 60s,256M", arg);
	if (arg[len] && (parse_size(arg + len + 1, &k->bytes) || k->bytes < KEEP_MIN_BYTES ||
			 k->bytes > KEEP_MAX_BYTES))
		return usage_error("--keep '%s': what follows the comma must be a size of 16M to 64G, such as 256M",
				   arg);
	return 0;
}

static error_t take_option(struct keep_options *k, int key, const char *arg)
{
	static const char *const names[] = { "--trigger", "--after", "--cooldown",
					     "--max-snapshots", "--exec" };

	if (key >= OPT_TRIGGER && key <= OPT_EXEC)
		k->of_snapshots = names[key - OPT_TRIGGER];
	switch (key) {
	case OPT_TRIGGER:
		return keep_triggers__add(&k->triggers, arg) ? EINVAL : 0;
	case OPT_AFTER:
		if (!parse_time(arg, &k->after_ns))
			return 0;
		return usage_error("--after '%s': must be a time, such as 500ms or 5s", arg);
	case OPT_COOLDOWN:
		k->has_cooldown = true;
		if (!parse_time(arg, &k->cooldown_ns))
			return 0;
		return usage_error("--cooldown '%s': must be a time, such as 10s or 5m", arg);
	case OPT_MAX_SNAPSHOTS:
		if (!parse_u32(arg, &k->max_snapshots) && k->max_snapshots)
			return 0;
		return usage_error("--max-snapshots '%s': must be a positive number", arg);
	case OPT_EXEC:
		k->exec = arg;
		return *arg ? 0 : usage_error("--exec: no command given");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t record_keep__parse(int key, char *arg, struct argp_state *state)
{
	struct keep_options *k = state->input;

	return key == OPT_KEEP ? parse_keep(k, arg) : take_option(k, key, arg);
}

const struct argp record_keep_argp = { .options = options, .parser = record_keep__parse };

error_t record_keep__check_options(const struct keep_options *o, const char *output, u32 events,
				   bool thins)
{
	if (!o->time_ns)
		return !o->of_snapshots ? 0 :
		       usage_error("%s needs --keep", o->of_snapshots);
	if (o->after_ns >= o->time_ns)
		return usage_error("--after must be shorter than the TIME of --keep, or what led up to the trigger is not "
				   "kept");
	if (o->has_cooldown && !o->triggers.nr)
		return usage_error("--cooldown needs --trigger");
	if (keep_triggers__check(&o->triggers, events))
		return EINVAL;
	for (u32 i = 0; i < o->triggers.nr && thins; i++)
		if (o->triggers.trigger[i].kind <= TRIGGER_RATE)
			return usage_error("--trigger '%s' looks at rows, and --cpu-limit drops some: they exclude "
					   "each other", o->triggers.trigger[i].text);
	return output ? record_files__check_name(output, "--keep", KEEP_SUFFIX) : 0;
}
