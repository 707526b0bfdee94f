/* SPDX-License-Identifier: GPL-2.0 */
/* The rows of table "holder": the threads that had the CPUs that vCPUs waited for. */
#ifndef KVMW_RECORDING_HOLDERS_H
#define KVMW_RECORDING_HOLDERS_H

#include "util/hash_table.h"
#include "util/recording/tables.h"

#define REC_MAX_HOLDERS	(128 * 1024)

struct rec_holder {
	struct { u32 vcpu, place; } key;	/* of the vCPU that waited */
	u32 kind;			/* KVMW_holder_*, or a newer one */
	u32 tid, pid, number;		/* all ones: none, or unknown */
	u64 turns, time_ns;
	char comm[REC_COMM];		/* safe to print */
};

struct rec_holders {			/* all zero: empty */
	struct hash_table table;	/* of struct rec_holder; the last of each key */
	u64 over_limit;			/* rows beyond REC_MAX_HOLDERS keys */
};

/* The columns that rec_holders__take() needs, for columns__read(). */
#define REC_HOLDER_COLUMNS \
	"vcpu", "place", "kind", "tid", "pid", "number", "comm0", "comm1", "turns", "time_ns"

/* Row i of these columns.  0, or -1 out of memory (error() said so). */
int rec_holders__take(struct rec_holders *holders, u64 *const *col, u32 i);
void rec_holders__free(struct rec_holders *holders);

static inline const struct rec_holder *rec_holders__at(const struct rec_holders *holders, u32 i)
{
	return hash_table__at(&holders->table, i);
}

#endif
