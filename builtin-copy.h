/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by commands that make a recording from others. */
#ifndef KVMW_BUILTIN_COPY_H
#define KVMW_BUILTIN_COPY_H

#include "builtin-common.h"
#include "builtin-record-output.h"

#define NO_COPY	3	/* beside KVMW_OK and KVMW_FAILED */

/* 0, or -1: both are the same file (error() said so). */
int copy__check(const char *in, const char *out);

/*
 * What a recording says about itself: all of its frames, from offset *first on, to
 * go back to it. *all: none of them could not be read. 0, or -1 after error().
 */
int copy__read(struct recording *rec, struct data_reader *r, u64 *first, bool *all);

/* Of --memory, half: for what is made of what was read, which has less. */
struct budget copy__budget(const struct common_args *args);
/* Once it was used: what ran out of it, which out_of_memory() has told, may have more. */
void copy__complain_of(const struct budget *budget);

/*
 * A child copies, which can no longer open, rename or remove anything; its parent, which has read
 * nothing but files' headers, then removes what is not to be kept. copy() returns the exit status,
 * KVMW_FAILED if it is not the whole of a recording, or NO_COPY: nothing to be
 * kept; so does copy__run().
 */
int copy__run(const struct common_args *args, struct record_output *out,
	      int (*copy)(void *arg, int fd, const char *name), void *arg);

#endif
