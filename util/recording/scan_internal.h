/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by scan.c, which hands out frames, and scan_frame.c, which decodes them for consumers. */
#ifndef KVMW_SCAN_INTERNAL_H
#define KVMW_SCAN_INTERNAL_H

#include <pthread.h>

#include "util/recording/scan.h"

#define MAX_WORKERS	16
#define QUEUE		(2 * MAX_WORKERS)

/* Only the reader's thread may use its tables, so a frame carries its description. */
struct work {
	struct data_frame *f;
	const struct data_event *event;
	u32 takers;		/* one bit per consumer */
	u64 from_ns;		/* start of the window, or of the recording */
	u64 start_ns;		/* of the recording */
};

struct bad_frame {
	struct data_frame f;	/* without its payload */
	const char *why;
};

struct worker {
	struct scan *scan;
	pthread_t thread;
	/* that of the frame being taken, and of the next one */
	struct data_decoder *dec, *other;
	struct columns columns, lazy;
	u8 *keep;		/* the rows of a frame that pass the filter and the window */
	u64 *ones;		/* stands for columns that were not decoded */
	u32 rows;		/* that these two have room for */
	void *state[SCAN_MAX_CONSUMERS];
	struct bad_frame *bad;
	u32 nr_bad, bad_room;
	bool failed;
};

struct scan {
	struct recording *rec;
	const struct scan_consumer *const *consumer;
	u32 nr_consumers;
	pthread_mutex_t lock;
	pthread_cond_t filled, drained;
	/* protects what the recording says about VMs, for a filter that asks */
	pthread_rwlock_t identity;
	struct work queue[QUEUE];
	u32 head, tail;		/* head - tail frames are waiting */
	size_t bytes;		/* of these, and of those that workers have */
	bool done;		/* no more will come, or no more are wanted */
	struct worker worker[MAX_WORKERS];
	u32 nr_workers, max_workers;
};

/* NULL: the consumer does not want it. */
const struct scan_event *scan__event_of(const struct scan_consumer *c, u32 id);
u32 scan__nr_names(const char *const *names);
/* nr: there is none. */
u32 scan__index_of(const char *const *names, u32 nr, const char *name);

/*
 * Decodes a frame for its takers. One that cannot be read is noted as damaged, and no consumer gets
 * it. 0, or -1 after error().
 */
int worker__take_frame(struct worker *w, const struct work *work);

#endif
