/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads a whole recording, once, for any number of consumers: one thread reads
 * frames and takes in what they say of the recording, workers decode the EVENTS
 * frames, whole columns at a time.  Each worker has a state of its own for every
 * consumer; these are merged at the end.  A few frames are in memory at a time.
 *
 * A consumer, for example one that counts pages made dirty:
 *
 *	static const char *const columns[] = { "gfn", "vcpu", NULL };
 *	static const struct scan_event events[] = { { KVMW_EVENT_DIRTY, columns } };
 *	const struct scan_consumer dirty = { .events = events, .nr_events = 1,
 *		.new = dirty__new, .take = dirty__take, .merge = dirty__merge,
 *		.free = dirty__free, .arg = opt };
 *
 * Frames come to the workers in any order, and so do the rows of a stream: what
 * needs them by time has to keep what it needs, or batch->frame->stream and ->seq.
 */
#ifndef KVMW_SCAN_H
#define KVMW_SCAN_H

#include "util/recording/columns.h"
#include "util/recording/recording.h"

#define SCAN_MAX_CONSUMERS	8

/* The rows of one frame, without those outside rec->window. */
struct scan_batch {
	const struct scan_event *event;	/* as the consumer requested it */
	const struct data_frame *frame;	/* its rows, times: of all rows, the window ignored */
	const struct data_event *desc;	/* as the recording describes it, never NULL */
	u32 rows;			/* 1 or more */
	u64 from_ns;			/* begin of rec->window, or of the recording */
	bool has_lazy;
	/*
	 * col[i] is the column of event->columns[i]; behind them come those of
	 * event->lazy, all ones where !has_lazy.  Signed values are sign-extended.
	 */
	u64 *const *col;
};

/* What of a span that ended at time_ns lay before all that the report is of. */
static inline u64 scan_batch__before(const struct scan_batch *b, u64 time_ns, u64 span_ns)
{
	u64 inside = time_ns > b->from_ns ? time_ns - b->from_ns : 0;

	return span_ns > inside ? span_ns - inside : 0;
}

/*
 * An event that a consumer wants, and which of its columns.  Both lists end with
 * NULL; a name which the recording lacks, and "", give a column of all ones, "not
 * captured", so what a column holds never depends on the recording's version.
 * The cost of a scan is decoding: request only the columns that you need.
 */
struct scan_event {
	u32 id;
	const char *const *columns;	/* decoded of each frame; COLUMNS_MAX with lazy */
	/* Decoded too where need_lazy says so of columns (before the window); or NULL. */
	const char *const *lazy;
	bool (*need_lazy)(u64 *const *col, u32 rows);
};

/*
 * take, merge: 0, or -1 (error() said why), which ends the scan.  All but skip are
 * called in worker threads, each with a state of its own; merge and free at the end, by
 * the caller's thread.
 */
struct scan_consumer {
	const struct scan_event *events;
	u32 nr_events;
	void *arg;
	void *(*new)(void *arg);	/* NULL: out of memory (error() said so) */
	int (*take)(void *state, const struct scan_batch *batch);
	int (*merge)(void *to, const void *from);
	void (*free)(void *state);
	/* Whether a frame of this event is not wanted after all, by what was read so far. */
	bool (*skip)(const struct recording *rec, u32 event, void *arg);
};

/*
 * Takes the reader (and closes it).  threads: 0 for as many as there are CPUs.
 * result[i]: the merged state of consumer[i], the caller's to free with
 * consumer[i]->free; there even if no row was.  0, or -1: out of memory, or a consumer
 * failed (error() said so), and all of result is NULL.
 * What is damaged, or could not be read, is in rec.
 */
int scan__read(struct data_reader *r, struct recording *rec, u32 threads,
	       const struct scan_consumer *const *consumer, u32 nr, void **result);

#endif
