/* SPDX-License-Identifier: GPL-2.0 */
/* Where kvmw record writes to. */
#ifndef KVMW_BUILTIN_RECORD_OUTPUT_H
#define KVMW_BUILTIN_RECORD_OUTPUT_H

#include <sys/types.h>

#include "util/data/data.h"

/* All zeros at first. */
struct record_output {
	const char *path;
	bool option;		/* path is given with -o: for messages */
	bool to_stdout;
	bool kept_old;		/* an old recording was renamed */
	int dir;		/* path is name in it; 0: standard output */
	char *name, *old;	/* old: name.old */
	dev_t device;		/* of the file that was made; inode 0: none was */
	ino_t inode;
};

/*
 * Whether path, or standard output ("-"), may be written to: links are not followed, and other
 * users' files not touched.  Changes nothing.  -1: error() said why not.
 */
int record_output__check(struct record_output *out, const char *path);

/*
 * After the check: makes a new file, mode 0600, or opens a FIFO, a character device or standard
 * output.  An old recording becomes PATH.old.  Under sudo, a new file belongs to the user who asked
 * if he could have made it himself.  events: those that are captured, a bitmap of ids.
 * NULL: error() said why.
 */
struct data_writer *record_output__open(struct record_output *out, u32 events);
/* The same, nothing written yet: a file descriptor, or -1. */
int record_output__open_file(struct record_output *out);
/* Of what is written to, for messages. */
const char *record_output__name(const struct record_output *out);

/*
 * The file that was made gets a name that none has: its own, and suffix. 0; EEXIST: there is such a
 * file; or -1 after error().
 */
int record_output__rename(struct record_output *out, const char *suffix);
/* Removes what was renamed so, if it is still that file. */
void record_output__remove(const struct record_output *out, const char *suffix, dev_t device,
			   ino_t inode);

/* Nothing was recorded: removes the new file and restores the old recording. */
void record_output__undo(struct record_output *out);
void record_output__free(struct record_output *out);

#endif
