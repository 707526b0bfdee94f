/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A recording in a series of files, each of which is a recording by itself.
 *
 * It is fed as a file is written, in order, by one thread, and passes on what comes. What a file
 * has the last word of, totals and identities, is kept as well: totals as what they grew by in this
 * file, identities to begin the next one with. A row is in the file that is open when it comes, and
 * counted there: no two files have the same, and their sum is what one file would have.
 */
#ifndef KVMW_KEEP_SERIES_H
#define KVMW_KEEP_SERIES_H

#include "util/data/data.h"
#include "util/keep/account.h"
#include "util/keep/deltas.h"
#include "util/keep/identity.h"
#include "util/keep/sums.h"

#define SERIES_STOP "next file"	/* the reason why a file ended that is not the last */

/* One that is complete. */
struct series_file {
	u32 number;		/* from 1 */
	bool last;
	u64 begin_ns, end_ns;
	u64 events, lost, bytes;
};

/* The owner of the files; called by the thread that feeds the series.  0, or -1 after error(). */
struct series_files {
	int (*make)(void *arg);	/* a new file: its descriptor */
	/* closed; the next one is made after it */
	int (*done)(void *arg, const struct series_file *file);
	void *arg;
	const char *path;	/* of the file being written, for messages */
	u32 events;		/* that are recorded, a bitmap */
};

struct series {
	const struct series_files *files;
	struct data_writer *writer;	/* NULL: there is none, after an error */
	struct data_progress *progress;	/* or NULL */
	struct data_buf frame;
	struct account account;
	struct deltas deltas;
	struct identity identity;
	struct keep_sums sums;		/* of this file */
	struct series_file file;
	struct kvmw_cost begin, cost;	/* when the file began, and now */
	u64 sums_ns;			/* when sums are written next, if some have no rows */
	bool due;			/* there are such */
	u32 nr_ended;			/* vCPUs since sums were written last */
	u64 before_bytes;		/* of the files before */
	u64 grown;			/* bytes of this one after what it began with; atomic */
};

/* Makes the first file.  0, or -1 after error(). */
int series__open(struct series *s, const struct series_files *files);
/* From now on, also for the files that follow. */
void series__watch(struct series *s, struct data_progress *progress);
/* When the recording starts, before anything is added. */
void series__start(struct series *s, u64 start_ns);

/* As data_encoder__rows() takes them.  0, or -1 after error(), as all of these. */
int series__rows(struct series *s, struct data_encoder *enc, enum data_frame_type type,
		 const struct event_desc *event, u32 stream, void *rows, u32 nr);
/* An event that is counted and has no record, and no end yet, as one of total. */
int series__begun(struct series *s, const struct kvmw_total *row);
int series__json(struct series *s, struct data_encoder *enc, enum data_frame_type type,
		 const char *json);
/* Nothing more comes of a vCPU. */
void series__ended(struct series *s, u32 vcpu);

/* After a row of cost: the file ends with it, and another one begins, with the text of META. */
int series__next(struct series *s, struct data_encoder *enc, const char *meta);
/* After all that ever comes. */
int series__finish(struct series *s, struct data_encoder *enc);

u64 series__bytes(const struct series *s);	/* of all files */
u64 series__grown(const struct series *s);	/* any thread may ask */
void series__close(struct series *s);

#endif
