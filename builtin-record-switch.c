// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "builtin-record-fds.h"
#include "builtin-record-notes.h"
#include "builtin-record.h"
#include "util/error.h"
#include "util/parse.h"

#define MIN_TIME_NS	NSEC_PER_SEC
#define MAX_FILES	1000000
#define SUFFIX		".2026112817300012"	/* of -o FILE: as perf has it, to hundredths of a second */
#define HUNDREDTH_NS	(NSEC_PER_SEC / 100)

/* ---- options ------------------------------------------------------------- */

enum { OPT_SWITCH_OUTPUT = 0x600, OPT_SWITCH_MAX_FILES };

static const struct argp_option options[] = {
	{ "switch-output", OPT_SWITCH_OUTPUT, "SIZE|TIME|signal", OPTION_ARG_OPTIONAL,
	  "Begin another file at each SIZE (such as 100M) or TIME (such as 10m), and at SIGUSR2; each file is a recording by itself", 0 },
	{ "switch-max-files", OPT_SWITCH_MAX_FILES, "N", 0, "With --switch-output: keep the N newest files", 0 },
	{ 0 }
};

/* "2d" */
static int parse_days(const char *arg, size_t len, u64 *ns)
{
	char hours[32] = "";

	if (len >= sizeof(hours))
		return -1;
	memcpy(hours, arg, len - 1);
	hours[len - 1] = 'h';
	if (parse_time(hours, ns) || *ns > UINT64_MAX / 24)
		return -1;
	*ns *= 24;
	return 0;
}

/* "512B" */
static int parse_bytes(const char *arg, size_t len, u64 *bytes)
{
	char number[32] = "";

	if (len >= sizeof(number))
		return -1;
	memcpy(number, arg, len - 1);
	return parse_u64(number, bytes);
}

/* The unit distinguishes the two, as in perf: 2M is a size, 2m a time. */
static int parse_when(struct switch_options *o, const char *arg)
{
	size_t len = strlen(arg);
	char unit = len > 1 ? arg[len - 1] : '\0';

	if (unit == 'B')
		return parse_bytes(arg, len, &o->bytes);
	if (unit && strchr("KMG", unit))
		return parse_size(arg, &o->bytes);
	if (unit == 'd')
		return parse_days(arg, len, &o->time_ns);
	return unit && strchr("smh", unit) ? parse_time(arg, &o->time_ns) : -1;
}

static bool is_large_enough(const struct switch_options *o)
{
	return o->bytes >= MIN_LIMIT || o->time_ns >= MIN_TIME_NS;
}

static error_t record_switch__parse(int key, char *arg, struct argp_state *state)
{
	struct switch_options *o = state->input;

	switch (key) {
	case OPT_SWITCH_OUTPUT:
		*o = (struct switch_options) { .on = true, .bare = !arg,
					       .max_files = o->max_files };
		if (!arg || !strcmp(arg, "signal") || (!parse_when(o, arg) && is_large_enough(o)))
			return 0;
		return usage_error("--switch-output '%s': must be a size of at least 64K, such as 100M, a time of at least 1s, "
				   "such as 10m, or 'signal'", arg);
	case OPT_SWITCH_MAX_FILES:
		if (!parse_u32(arg, &o->max_files) && o->max_files && o->max_files <= MAX_FILES)
			return 0;
		return usage_error("--switch-max-files '%s': must be a number from 1 to %d", arg,
				   MAX_FILES);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp record_switch_argp = { .options = options, .parser = record_switch__parse };

error_t record_switch__check_command(const struct switch_options *o, const char *command)
{
	struct switch_options as = { .on = true };

	if (!o->bare || (strcmp(command, "signal") && parse_when(&as, command)))
		return 0;
	return usage_error("'%s' would be run as a command: --switch-output=%s says when another file begins", command,
			   command);
}

error_t record_switch__check_options(const struct switch_options *o, const char *output, bool keeps,
				     bool limit)
{
	if (!o->on)
		return o->max_files ? usage_error("--switch-max-files needs --switch-output") : 0;
	if (keeps)
		return usage_error("--keep and --switch-output exclude each other: --keep writes nothing until it is asked, "
				   "--switch-output all that comes");
	if (limit)
		return usage_error("--limit and --switch-output exclude each other: --switch-output=SIZE --switch-max-files N take no "
				   "more than N times SIZE, and go on");
	return record_files__check_name(output ?: DEFAULT_OUTPUT, "--switch-output", SUFFIX);
}

/* ---- files, for the thread that writes ------------------------------------- */

static int make_next(void *arg)
{
	struct record_switch *w = arg;

	return record_files__make(&w->files, w->makers.path);
}

static void put_suffix(char *buf, size_t size, const struct timespec *at)
{
	size_t len = 0;
	struct tm tm;

	if (localtime_r(&at->tv_sec, &tm))
		len = strftime(buf, size, ".%Y%m%d%H%M%S", &tm);
	snprintf(buf + len, size - len, "%02ld", at->tv_nsec / (long)HUNDREDTH_NS);
}

/* Of two in the same hundredth of a second, the later one gets the next one's name. */
static int name_done(struct record_switch *w, char *suffix)
{
	struct timespec at;
	int err = EEXIST;

	clock_gettime(CLOCK_REALTIME, &at);
	for (u32 i = 0; i < 100 && err == EEXIST; i++) {
		put_suffix(suffix, FILES_SUFFIX, &at);
		err = record_files__done(&w->files, suffix, w->opt->max_files);
		at.tv_nsec += HUNDREDTH_NS;
		at.tv_sec += at.tv_nsec >= (long)NSEC_PER_SEC;
		at.tv_nsec %= (long)NSEC_PER_SEC;
	}
	return err > 0 ?
	       error("%s%s: this name and many that follow are taken",
		     w->makers.path, suffix) : err;
}

static int file_done(void *arg, const struct series_file *f)
{
	struct record_switch *w = arg;
	char suffix[FILES_SUFFIX];

	if (name_done(w, suffix))
		return -1;
	w->nr++;
	if (w->uses.status_line)
		fputs(CLEAR_STATUS_LINE, stderr);
	if (!w->uses.quiet)
		tell("[ kvmw record: Dump %s%s: %llu event%s of %.1f s, %.3f MB, %llu lost ]",
		     w->makers.path, suffix, (unsigned long long)f->events,
		     f->events == 1 ? "" : "s", (f->end_ns - f->begin_ns) / 1e9, f->bytes / 1e6,
		     (unsigned long long)f->lost);
	eventfd_write(w->fd[SWITCH_FD_DONE], 1);
	return 0;
}

/* ---- for the recorder ------------------------------------------------------ */

int record_switch__open(struct record_switch *w, const struct switch_options *opt)
{
	w->opt = opt;
	w->files.socket = -1;
	memset(w->fd, -1, sizeof(w->fd));
	if (!opt->on)
		return 0;
	if (record_files__start(&w->files))
		return -1;
	w->fd[SWITCH_FD_SIGNAL] = record_fds__usr2();
	w->fd[SWITCH_FD_TIME] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	w->fd[SWITCH_FD_DONE] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (u32 i = 0; i < NR_SWITCH_FDS; i++)
		if (w->fd[i] < 0)
			return error("cannot set up signals and timers: %s", strerror(errno));
	return 0;
}

int record_switch__make(struct record_switch *w, const char *path, u32 events)
{
	w->makers = (struct series_files) {
		.make = make_next, .done = file_done, .arg = w, .path = path, .events = events,
	};
	return series__open(&w->series, &w->makers);
}

int record_switch__start(struct record_switch *w, const struct record_uses *uses, u64 start_ns)
{
	w->uses = *uses;
	series__start(&w->series, start_ns);
	return record_fds__arm(w->fd[SWITCH_FD_TIME], w->opt->time_ns, w->opt->time_ns);
}

void record_switch__fds(const struct record_switch *w, struct pollfd *fds)
{
	for (u32 i = 0; i < NR_SWITCH_FDS; i++)
		fds[i] = (struct pollfd) { w->fd[i], POLLIN, 0 };
}

static int record_switch__send_tables(struct record_switch *w, u32 kind)
{
	const struct record_uses *u = &w->uses;

	return snapshot__read(u->tables, kind, u->session_opts, u->session) ||
	       snapshot__send(u->tables, u->sink) ? -1 : 0;
}

/* What is missing from the file, as far as is known now; the recorder goes on and learns more. */
static int send_notes(struct record_switch *w)
{
	struct meta *meta = w->uses.meta;
	u32 nr = meta__nr_notes(meta);
	int err = 0;

	record_notes__add(meta, w->uses.session, false);
	if (meta__nr_notes(meta) != nr)
		err = sink__json(w->uses.sink, DATA_META, meta__json(meta));
	meta__forget_notes(meta, nr);
	return err;
}

/* What is read of the end is in one file, what is read of the start in the next one. */
static int begin_next(struct record_switch *w)
{
	char *meta;

	w->busy = true;
	w->again = false;
	if (send_notes(w) || record_switch__send_tables(w, KVMW_thread_END))
		return -1;
	meta = meta__of_next_file(w->uses.meta);
	if (!meta)
		return -1;
	drain__next_file(w->uses.drain, meta);
	return record_switch__send_tables(w, KVMW_thread_START);
}

int record_switch__handle(struct record_switch *w, const struct pollfd *fds)
{
	if (!w->opt->on)
		return 0;
	if (fds[SWITCH_FD_DONE].revents && record_fds__take(w->fd[SWITCH_FD_DONE]))
		w->busy = false;
	w->again |= fds[SWITCH_FD_SIGNAL].revents && record_fds__take(w->fd[SWITCH_FD_SIGNAL]);
	w->again |= fds[SWITCH_FD_TIME].revents && record_fds__take(w->fd[SWITCH_FD_TIME]);
	w->again |= !w->busy && w->opt->bytes && series__grown(&w->series) >= w->opt->bytes;
	return w->again && !w->busy ? begin_next(w) : 0;
}

void record_switch__undo(struct record_switch *w)
{
	if (w->opt->on)
		record_files__undo(&w->files);
}

void record_switch__close(struct record_switch *w)
{
	if (!w->opt || !w->opt->on)
		return;
	record_files__end(&w->files);
	if (w->makers.path)
		series__close(&w->series);
	for (u32 i = 0; i < NR_SWITCH_FDS; i++)
		if (w->fd[i] >= 0)
			close(w->fd[i]);
}
