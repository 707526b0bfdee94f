/* SPDX-License-Identifier: GPL-2.0 */
/* The memory slots of a recording, from its memslot events. */
#ifndef KVMW_MEMSLOTS_H
#define KVMW_MEMSLOTS_H

#include "util/hash_table.h"
#include "util/recording/columns.h"

#define MEMSLOTS_MAX	(32 * 1024)	/* KVM's limit per VM */

struct memslot {
	/* vcpu is that of the thread that set it: which VM that is, is known only at the end. */
	struct { u32 vcpu, slot; u64 gpa, size; } key;	/* slot: address space << 16 | number */
	u64 time_ns;		/* when it was last set */
	u64 hva;		/* as of then; KVMW_NONE: unknown */
};

struct recording;

struct memslots {
	struct hash_table table;	/* of struct memslot */
	u64 over_limit;		/* rows beyond MEMSLOTS_MAX slots */
};

/* The columns of event memslot that memslots__take() reads, NULL-terminated. */
extern const char *const memslot_columns[];
#define MEMSLOT_TIME	0	/* index of time_ns */

/* 0, or -1 out of memory. */
int memslots__take(struct memslots *m, u64 *const *col, u32 row);
/* Those that were there when the recording began: all rows are taken. 0, or -1 out of memory. */
int memslots__take_first(struct recording *rec);
void memslots__free(struct memslots *m);

/*
 * The slot of a VM that covers most of [gpa, gpa + size).  If several do, the one in the
 * lower address space (1 is that of system management mode), then the last one set.
 * NULL: none.
 */
const struct memslot *memslots__find(const struct recording *rec, u32 vm, u64 gpa, u64 size);

#endif
