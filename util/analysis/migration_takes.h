/* SPDX-License-Identifier: GPL-2.0 */
/* When the VMM took the dirty log, inferred from the marks. */
#ifndef KVMW_MIGRATION_TAKES_H
#define KVMW_MIGRATION_TAKES_H

#include "util/memory.h"

struct dirty_mark;

/* A VMM need not take it for all memory at once. QEMU takes it for 1 GiB before it sends that. */
#define LOG_PIECE_SHIFT	18	/* pages */
#define LOG_PIECES_MAX	4096	/* of more, neighbours are taken for one */

struct log_take {
	u64 time_ns;
	u32 piece, unused;
};

struct log_takes {		/* budget and pieces are the caller's */
	struct budget *budget;
	u32 pieces;
	struct log_take *take;	/* by piece and time */
	u32 nr, room;
	u32 *first;		/* of each piece, and of one more */
	u64 usual_ns;		/* median time from one to the next; KVMW_NONE: unknown */
};

/* marks: by time; entry: the number of the page, below pages. 0, or -1: out of memory (said so). */
int log_takes__find(struct log_takes *t, const struct dirty_mark *marks, u64 nr, u64 pages,
		    u32 vcpus);

/*
 * How long ago a piece was taken, in a recording that begins again after span_ns. 0 if it is twice
 * as long as usual, or more: nothing was written then, so that no take shows.
 */
u64 log_takes__since(const struct log_takes *t, u32 piece, u64 time_ns, u64 span_ns);

void log_takes__free(struct log_takes *t);

#endif
