/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the user says a VM has at an address: regions of memory and of I/O ports, read from a
 * file (--regions).  They may overlap: the narrowest one at an address counts, of equals the last.
 */
#ifndef KVMW_REGIONS_H
#define KVMW_REGIONS_H

#include "util/types.h"

#define REGIONS_MAX		(1u << 20)	/* in all */
#define REGION_NAME_MAX		64		/* characters; longer names are cut */

enum region_space { REGION_MEMORY, REGION_PORTS, NR_REGION_SPACES };

struct region {
	u64 from, to;		/* both included */
	char *name;		/* safe on a terminal */
	bool of_qemu;		/* the name is QEMU's, not the user's */
};

struct regions;

/*
 * The text of QEMU's info mtree -f, or lines FROM-TO NAME; kvmw-report(1) describes both.
 * NULL: the file cannot be read, or a line is neither (error() said which).
 */
struct regions *regions__read(const char *path);
void regions__free(struct regions *r);

/* The region at an address; NULL: none. */
const struct region *regions__find(const struct regions *r, enum region_space space, u64 address);

/*
 * For regions__read(): adds a region, whose name is copied; then, once all are there, prepares
 * the look-ups. 0, or -1: out of memory, or too many (error() said so).
 */
struct regions *regions__new(void);
int regions__add(struct regions *r, enum region_space space, u64 from, u64 to, const char *name,
		 bool of_qemu);
int regions__prepare(struct regions *r);
u32 regions__number(const struct regions *r);

#endif
