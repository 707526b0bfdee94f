/* SPDX-License-Identifier: GPL-2.0 */
/* The rows of table "taken": sums of the memory that the host took from VMs. */
#ifndef KVMW_RECORDING_TAKEN_H
#define KVMW_RECORDING_TAKEN_H

#include "util/hash_table.h"
#include "util/recording/tables.h"

#define REC_MAX_TAKEN	4096

struct rec_taken {
	struct { u32 place; } key;
	u32 kind;		/* KVMW_taken_*, or a newer one */
	u32 pid, tid, tgid;	/* all ones: others */
	u64 cause, syscall;	/* KVMW_NONE: none, or unknown */
	u64 count, bytes;
	u64 guest_count, guest_bytes;	/* KVMW_NONE: unknown */
	char comm[REC_COMM];	/* safe to print */
};

struct rec_takens {			/* all zero: empty */
	struct hash_table table;	/* of struct rec_taken; the last of each place */
	u64 over_limit;			/* rows beyond REC_MAX_TAKEN places */
};

/* The columns that rec_takens__take() needs, for columns__read(). */
#define REC_TAKEN_COLUMNS \
	"place", "kind", "pid", "tid", "tgid", "comm0", "comm1", "cause", "syscall", "count", \
	"bytes", "guest_count", "guest_bytes"

/* Row i of these columns.  0, or -1 out of memory (error() said so). */
int rec_takens__take(struct rec_takens *takens, u64 *const *col, u32 i);
void rec_takens__free(struct rec_takens *takens);

static inline const struct rec_taken *rec_takens__at(const struct rec_takens *takens, u32 i)
{
	return hash_table__at(&takens->table, i);
}

#endif
