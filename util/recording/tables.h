/* SPDX-License-Identifier: GPL-2.0 */
/* Tables of a recording that are kept as they are stored: "thread", "cgroup", "host", "slot",
 * "vm_config", "vcpu_config" and "vm_memory". */
#ifndef KVMW_RECORDING_TABLES_H
#define KVMW_RECORDING_TABLES_H

#include "util/event_desc.h"
#include "util/memory.h"
#include "util/types.h"

#define REC_MAX_ROWS	(64 * 1024)	/* of each table */

struct rec_table {			/* all zero but for budget: empty */
	void *rows;			/* of the event's struct; all ones where unknown */
	u32 nr, room;
	u64 over_limit;			/* rows beyond REC_MAX_ROWS, or the budget */
	struct budget *budget;		/* or NULL */
};

/* The columns that rec_table__take() needs, for columns__read(): names has room for COLUMNS_MAX. */
void rec_table__columns(const struct event_desc *event, const char **names);
/* Row i of these columns.  0, or -1 out of memory (error() said so). */
int rec_table__take(struct rec_table *table, const struct event_desc *event, u64 *const *col,
		    u32 i);
void rec_table__free(struct rec_table *table);

static inline const struct kvmw_thread *rec_table__thread(const struct rec_table *table, u32 i)
{
	return (const struct kvmw_thread *)table->rows + i;
}

static inline const struct kvmw_cgroup *rec_table__cgroup(const struct rec_table *table, u32 i)
{
	return (const struct kvmw_cgroup *)table->rows + i;
}

static inline const struct kvmw_host *rec_table__host(const struct rec_table *table, u32 i)
{
	return (const struct kvmw_host *)table->rows + i;
}

static inline const struct kvmw_slot *rec_table__slot(const struct rec_table *table, u32 i)
{
	return (const struct kvmw_slot *)table->rows + i;
}

static inline const struct kvmw_vm_config *rec_table__vm_config(const struct rec_table *table,
								u32 i)
{
	return (const struct kvmw_vm_config *)table->rows + i;
}

static inline const struct kvmw_vcpu_config *rec_table__vcpu_config(const struct rec_table *table,
								    u32 i)
{
	return (const struct kvmw_vcpu_config *)table->rows + i;
}

static inline const struct kvmw_vm_memory *rec_table__vm_memory(const struct rec_table *table,
								u32 i)
{
	return (const struct kvmw_vm_memory *)table->rows + i;
}

#define REC_COMM	17	/* bytes of a thread's name */

/* The name in two words, safe to print, in to, of REC_COMM bytes.  0, or -1 out of memory. */
int rec_comm(u64 first, u64 second, char *to);

#endif
