/* SPDX-License-Identifier: GPL-2.0 */
/* The columns of one frame, asked for by name: room for them is kept and used again. */
#ifndef KVMW_COLUMNS_H
#define KVMW_COLUMNS_H

#include "util/data/data.h"

#define COLUMNS_MAX	64

struct columns {		/* all zero: no room yet */
	u64 *col[COLUMNS_MAX];
	u32 nr;			/* columns which there is room for */
};

/*
 * Decodes the named columns (NULL-terminated list) of a frame into c->col, in
 * that order; event is how the recording describes it, NULL if not; one that the recording does not have comes out as all ones.
 * 0; 1: damaged, *why says what; -1: out of memory (error() said so).
 */
int columns__read(struct columns *c, struct data_decoder *dec, const struct data_event *event,
		  const struct data_frame *f, const char *const *names, const char **why);
void columns__free(struct columns *c);

#endif
