/* SPDX-License-Identifier: GPL-2.0 */
/* What the scan of dirty pages hands to the model; for these two alone. */
#ifndef KVMW_MODEL_DIRTY_ROWS_H
#define KVMW_MODEL_DIRTY_ROWS_H

#include "util/analysis/model_dirty.h"
#include "util/analysis/span_table.h"

#define DIRTY_NO_PAGE	UINT32_MAX

/* Marks of one page by one vCPU, of a slot with dirty logging on. */
struct dirty_entry {
	struct {
		u64 gfn;
		u32 vcpu, slot;
	} key;
	u64 marks;
	u32 vm, piece;		/* set by the model; piece: of the log, LOG_PIECE_SHIFT */
};

/* Other marks of a vCPU: dirty logging was off, or it is unknown whether, or the page is. */
struct dirty_other {
	struct { u32 vcpu, unlogged; } key;
	struct span_sum sum;
};

struct dirty_mark {
	u64 time_ns;
	u32 entry;		/* for the model also: number of its page */
	u32 piece;		/* for the model */
};

/* A row of a memory slot. */
struct dirty_slot {
	u64 time_ns, gpa, size, hva;
	u32 vcpu, slot;
};

struct dirty_rows {
	struct dirty_model model;
	struct budget *budget;
	u32 max_entries, max_marks;
	struct hash_table pages;	/* of dirty_entry */
	struct span_table others;
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
