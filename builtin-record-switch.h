/* SPDX-License-Identifier: GPL-2.0 */
/* record --switch-output: when another file begins, and how files are named. */
#ifndef KVMW_BUILTIN_RECORD_SWITCH_H
#define KVMW_BUILTIN_RECORD_SWITCH_H

#include <argp.h>
#include <poll.h>

#include "builtin-record-files.h"
#include "util/keep/series.h"

/* What the command line says of it. */
struct switch_options {
	bool on;
	u64 bytes, time_ns;	/* when, besides at SIGUSR2; 0: not then */
	bool bare;		/* nothing was said of that */
	u32 max_files;		/* 0: no limit */
};

/* File descriptors that wait for something: for poll(). */
enum switch_fd { SWITCH_FD_SIGNAL, SWITCH_FD_TIME, SWITCH_FD_DONE, NR_SWITCH_FDS };

struct record_switch {
	const struct switch_options *opt;
	struct record_uses uses;
	struct record_files files;
	struct series_files makers;
	struct series series;
	int fd[NR_SWITCH_FDS];	/* -1: none */
	bool busy;		/* a file is not closed yet */
	bool again;		/* another one is asked for meanwhile */
	u32 nr;			/* files that are complete */
};

/* Input: a struct switch_options. */
extern const struct argp record_switch_argp;
/* What options mean together; output: of -o, or NULL.  0, or EINVAL after error(). */
error_t record_switch__check_options(const struct switch_options *o, const char *output, bool keeps,
				     bool limit);
/* Whether what would be run is rather an argument.  0, or EINVAL after error(). */
error_t record_switch__check_command(const struct switch_options *o, const char *command);
/* Before there are threads and privileges are given up.  0, or -1 after error(). */
int record_switch__open(struct record_switch *w, const struct switch_options *opt);
/* Makes the first file; events: recorded, a bitmap.  0, or -1 after error(). */
int record_switch__make(struct record_switch *w, const char *path, u32 events);
/* Once the recording has begun.  0, or -1 after error(). */
int record_switch__start(struct record_switch *w, const struct record_uses *uses, u64 start_ns);
void record_switch__fds(const struct record_switch *w, struct pollfd *fds);
/* After poll(). 0, or -1: out of memory, or nothing can be written. */
int record_switch__handle(struct record_switch *w, const struct pollfd *fds);
/* Nothing was recorded: removes the file and restores the one that was there. */
void record_switch__undo(struct record_switch *w);
void record_switch__close(struct record_switch *w);

#endif
