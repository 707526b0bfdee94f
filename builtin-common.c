// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builtin-common.h"
#include "util/analysis/where.h"
#include "util/array.h"
#include "util/error.h"
#include "util/parse.h"
#include "util/symbols/demangler.h"
#include "util/symbols/namer.h"

#define MEMORY_MIN	(1u << 20)

/* Keys of argp must differ from those of the commands. */
enum {
	OPT_VCPU = 0x200,
	OPT_VM,
	OPT_PID,
	OPT_REASON,
	OPT_TIME,
	OPT_AROUND,
	OPT_WHERE,
	OPT_JSON,
	OPT_CSV,
	OPT_NO_PAGER,
	OPT_REGIONS,
	OPT_MEMORY,
	OPT_NO_DEMANGLE,
	OPT_DEBUG_DIR,
	OPT_DEBUGINFOD
};

static const struct argp_option input_options[] = {
	{ "input", 'i', "FILE", 0, "Read FILE (default " DEFAULT_INPUT "); - is stdin; FILE alone "
	  "does the same", 1 },
	{ "memory", OPT_MEMORY, "SIZE", 0, "Use at most SIZE of memory (default 256M, and less for a "
	  "small file); a message says if that is too little", 1 },
	{ 0 },
};

static const struct argp_option select_options[] = {
	{ NULL, 0, NULL, 0, "Select:", 3 },
	{ "reason", OPT_REASON, "REASON[,REASON...]", 0, "Only these exit reasons, e.g. io,npf", 3 },
	{ "where", OPT_WHERE, "EXPR", 0, "Only events for which this is true, e.g. "
	  "'reason==npf && total>100us && !(gpa in 0xfed00000-0xfed003ff)'", 3 },
	{ "vcpu", OPT_VCPU, "LIST", 0, "Only these vCPUs, e.g. 0-3,7", 3 },
	{ "vm", OPT_VM, "LIST", 0, "Only these VMs, e.g. 4711,4800#2,debian12", 3 },
	{ "pid", OPT_PID, "LIST", 0, "The same as --vm, but without names", 3 },
	{ "time", OPT_TIME, "TIME", 0, "Only what began in this window: FROM,TO or one time: 2.1, "
	  "2100ms since the start, 10%, 12:03:04.5, @8.5 of CLOCK_MONOTONIC", 3 },
	{ "around", OPT_AROUND, "T+-D", 0, "Only what began from D before T to D after it, e.g. 2.1+-50ms", 3 },
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

static const struct argp_option parts_options[] = {
	{ "input", 'i', "FILE", 0, "One of the parts; FILE alone does the same", 1 },
	{ 0 },
};

static const struct argp_option stacks_options[] = {
	{ "debug-dir", OPT_DEBUG_DIR, "DIR", 0, "Name functions in stacks that the recorder could not, by build id, from "
	  "DIR/.build-id", 4 },
	{ "debuginfod", OPT_DEBUGINFOD, NULL, 0, "Likewise, from the servers of $DEBUGINFOD_URLS", 4 },
	{ "no-demangle", OPT_NO_DEMANGLE, NULL, 0, "Do not demangle C++ and Rust functions in stacks", 4 },
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
			return usage_error("%s and %s exclude each other",
					   formats[args->format].name, formats[i].name);
		args->format = i;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse_memory(struct common_args *args, const char *arg)
{
	u64 bytes;

	if (parse_size(arg, &bytes) || bytes < MEMORY_MIN)
		return usage_error("--memory '%s': must be a size from 1M on, such as 512M or 4G",
				   arg);
	args->budget.max = bytes;
	args->budget.fixed = true;
	return 0;
}

/* The last one counts, of the same option. */
static error_t parse_window(struct common_args *args, int key, const char *arg)
{
	bool is_around = key == OPT_AROUND;

	if (args->window.active && args->window.is_around != is_around)
		return usage_error("--time and --around exclude each other");
	args->typed.window = arg;
	return (is_around ? time_window__parse_around : time_window__parse)(&args->window, arg) ?
	       EINVAL : 0;
}

static error_t parse_where(struct common_args *args, const char *arg)
{
	if (args->where)
		return usage_error("--where: one expression at a time; && joins two");
	args->where = where__parse("--where", arg);
	return args->where ? 0 : EINVAL;
}

static error_t take_input(struct common_args *args, const char *path)
{
	if (args->input && args->several) {
		if (array__reserve(args->more, args->nr_more, args->more_room, NULL))
			return ENOMEM;
		args->more[args->nr_more++] = path;
		return 0;
	}
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
		args->typed.vcpus = arg;
		return number_list__parse(&args->vcpus, "--vcpu", arg) ? EINVAL : 0;
	case OPT_VM:
	case OPT_PID:
		args->typed.pids = arg;
		return number_list__parse_vms(&args->pids, key == OPT_VM ? "--vm" : "--pid", arg) ?
		       EINVAL : 0;
	case OPT_REASON:
		return reason_list__parse(&args->reasons, arg) ? EINVAL : 0;
	case OPT_TIME:
	case OPT_AROUND:
		return parse_window(args, key, arg);
	case OPT_WHERE:
		return parse_where(args, arg);
	case OPT_MEMORY:
		return parse_memory(args, arg);
	case OPT_NO_PAGER:
		args->no_pager = true;
		return 0;
	case OPT_REGIONS:
		args->regions_file = arg;
		return 0;
	case OPT_DEBUG_DIR:
		args->debug_dir = arg;
		return 0;
	case OPT_DEBUGINFOD:
		args->debuginfod = true;
		return 0;
	case OPT_NO_DEMANGLE:
		args->no_demangle = true;
		return 0;
	default:
		return parse_format(args, key);
	}
}

const struct argp common_input_argp = {
	.options = input_options, .parser = common__parse, .args_doc = "[FILE]",
};
const struct argp common_inputs_argp = {
	.options = input_options, .parser = common__parse, .args_doc = "[FILE...]",
};
const struct argp common_parts_argp = {
	.options = parts_options, .parser = common__parse, .args_doc = "A B...",
};
/* The last one of them. */
const struct argp common_memory_argp = {
	.options = &input_options[ARRAY_SIZE(input_options) - 2], .parser = common__parse,
};
/* Of these, what a part of a recording is chosen by. */
const struct argp common_part_argp = {
	.options = &select_options[ARRAY_SIZE(select_options) - 6], .parser = common__parse,
};
static const struct argp common_select_argp = { .options = select_options,
						.parser = common__parse };
const struct argp common_output_argp = { .options = output_options, .parser = common__parse };
static const struct argp common_regions_argp = { .options = regions_options,
						 .parser = common__parse };
const struct argp common_stacks_argp = { .options = stacks_options, .parser = common__parse };
static const struct argp common_csv_argp = { .options = csv_options, .parser = common__parse };

static const struct argp_child reading_children[] = {
	{ &common_select_argp, 0, NULL, 0 },
	{ &common_output_argp, 0, NULL, 0 },
	{ &common_csv_argp, 0, NULL, 0 },
	{ &common_regions_argp, 0, NULL, 0 },
	{ &common_symbols_argp, 0, NULL, 0 },
	{ 0 },
};

static error_t reading__parse(int key, char *arg, struct argp_state *state)
{
	struct common_args *args = state->input;

	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	for (size_t i = 0; i + 1 < ARRAY_SIZE(reading_children); i++)
		state->child_inputs[i] = reading_children[i].argp == &common_symbols_argp ?
					 (void *)&args->symbol_files : args;
	return 0;
}

const struct argp common_reading_argp = { .children = reading_children, .parser = reading__parse };

int common_args__read_regions(struct common_args *args)
{
	if (!args->regions_file)
		return 0;
	args->regions = regions__read(args->regions_file);
	return args->regions ? 0 : -1;
}

static int start_namer(struct common_args *args)
{
	const char *urls = getenv("DEBUGINFOD_URLS");

	if (!args->debug_dir && !args->debuginfod)
		return 0;
	if (args->debug_dir && access(args->debug_dir, R_OK | X_OK))
		return error("--debug-dir %s: %s", args->debug_dir, strerror(errno));
	if (args->debuginfod && (!urls || !*urls))
		return error("--debuginfod: DEBUGINFOD_URLS names no server: set it to the URL of one, or use --debug-dir");
	args->namer = namer__start(args->debug_dir, args->debuginfod);
	return args->namer ? 0 : -1;
}

/* In this order: a child has a copy of what was open before. */
int common_args__start_namers(struct common_args *args)
{
	if (start_namer(args))
		return -1;
	if (!args->no_demangle)
		args->demangler = demangler__start();
	return args->demangler || args->no_demangle ? 0 : -1;
}

const char *common_args__input(const struct common_args *args)
{
	return args->input ?: DEFAULT_INPUT;
}

const char *common_args__name(const struct common_args *args)
{
	const char *path = common_args__input(args);

	return strcmp(path, "-") ? path : "standard input";
}

int common_args__wait(const struct common_args *args, pid_t child)
{
	int status;

	if (child < 0)
		return error("cannot start a process: %s", strerror(errno));
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return error("the process that reads %s is gone: %s",
				     common_args__input(args), strerror(errno));
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return error("%s: reading it ended with signal %d (%s)", common_args__input(args),
		     WTERMSIG(status), strsignal(WTERMSIG(status)));
}

/* What record --switch-output leaves has timestamps. */
static bool offer_series(const char *command)
{
	glob_t found = { 0 };
	bool any = !glob(DEFAULT_INPUT ".[0-9]*", 0, NULL, &found) && found.gl_pathc;

	if (any)
		error("no " DEFAULT_INPUT " here, but a series of files: kvmw %s %s reads the newest", command,
		      found.gl_pathv[found.gl_pathc - 1]);
	globfree(&found);
	return any;
}

static int not_there(const struct common_args *args, const char *command)
{
	const char *path = common_args__input(args);

	if (!args->input && offer_series(command))
		return -1;
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

/* What is read from a pipe is known as it comes. */
static void begin_budget(struct common_args *args, u64 bytes)
{
	struct budget *b = &args->budget;

	*b = (struct budget) { .max = b->max ?: BUDGET_DEFAULT, .fixed = b->fixed };
	budget__read(b, bytes);
	args->begin = *b;
}

int common_args__check_budget(const struct common_args *args)
{
	const struct budget *b = &args->budget;

	return !b->refused ? 0 :
	       error("%s: not all of it fits into memory: some is dropped and counted; --memory=SIZE allows "
		     "more than %zu MB", common_args__name(args), b->granted >> 20);
}

/* What percentages of --time are of: all frames are looked at, and read again then. */
static int find_duration(struct recording *rec, struct data_reader *r, struct budget budget)
{
	struct recording *all = recording__new(rec->path);
	int ret = all ? 0 : -1, more = 0;
	struct data_frame *f;
	u64 first = 0;

	if (!data_reader__seekable(r))
		ret = error("--time in percent needs a file: the duration of a recording from a pipe is not known yet");
	if (!ret)
		recording__draw_from(all, &budget);
	while (!ret && (more = data_reader__next(r, &f)) > 0) {
		first = first ?: f->offset;
		ret = recording__take(all, r, f);
		data_frame__put(f);
	}
	if (!ret && more != DATA_NO_MEMORY && (!first || !data_reader__seek(r, first)))
		time_window__set_duration(&rec->window, recording__duration(all));
	else
		ret = -1;
	recording__free(all);
	return ret;
}

struct recording *common_args__recording(struct common_args *args, struct data_reader *reader)
{
	struct recording *rec = recording__new(common_args__input(args));

	if (!rec) {
		data_reader__close(reader);
		return NULL;
	}
	/* What was read before is gone. */
	args->budget = args->begin;
	recording__draw_from(rec, &args->budget);
	rec->window = args->window;
	if (time_window__needs_duration(&rec->window) && find_duration(rec, reader, args->budget)) {
		recording__free(rec);
		data_reader__close(reader);
		return NULL;
	}
	rec->demangler = args->demangler;
	rec->namer = args->namer;
	rec->filter = args->where ? where__filter(args->where) : NULL;
	return rec;
}

/* A recording that is opened again is not new to the user. */
static struct data_reader *open_reader(struct common_args *args)
{
	struct data_reader *r = data_reader__open(common_args__input(args));
	bool again = args->opened;

	args->opened = true;
	if (r && data_reader__newer(r) && !again)
		notice("%s: format 1.%u; this kvmw knows 1.%u, and ignores what is new: a newer kvmw shows it",
		       common_args__name(args), data_reader__newer(r), DATA_MINOR);
	return r;
}

struct data_reader *common_args__open(struct common_args *args, const char *command)
{
	const char *path = common_args__input(args);
	struct stat st;

	begin_budget(args, stat(path, &st) || !S_ISREG(st.st_mode) ? 0 : st.st_size);
	/* A pipe must not be opened twice. */
	if (!strcmp(path, "-"))
		return open_reader(args);
	if (stat(path, &st)) {
		if (errno != ENOENT)
			return open_reader(args);
		not_there(args, command);
	} else if (S_ISDIR(st.st_mode)) {
		error("%s is a directory, not a recording", path);
	} else if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) && errno == EACCES) {
		not_ours(path, &st);
	} else {
		return open_reader(args);
	}
	return NULL;
}

struct data_reader *common_args__open_file(struct common_args *args, const char *command,
					   bool *is_file)
{
	bool is_stdin = !strcmp(common_args__input(args), "-");
	struct data_reader *reader = is_stdin ? NULL : common_args__open(args, command);

	*is_file = reader ? data_reader__seekable(reader) : !is_stdin;
	if (*is_file)
		return reader;
	data_reader__close(reader);
	return NULL;
}

void common_args__free(struct common_args *args)
{
	demangler__end(args->demangler);
	namer__end(args->namer);
	array__free(args->more, args->more_room, NULL);
	where__free(args->where);
	regions__free(args->regions);
	guest_symbols__free(args->symbols);
	number_list__free(&args->vcpus);
	number_list__free(&args->pids);
	reason_list__free(&args->reasons);
}
