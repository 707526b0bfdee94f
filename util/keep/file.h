/* SPDX-License-Identifier: GPL-2.0 */
/* What file.c and file_sums.c share; for them alone. */
#ifndef KVMW_KEEP_FILE_H
#define KVMW_KEEP_FILE_H

#include "util/data/format.h"
#include "util/keep/sums.h"
#include "util/keep/window.h"

/* A snapshot while it is written. */
struct file {
	struct keep_snapshot *s;
	struct data_encoder *encoder;
	struct data_buf frame;
	/* file_sums.c */
	struct data_decoder *decoder;
	struct schema schema;
	struct keep_sums sums;
	u64 *column[DATA_MAX_FIELDS];
	u32 nr_columns, room;		/* rows of column[] */
};

/* Rows of a table, in any number of frames.  0, or -1 after error(). */
int file__put_rows(struct file *f, u32 event, const void *rows, u32 nr);

/* The sums of the seconds in KEEP_SUMS entries, added up, into the file. 0, or -1: error(). */
int file_sums__begin(struct file *f);
int file_sums__add(struct file *f, const struct keep_entry *e);
int file_sums__put(struct file *f);
void file_sums__free(struct file *f);

#endif
