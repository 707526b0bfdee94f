/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The events of a recording in order of time, over all streams.
 *
 * Neither frames nor the rows of a frame are in that order, because a row is recorded
 * when what it describes is over.  So there are two ways to read:
 *
 * - A file is read twice.  The first pass notes where each frame lies and the time of
 *   its first row; if there are very many frames, neighbours are noted as one.  Then each
 *   frame is read again when its first row's turn comes.  The order is exact.  Rows of
 *   frames that overlap in time are held in memory, up to a quarter of the recording's budget
 *   or TIMELINE_BYTES; what does not fit is decoded again when its turn comes.  So many large
 *   overlapping frames cost time, not memory; and if that would be too much, their rows are
 *   delivered out of order, and counted.
 *
 * - A pipe, or a file that is followed while being written, is read once.  A row is held
 *   until rows TIMELINE_DELAY_NS younger arrive (the recorder writes at least once a
 *   second), or for that long if nothing arrives, or until as many bytes are held.  A
 *   row that arrives later than that is delivered late, out of order.
 */
#ifndef KVMW_TIMELINE_H
#define KVMW_TIMELINE_H

#include "util/recording/recording.h"
#include "util/recording/slice.h"

#define TIMELINE_BYTES		(256u << 20)
#define TIMELINE_DELAY_NS	(1500 * 1000000ULL)
#define TIMELINE_ENTRIES	(1u << 20)	/* places noted in a file */
#define TIMELINE_OVERLAP	(4u << 20)	/* frames that may overlap in time, at most */

struct timeline {
	struct recording *rec;	/* its window selects rows */
	size_t max_bytes;	/* 0: TIMELINE_BYTES */
	u32 max_entries;	/* 0: TIMELINE_ENTRIES */
	u64 max_work;		/* 0: WORK_FREE, see timeline.c */
	bool stream;		/* read once, even if it is a file */
	void *ctx;
	/*
	 * Whether the rows of an EVENTS frame are wanted: 1, 0, or -1 to stop.  Asked once or
	 * twice for each frame, in the order of the file; what the recording says about
	 * itself before that frame is in rec.
	 */
	int (*wants)(void *ctx, const struct data_reader *r, const struct data_frame *f);
	/* Called with the next rows, [from, to) of a slice, which may be held. 0; 1: enough; -1. */
	int (*rows)(void *ctx, struct slice *s, u32 from, u32 to);
	/* Called when no more rows are known for now; or NULL. Returns as rows(). */
	int (*pause)(void *ctx);
};

/*
 * Reads all of r, which the caller closes.  0; 1: rows() or pause() had enough; -1: out
 * of memory, or stopped (error() said so).  t->rec has what is damaged or could not be
 * read.
 */
int timeline__read(const struct timeline *t, struct data_reader *r);

#endif
