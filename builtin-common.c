// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builtin-common.h"
#include "util/error.h"

/* Keys of argp must differ from those of the commands. */
enum { OPT_VCPU = 0x200, OPT_VM, OPT_PID, OPT_REASON, OPT_TIME, OPT_JSON, OPT_CSV, OPT_NO_PAGER,
       OPT_REGIONS };

static const struct argp_option input_options[] = {
	{ "input", 'i', "FILE", 0, "Read FILE (default " DEFAULT_INPUT "); - is stdin; FILE alone "
	  "does the same", 1 },
	{ 0 },
};

static const struct argp_option select_options[] = {
	{ NULL, 0, NULL, 0, "Select:", 3 },
	{ "vcpu", OPT_VCPU, "LIST", 0, "Only these vCPUs, e.g. 0-3,7", 3 },
	{ "vm", OPT_VM, "LIST", 0, "Only these VMs, e.g. 4711,4800#2,debian12", 3 },
	{ "pid", OPT_PID, "LIST", 0, "The same as --vm, but without names", 3 },
	{ "reason", OPT_REASON, "REASON[,REASON...]", 0, "Only these exit reasons, e.g. io,npf", 3 },
	{ "time", OPT_TIME, "TIME", 0, "Only what began in this window: FROM,TO or one time: 2.1, "
	  "2100ms since the start, 12:03:04.5, @8.5 of CLOCK_MONOTONIC", 3 },
	{ 0 },
};

static const struct argp_option output_options[] = {
	{ NULL, 0, NULL, 0, "Output:", 4 },
	{ "json", OPT_JSON, NULL, 0, "Print JSON", 4 },
	{ "no-pager", OPT_NO_PAGER, NULL, 0, "Do not use a pager", 4 },
	{ 0 },
};

static const struct argp_option regions_options[] = {
	{ "regions", OPT_REGIONS, "FILE", 0, "Name addresses and ports after FILE: the text of QEMU's "
	  "info mtree -f, or lines FROM-TO NAME", 4 },
	{ 0 },
};

static const struct argp_option csv_options[] = {
	{ "csv", OPT_CSV, NULL, 0, "Print CSV", 4 },
	{ 0 },
};

/* The options that choose a format; text needs none. */
static const struct { int key; const char *name; } formats[NR_OUTPUT_FORMATS] = {
	[OUTPUT_JSON] = { OPT_JSON, "--json" },
	[OUTPUT_CSV] = { OPT_CSV, "--csv" },
};

static error_t parse_format(struct common_args *args, int key)
{
	for (u32 i = 0; i < NR_OUTPUT_FORMATS; i++) {
		if (!formats[i].name || formats[i].key != key)
			continue;
		if (args->format != OUTPUT_TEXT && args->format != i)
			return usage_error("%s and %s exclude each other", formats[args->format].name,
					   formats[i].name);
		args->format = i;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t take_input(struct common_args *args, const char *path)
{
	if (args->input)
		return usage_error("one recording at a time, not '%s' and '%s'", args->input, path);
	args->input = path;
	return 0;
}

static error_t common__parse(int key, char *arg, struct argp_state *state)
{
	struct common_args *args = state->input;

	switch (key) {
	case 'i':
	case ARGP_KEY_ARG:
		return take_input(args, arg);
	case OPT_VCPU:
		return number_list__parse(&args->vcpus, "--vcpu", arg) ? EINVAL : 0;
	case OPT_VM:
	case OPT_PID:
		return number_list__parse_vms(&args->pids, key == OPT_VM ? "--vm" : "--pid", arg) ?
		       EINVAL : 0;
	case OPT_REASON:
		return reason_list__parse(&args->reasons, arg) ? EINVAL : 0;
	case OPT_TIME:
		return time_window__parse(&args->window, arg) ? EINVAL : 0;
	case OPT_NO_PAGER:
		args->no_pager = true;
		return 0;
	case OPT_REGIONS:
		args->regions_file = arg;
		return 0;
	default:
		return parse_format(args, key);
	}
}

const struct argp common_input_argp = {
	.options = input_options, .parser = common__parse, .args_doc = "[FILE]",
};
const struct argp common_select_argp = { .options = select_options, .parser = common__parse };
const struct argp common_output_argp = { .options = output_options, .parser = common__parse };
const struct argp common_regions_argp = { .options = regions_options, .parser = common__parse };
const struct argp common_csv_argp = { .options = csv_options, .parser = common__parse };

int common_args__read_regions(struct common_args *args)
{
	if (!args->regions_file)
		return 0;
	args->regions = regions__read(args->regions_file);
	return args->regions ? 0 : -1;
}

const char *common_args__input(const struct common_args *args)
{
	return args->input ?: DEFAULT_INPUT;
}

static int not_there(const struct common_args *args, const char *command)
{
	const char *path = common_args__input(args);

	if (!args->input)
		return error("no " DEFAULT_INPUT " here: kvmw record makes one; kvmw %s FILE reads "
			     "another recording", command);
	if (!strcmp(path, "help"))
		return error("no recording 'help' here; kvmw %s -h lists the options", command);
	return error("cannot open %s: %s; kvmw record -o FILE makes a recording", path,
		     strerror(ENOENT));
}

static int not_ours(const char *path, const struct stat *st)
{
	const struct passwd *owner = getpwuid(st->st_uid);
	char uid[16];

	snprintf(uid, sizeof(uid), "uid %u", st->st_uid);
	return error("cannot open %s: %s: it belongs to %s, its mode is %04o; its owner can give it to "
		     "you (chown), or let others read it (chmod)", path, strerror(EACCES),
		     owner ? owner->pw_name : uid, st->st_mode & 07777);
}

struct data_reader *common_args__open(const struct common_args *args, const char *command)
{
	const char *path = common_args__input(args);
	struct stat st;

	/* A pipe must not be opened twice. */
	if (!strcmp(path, "-"))
		return data_reader__open(path);
	if (stat(path, &st)) {
		if (errno != ENOENT)
			return data_reader__open(path);
		not_there(args, command);
	} else if (S_ISDIR(st.st_mode)) {
		error("%s is a directory, not a recording", path);
	} else if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) && errno == EACCES) {
		not_ours(path, &st);
	} else {
		return data_reader__open(path);
	}
	return NULL;
}

void common_args__free(struct common_args *args)
{
	regions__free(args->regions);
	number_list__free(&args->vcpus);
	number_list__free(&args->pids);
	reason_list__free(&args->reasons);
}
