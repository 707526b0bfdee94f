/* SPDX-License-Identifier: GPL-2.0 */
/* The texts of raw records, as the kernel would print them, for tracepoint.c. */
#ifndef KVMW_TRACEPOINT_TEXT_H
#define KVMW_TRACEPOINT_TEXT_H

#include "util/recording/recording.h"

struct tracepoint_printer;

/*
 * NULL: out of memory, said so. It starts a child when the first text is wanted, and may be in
 * SANDBOX_READ_FORK by then.
 */
struct tracepoint_printer *tracepoint_printer__new(void);
void tracepoint_printer__free(struct tracepoint_printer *p);

/*
 * Gives the tracepoint a number, below REC_MAX_TRACEPOINTS and not yet taken. 0, also if its
 * format is one that is not followed; -1 out of memory.
 */
int tracepoint_printer__take(struct tracepoint_printer *p, u32 number,
			     const struct rec_tracepoint *from);

/* See tracepoint__text(); size is at most TRACEPOINT_BYTES. */
const char *tracepoint_printer__text(struct tracepoint_printer *p, u32 number, const u8 *record,
				     u32 size);

#endif
