/* SPDX-License-Identifier: GPL-2.0 */
/* Where kvmw record writes to. */
#ifndef KVMW_BUILTIN_RECORD_OUTPUT_H
#define KVMW_BUILTIN_RECORD_OUTPUT_H

#include "util/data/data.h"

struct record_output {
	const char *path;
	bool to_stdout;
	bool kept_old;		/* an old recording was renamed */
};

/*
 * Opens a new file, mode 0600, or standard output ("-"). An old recording becomes PATH.old. Under
 * sudo, a new file belongs to the user who asked if he could have made it himself.
 * events: those that are captured, a bitmap of ids.  NULL: error() said why.
 */
struct data_writer *record_output__open(struct record_output *out, const char *path, u32 events);

/* Nothing was recorded: removes the empty file and restores the old recording. */
void record_output__undo(const struct record_output *out);

#endif
