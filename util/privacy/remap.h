/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Made-up addresses and names, always the same one for the same real one.
 *
 * The key is random and exists only in memory: once it is freed, the only way to find the real one
 * behind a made-up one is what the recording says about both.
 */
#ifndef KVMW_REMAP_H
#define KVMW_REMAP_H

#include "util/types.h"

/* Addresses of different spaces have nothing to do with each other. */
enum remap_space {
	REMAP_GUEST_VIRTUAL,
	REMAP_GUEST_PHYSICAL,
	REMAP_HOST_VIRTUAL,
	REMAP_HOST_PHYSICAL
};

struct remap;

/* With a random key. NULL after error(). */
struct remap *remap__new(void);
void remap__free(struct remap *r);

/*
 * One to one.  Blocks of 2 MiB change places within their half of the address space, and those of a
 * virtual one their 4 KiB pages within: offsets within a page, and which pages share a block, stay.
 * All ones stay all ones, and what is no secret stays: the first and the last block, and those of
 * the platform's devices.
 */
u64 remap__address(struct remap *r, enum remap_space space, u64 address);
/* The same of the number of a page. */
u64 remap__frame(struct remap *r, enum remap_space space, u64 frame);

#define REMAP_NAME	24	/* bytes; without its end it fits into the 15 of a thread's name */

/* "name-0123abcd" into buf, of REMAP_NAME; nothing if text is empty. Returns buf. */
const char *remap__name(const struct remap *r, const char *text, size_t len, char *buf);

#endif
