/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From the drain thread to the file, to the window of --keep, or to files one after another: whole
 * batches of rows, encoded and written in order by a thread of its own. Draining waits only when
 * SINK_MAX_BATCHES are queued; then the rings fill, and lost records are counted there.
 */
#ifndef KVMW_SINK_H
#define KVMW_SINK_H

#include "util/capture/guest_names.h"
#include "util/data/data.h"
#include "util/keep/series.h"
#include "util/keep/window.h"
#include "util/privacy/privacy.h"

#define SINK_MAX_BATCHES 8

enum sink_mark {
	MARK_NONE,
	MARK_MOMENT,		/* tables of a moment follow */
	MARK_HOLD, MARK_RELEASE, MARK_CUT,	/* keep_window__hold(), ... */
	MARK_SNAPSHOT,		/* to be made of what precedes */
	MARK_ENDED,		/* nothing more comes of vCPU stream */
	MARK_NEXT,		/* series__next(), with json */
	MARK_LAST,		/* series__finish() */
};

struct batch {
	struct batch *next;
	enum data_frame_type type;
	const struct event_desc *event;	/* NULL: json */
	char *json;			/* owned */
	enum sink_mark mark;		/* for a window or a series; it carries no rows then */
	struct keep_snapshot *snapshot;	/* of MARK_SNAPSHOT */
	bool aside;			/* rows for the next snapshot alone */
	bool begun;			/* totals, of events that have no record and no end */
	u32 stream;			/* of MARK_ENDED: the vCPU */
	u32 nr, size;			/* rows in it, rows it can hold */
	u8 *rows;			/* event->size apart; owned */
	/* bytes: of rows; of these, what batches before this one used */
	size_t room, touched;
};

/* To one of them, which it does not own; the others are NULL.  NULL after error(). */
struct sink *sink__new(struct data_writer *writer, struct keep_window *window,
		       struct series *series);

/*
 * One that hands each batch to take at once, in the caller's thread, instead of to a file.  take
 * returns 0, or -1: the sink fails.  NULL after error().
 */
typedef int (*sink_take)(void *arg, const struct batch *batch);
struct sink *sink__to(sink_take take, void *arg);

/* Before anything is handed over: what is hidden in all rows. */
void sink__hide(struct sink *sink, const struct privacy *privacy);
/* Likewise: to what durations of rows are rounded. 0, or -1 after error(). */
int sink__round(struct sink *sink, const struct resolution *to);
/* Likewise: which functions of the guest rows are about.  Used until sink__finish(). */
void sink__name_guest(struct sink *sink, struct guest_names *names);

/* Writes what is queued, ends the thread, frees; -1: something was not written. */
int sink__finish(struct sink *sink);

/* An empty batch of nr rows; waits for one; NULL: out of memory, or writing failed. */
struct batch *sink__batch(struct sink *sink, enum data_frame_type type,
			  const struct event_desc *event, u32 stream, u32 nr);
void sink__put(struct sink *sink, struct batch *batch);		/* hands it over */
int sink__json(struct sink *sink, enum data_frame_type type, char *json); /* takes json */
/* The total of what has begun and has no record; aside: for the next snapshot alone. 0 or -1. */
int sink__begun(struct sink *sink, bool aside, const struct kvmw_total *total);

/* For a window, after what was handed over; snapshot: of MARK_SNAPSHOT. 0 or -1. */
int sink__mark(struct sink *sink, enum sink_mark mark, struct keep_snapshot *snapshot);
int sink__ended(struct sink *sink, u32 vcpu);
/* For a series, likewise: another file, with this META, which it takes; and the end. */
int sink__next(struct sink *sink, char *meta);
int sink__last(struct sink *sink);

/* Rows of one event, in any number of batches; batch is NULL at first. */
struct sink_rows {
	struct sink *sink;
	enum data_frame_type type;
	const struct event_desc *event;
	struct batch *batch;
};
void *sink__row(struct sink_rows *rows);	/* for the next row; NULL as for sink__batch() */
void sink__end_rows(struct sink_rows *rows);

bool sink__failed(struct sink *sink);
/* Data could not be handed over: makes the recording end. */
void sink__fail(struct sink *sink);
u64 sink__bytes(struct sink *sink);	/* written so far, or kept */

#endif
