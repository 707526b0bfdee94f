/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Exact totals of a window.
 *
 * The kernel counts from the start of the recording, and goes on while its counts are read: what it
 * counted until then is partly in rows that come later.  So the totals of a second are
 *
 *	the sums of its rows  +  what was counted and has no record: lost, or filtered
 *
 * and the latter is the difference of two readings, less the rows between them. A reading is at the
 * row of its key where the number of rows equals the records that it counted. If nothing was lost
 * or filtered, the rows are all there is, and readings do not matter.
 */
#ifndef KVMW_KEEP_ACCOUNT_H
#define KVMW_KEEP_ACCOUNT_H

#include "util/event_desc.h"
#include "util/keep/identity.h"

struct account {
	struct hash_table keys;
	bool aside;		/* what comes is counted, but in no second */
};

void account__init(struct account *a);
void account__free(struct account *a);

/* Rows of a captured event, event->size apart.  0, or -1 out of memory. */
int account__rows(struct account *a, const struct event_desc *event, const u8 *rows, u32 nr);
/* The same of columns: those of account__needs(). */
int account__columns(struct account *a, const struct event_desc *event, u64 *const *col, u32 nr);
bool account__needs(const struct event_desc *event, u32 field);
/* An event that has no record, and no end yet.  0, or -1 out of memory. */
int account__begun(struct account *a, const struct kvmw_total *row);
/* What the kernel has counted, as rows of total: those that changed.  0, or -1 out of memory. */
int account__counted(struct account *a, const struct kvmw_total *rows, u32 nr);

/*
 * Ends a second: hands its totals to take(), one by one.  0, or -1 if that failed.
 */
int account__end(struct account *a, int (*take)(void *arg, const struct kvmw_total *row),
		 void *arg);
/* Forgets the keys of vCPUs that send nothing more. */
void account__forget(struct account *a, const struct identity *identity);
/* Its rows are not kept. */
void account__restart(struct account *a);

/* Sums of totals: those of seconds become those of a window. */
void account__add(struct kvmw_total *to, const struct kvmw_total *from);

#endif
