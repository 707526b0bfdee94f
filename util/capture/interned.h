/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Texts and stacks to which rows of snapshots refer, each sent once, in an IDENT frame, or once
 * until they are renewed: rows have fields of one size, and most of these texts are the same for
 * many threads.
 */
#ifndef KVMW_INTERNED_H
#define KVMW_INTERNED_H

#include "util/capture/sink.h"

#define INTERNED_NONE	(~0U)
#define INTERNED_STACKS	IDENTITY_MOMENTS_STACKS		/* ids of stacks */

struct interned_list {
	char **text;		/* of a stack: its functions, a line each */
	u32 nr, room, sent;
	u32 past;		/* ids that are used no more */
};

struct interned {		/* all zero: empty */
	struct interned_list texts, stacks;
	bool no_stacks;		/* none is recorded */
};

/*
 * *id: that of the text, or of the stack, as text; INTERNED_NONE of an empty one, and where there
 * are too many. 0, or -1: out of memory (error() said so).
 */
int interned__text(struct interned *names, const char *text, u32 *id);
int interned__stack(struct interned *names, const char *functions, u32 *id);

/*
 * Forgets all; from now on each has another id, and is sent again. Their number would grow with the
 * load average.
 */
void interned__renew(struct interned *names);

/* Sends those that were not sent yet. 0 or -1. */
int interned__send(struct interned *names, struct sink *sink);
void interned__free(struct interned *names);

#endif
