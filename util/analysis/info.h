/* SPDX-License-Identifier: GPL-2.0 */
/* The model of `kvmw info`: what a recording consists of. */
#ifndef KVMW_INFO_H
#define KVMW_INFO_H

#include "util/analysis/host_facts.h"
#include "util/analysis/process_memory.h"
#include "util/analysis/slot_lists.h"
#include "util/analysis/vm_limits.h"
#include "util/analysis/vm_setup.h"

#define INFO_ENCODINGS	4	/* names of encodings kept of one column */

struct info_column {
	u64 stored, raw;	/* bytes on disk, bytes before zstd */
	const char *encoding[INFO_ENCODINGS];
	u32 nr_encodings;
};

/* The frames of one type and, where they hold rows, event. */
struct info_frames {
	enum data_frame_type type;
	u32 event;
	char name[32];		/* of the event, "" where it has none */
	u64 frames, rows, bytes;	/* bytes: payloads */
	u64 first_ns, last_ns;
	u32 nr_columns;
	struct info_column *column;	/* of DATA_EVENTS and the like; else NULL */
	char (*column_name)[32];
	char (*column_type)[8];
};

/* For a secret that META does not mention. */
#define INFO_SECRET_HELD	16
#define INFO_SECRET_NONE	17	/* the file has nothing of the kind */

/* "remapped", "held", … */
const char *info_secret__name(u32 state);

struct recording_info {
	struct info_frames *frames;	/* in the order of first occurrence */
	u32 nr, room;
	bool has_index;
	u32 secret[KVMW_NR_SECRETS];	/* a state of util/privacy/privacy.h, or: */
	struct vm_threads threads;
	struct vm_limits limits;
	struct host_facts host;
	struct vm_setups setups;
	struct slot_lists slots;
	struct process_memories memory;
};

#define INV_MAX	1024		/* kinds of frames; a damaged file could name any */

/*
 * Reads a whole recording and closes the reader. 0, or -1 out of memory
 * (error() said so).
 */
int recording_info__read(struct data_reader *r, struct recording *rec, struct recording_info *inv);
void recording_info__free(struct recording_info *inv);

/* "EVENTS", …; "type 99" in buf (of 16 bytes) for one unknown here. */
const char *frame_type__name(u32 type, char *buf);

#endif
