/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process that makes the files of a recorder which goes on for long, and runs the user's command:
 * the recorder itself gives up the right to. It ends with the recorder.
 */
#ifndef KVMW_BUILTIN_RECORD_FILES_H
#define KVMW_BUILTIN_RECORD_FILES_H

#include <argp.h>

#include "util/capture/drain.h"
#include "util/capture/meta.h"
#include "util/capture/snapshot.h"

/* What --keep and --switch-output need of the recorder. */
struct record_uses {
	const char *output;	/* of -o; NULL: the default */
	u32 events;		/* recorded, a bitmap */
	bool quiet;
	bool status_line;	/* one is on the terminal */
	struct session *session;
	const struct session_opts *session_opts;
	struct snapshot *tables;
	struct meta *meta;
	struct data_progress *progress;
	struct sink *sink;
	struct drain *drain;
};

struct record_files {
	int socket;		/* -1: not started */
	int pid;
};

#define FILES_SUFFIX	32	/* bytes */

/* Whether -o can name files, with a suffix each, of this option.  0, or EINVAL after error(). */
error_t record_files__check_name(const char *path, const char *option, const char *suffix);
/* Before there are threads.  0, or -1 after error(). */
int record_files__start(struct record_files *f);
/* As record_output__open_file() does: a file descriptor, or -1 after error(). */
int record_files__make(struct record_files *f, const char *path);
/*
 * The file that was made last is complete: suffix is added to its name, and of all that are, most
 * stay (0: all), the oldest is removed. 0; EEXIST: a file of this name exists; or -1 after error().
 */
int record_files__done(struct record_files *f, const char *suffix, u32 most);
/* Does not wait for its end: /bin/sh -c command, as the user who asked; path is its argument. */
void record_files__run(struct record_files *f, const char *command, const char *path);
/* Nothing was written to the file that was made last: removes it. */
void record_files__undo(struct record_files *f);
void record_files__end(struct record_files *f);

#endif
