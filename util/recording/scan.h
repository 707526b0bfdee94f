/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads a whole recording once, for any number of consumers.  One thread reads frames
 * and collects what they say about the recording; workers decode the EVENTS frames,
 * whole columns at a time.  Each worker has its own state for every consumer; the states
 * are merged at the end.  Only a few frames are in memory at a time.
 *
 * An example of a consumer, one that counts pages made dirty:
 *
 *	static const char *const columns[] = { "gfn", "vcpu", NULL };
 *	static const struct scan_event events[] = { { KVMW_EVENT_DIRTY, columns } };
 *	const struct scan_consumer dirty = { .events = events, .nr_events = 1,
 *		.new = dirty__new, .take = dirty__take, .merge = dirty__merge,
 *		.free = dirty__free, .arg = opt };
 *
 * Workers get frames, and so the rows of a stream, in any order: a consumer that needs
 * them by time must keep what it needs, or use batch->frame->stream and ->seq.
 */
#ifndef KVMW_SCAN_H
#define KVMW_SCAN_H

#include "util/recording/columns.h"
#include "util/recording/recording.h"

#define SCAN_MAX_CONSUMERS	8

/* The rows of one frame, without those outside rec->window. */
struct scan_batch {
	const struct scan_event *event;	/* as the consumer requested it */
	const struct data_frame *frame;	/* its rows and times ignore the window */
	const struct data_event *desc;	/* as the recording describes it, never NULL */
	u32 rows;			/* 1 or more */
	u64 from_ns;			/* start of rec->window, or of the recording */
	bool has_lazy;
	/*
	 * col[i] is the column event->columns[i]; those of event->lazy follow, all
	 * ones if !has_lazy.  Signed values are sign-extended.
	 */
	u64 *const *col;
	u64 same;			/* one bit for each of event->columns that has one value */
	/* By number of a column in event->columns; NULL: nothing is known. */
	const struct data_facts *facts;
	/* one bit for each of event->coded that has codes: col[i] may not have values */
	u64 coded;
};

/* Sets the value of a row in such a column; no row of it is known before. */
static inline void scan_batch__set_row(const struct scan_batch *b, u32 column, u32 row)
{
	b->col[column][row] = b->facts[column].value[b->facts[column].code[row]];
}

/* All bits that values of a column have; maybe more, if rows were skipped. */
static inline u64 scan_batch__bits(const struct scan_batch *b, u32 column)
{
	return b->facts ? b->facts[column].bits :
	       data_bits_of(b->col[column], b->same >> column & 1 ? 1 : b->rows);
}

/* The part of a span ending at time_ns that lies before what is reported. */
static inline u64 scan_batch__before(const struct scan_batch *b, u64 time_ns, u64 span_ns)
{
	u64 inside = time_ns > b->from_ns ? time_ns - b->from_ns : 0;

	return span_ns > inside ? span_ns - inside : 0;
}

/*
 * An event that a consumer wants, and which of its columns.  Both lists end with
 * NULL.  A name that the recording lacks, and "", give a column of all ones, "not
 * captured", so the meaning of a column never depends on the recording's version.
 * Decoding is what a scan costs: request only the columns that you need.  What several
 * consumers want is decoded once; none of them may write to it.
 */
struct scan_event {
	u32 id;
	const char *const *columns;	/* always decoded; at most COLUMNS_MAX with lazy */
	/* Decoded if need_lazy() says so, given a batch of the columns above; or NULL. */
	const char *const *lazy;
	bool (*need_lazy)(const struct scan_batch *b);
	/* one bit for each of columns whose codes are enough, if it has any: batch->coded */
	u64 coded;
};

/*
 * take, merge: 0, or -1 (error() said why), which ends the scan.  take is called in worker
 * threads, each with its own state; all others in the caller's thread, merge and free at the
 * end.
 */
struct scan_consumer {
	const struct scan_event *events;
	u32 nr_events;
	void *arg;
	void *(*new)(void *arg);	/* NULL: out of memory (error() said so) */
	int (*take)(void *state, const struct scan_batch *batch);
	int (*merge)(void *to, const void *from);
	void (*free)(void *state);
	/* Whether, from what was read so far, a frame of this event is not wanted. */
	bool (*skip)(const struct recording *rec, u32 event, void *arg);
};

/*
 * Takes the reader, and closes it.  threads: 0 means one per CPU, but not more than the bytes
 * that were read are worth.
 * result[i]: the merged state of consumer[i], which the caller frees with
 * consumer[i]->free; never NULL on success, even without rows.  0, or -1: out of memory
 * or a consumer failed (error() said so), and all of result is NULL.
 * rec has what is damaged or could not be read.
 */
int scan__read(struct data_reader *r, struct recording *rec, u32 threads,
	       const struct scan_consumer *const *consumer, u32 nr, void **result);

#endif
