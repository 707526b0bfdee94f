/* SPDX-License-Identifier: GPL-2.0 */
/* Sums of what is counted in pieces of time: totals, who had the CPU, who took memory. */
#ifndef KVMW_KEEP_SUMS_H
#define KVMW_KEEP_SUMS_H

#include "util/event_desc.h"
#include "util/hash_table.h"
#include "util/keep/identity.h"

struct keep_sums {
	struct hash_table totals, holders, takens;
	u32 nr_holders;		/* so far: each has a place of its own */
};

void keep_sums__init(struct keep_sums *s, struct budget *budget);
void keep_sums__free(struct keep_sums *s);

/* A row of one of these tables, its struct.  0, or -1 out of memory. */
int keep_sums__add(struct keep_sums *s, u32 event, const void *row);
/* Of a table: *nr structs; free() them.  NULL after error(). */
void *keep_sums__rows(const struct keep_sums *s, u32 event, u32 *nr);
/* Likewise, those that changed since they were taken last. */
void *keep_sums__take_changed(struct keep_sums *s, u32 event, u32 *nr);
/* Forgets those of vCPUs that have ended. */
void keep_sums__forget(struct keep_sums *s, const struct identity *identity);

#endif
