/* SPDX-License-Identifier: GPL-2.0 */
/* The columns of one frame, read by name into buffers that are reused. */
#ifndef KVMW_COLUMNS_H
#define KVMW_COLUMNS_H

#include "util/data/data.h"

#define COLUMNS_MAX	64	/* bits of a word */

struct columns {		/* all zero: nothing allocated yet */
	u64 *col[COLUMNS_MAX];
	u64 same;		/* one bit for each column that has one value in all rows */
	/* of columns__read(); valid until the decoder's next frame */
	struct data_facts facts[COLUMNS_MAX];
	/* this, and of how many rows: what is there already is not filled in again */
	u64 value[COLUMNS_MAX];
	u32 filled[COLUMNS_MAX];
	/* one bit for each column of the next read that is not filled in if it has codes */
	u64 coded;
	u32 nr;			/* columns allocated */
	u32 rows;		/* that each has room for */
};

/*
 * Decodes the named columns (a NULL-terminated list) of a frame into c->col, in that order.
 * If all rows of a column have one value, whoever writes to it must keep it so.
 * event is the recording's description of it, or NULL.  A column that the recording lacks is
 * filled with all ones.
 * 0; 1: damaged, *why says how; -1: out of memory (error() said so).
 */
int columns__read(struct columns *c, struct data_decoder *dec, const struct data_event *event,
		  const struct data_frame *f, const char *const *names, const char **why);
/* The same of rows that are structs of event, as the recorder has them.  0, or -1 out of memory. */
int columns__of_rows(struct columns *c, const struct event_desc *event, const void *rows, u32 nr,
		     const char *const *names);
void columns__free(struct columns *c);

#endif
