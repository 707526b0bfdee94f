/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A queue of byte strings in one piece of memory, allocated at the start, that never grows:
 * the oldest make room for the newest.  One thread adds and drops.
 */
#ifndef KVMW_KEEP_RING_H
#define KVMW_KEEP_RING_H

#include <stddef.h>

#include "util/types.h"

/* One string; the next one follows. */
struct keep_entry {
	u32 bytes;		/* of the entry with this head */
	u32 what;		/* the caller's; 0: a gap, at the end of the memory */
	u32 len;		/* of data */
	u32 number;		/* of the moment, or of the snapshot that it belongs to; or 0 */
	u8 data[];		/* at a multiple of 16 */
};

struct keep_ring {
	u8 *memory;
	u64 size;		/* bytes */
	/* Positions that only grow; in the memory at their remainder. */
	u64 oldest, end;
};

/* Allocates all of the memory, locked if that is allowed.  0, or -1 after error(). */
int keep_ring__init(struct keep_ring *r, u64 bytes);
void keep_ring__free(struct keep_ring *r);

/* The entry at a position from oldest on, before end. */
struct keep_entry *keep_ring__at(const struct keep_ring *r, u64 at);

/* How many bytes at its beginning have to be dropped first; all ones: more than it has. */
u64 keep_ring__lacks(const struct keep_ring *r, u32 len);
/* Adds an entry for which there is room. */
void keep_ring__add(struct keep_ring *r, u32 what, u32 number, const void *data, u32 len);
/* Drops the oldest one. */
void keep_ring__drop(struct keep_ring *r);

#endif
