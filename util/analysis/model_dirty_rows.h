/* SPDX-License-Identifier: GPL-2.0 */
/* What the scan of dirty pages hands to the model; for these two alone. */
#ifndef KVMW_MODEL_DIRTY_ROWS_H
#define KVMW_MODEL_DIRTY_ROWS_H

#include "util/analysis/model_dirty.h"

#define DIRTY_NO_PAGE	UINT32_MAX

enum dirty_class { DIRTY_LOGGED, DIRTY_UNLOGGED, DIRTY_UNKNOWN };

/* Marks of one page by one vCPU; of the classes but DIRTY_LOGGED, all of one vCPU. */
struct dirty_entry {
	u64 gfn, marks;
	u32 vcpu, slot;
	u32 class;
	u32 vm;			/* set by the model */
};

struct dirty_mark {
	u64 time_ns;
	u32 entry;		/* for the model also: number of its page */
	u32 unused;
};

/* A row of a memory slot. */
struct dirty_slot {
	u64 time_ns, gpa, size, hva;
	u32 vcpu, slot;
};

struct dirty_rows {		/* all zero but for the limits: empty */
	struct dirty_model model;
	u32 max_entries, max_marks;
	struct dirty_entry *entry;
	u32 nr, room;
	u32 *index;		/* into entry plus 1, 0: free; a power of two */
	u32 nr_index;
	struct dirty_mark *mark;
	u32 nr_marks, room_marks;
	struct dirty_slot *slot;
	u32 nr_slots, room_slots;
	u64 no_page, no_time;	/* marks beyond the limits */
};

/* The scan's. */
extern const struct scan_event dirty_rows_events[2];
void *dirty_rows__new(void *arg);
int dirty_rows__take(void *state, const struct scan_batch *b);
int dirty_rows__merge(void *to, const void *from);
void dirty_rows__free(void *state);

#endif
