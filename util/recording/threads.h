/* SPDX-License-Identifier: GPL-2.0 */
/* The rows of table "thread": the VMs' threads when the recording began and ended. */
#ifndef KVMW_RECORDING_THREADS_H
#define KVMW_RECORDING_THREADS_H

#include "util/array.h"
#include "util/event_desc.h"
#include "util/types.h"

#define REC_MAX_THREADS	(64 * 1024)	/* rows */

struct rec_threads {			/* all zero: empty */
	struct kvmw_thread *row;	/* as stored: all ones where unknown */
	u32 nr, room;
	u64 over_limit;			/* rows beyond REC_MAX_THREADS */
};

/* The columns that rec_threads__take() needs, for columns__read(). */
#define REC_THREAD_COLUMNS \
	"time_ns", "kind", "pid", "tid", "number", "started_ns", "comm0", "comm1", "state", "in_run", \
	"syscall", "stack", "user_ns", "system_ns", "guest_ns", "run_ns", "delay_ns", "cpu", "cpus", \
	"affinity", "policy", "rt_priority", "nice"

/* Row i of these columns.  0, or -1 out of memory (error() said so). */
int rec_threads__take(struct rec_threads *threads, u64 *const *col, u32 i);
void rec_threads__free(struct rec_threads *threads);

#define REC_COMM	17	/* bytes of a thread's name */

/* The name in two words, safe to print, in to, of REC_COMM bytes.  0, or -1 out of memory. */
int rec_comm(u64 first, u64 second, char *to);

#endif
