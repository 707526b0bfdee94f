/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The events of a recording in the order of their time, over all streams.
 *
 * Frames are not in that order, and neither are the rows of a frame: a row is recorded
 * when what it tells of is over.  So there are two ways to read:
 *
 * - a file is read twice.  First all of it, which tells where each frame lies and when
 *   its first row was; of very many frames, neighbours are remembered as one.  Then each
 *   frame is read again when its first row's turn comes.  The order is exact.  Rows
 *   of frames that overlap in time are held in memory, up to TIMELINE_BYTES; what does not
 *   fit is decoded again when its turn comes: many large frames at one time cost time,
 *   not memory.
 *
 * - a pipe, or a file that is still being written and followed, is read once.  A row is
 *   held until rows TIMELINE_DELAY_NS younger have come (the recorder writes at least
 *   once a second), or for that long when nothing comes, or until TIMELINE_BYTES are
 *   held.  A row which took longer than that to come is given late, out of order.
 */
#ifndef KVMW_TIMELINE_H
#define KVMW_TIMELINE_H

#include "util/recording/recording.h"
#include "util/recording/slice.h"

#define TIMELINE_BYTES		(256u << 20)
#define TIMELINE_DELAY_NS	(1500 * 1000000ULL)
#define TIMELINE_ENTRIES	(1u << 20)	/* places remembered of a file */
#define TIMELINE_OVERLAP	(4u << 20)	/* frames that overlap at one time, at most */

struct timeline {
	struct recording *rec;	/* its window leaves rows out */
	size_t max_bytes;	/* 0: TIMELINE_BYTES */
	u32 max_entries;	/* 0: TIMELINE_ENTRIES */
	bool stream;		/* read once, even if it is a file */
	void *ctx;
	/*
	 * Whether the rows of an EVENTS frame are wanted: 1, 0, or -1 to stop.  Asked once or
	 * twice for each frame, in the order of the file; what the recording says about
	 * itself before that frame is in rec.
	 */
	int (*wants)(void *ctx, const struct data_reader *r, const struct data_frame *f);
	/* Rows [from, to) of a slice come next. 0; 1: enough; -1: stop. */
	int (*rows)(void *ctx, const struct slice *s, u32 from, u32 to);
	/* NULL, or: nothing more is known at the moment. As rows(). */
	int (*pause)(void *ctx);
};

/*
 * Reads all of r; the caller closes it.  0; 1: rows() or pause() had enough; -1: out of
 * memory, or stopped (said so).  What is damaged, or could not be read, is in t->rec.
 */
int timeline__read(const struct timeline *t, struct data_reader *r);

#endif
