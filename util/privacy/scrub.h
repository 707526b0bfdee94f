/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copies a recording, frame by frame, without what is to be hidden.  Only what is known is passed
 * on; all else is dropped and counted.  Memory is bounded by one frame and REC_MAX_IDS texts.
 */
#ifndef KVMW_SCRUB_H
#define KVMW_SCRUB_H

#include "util/hash_table.h"
#include "util/part/out.h"
#include "util/privacy/privacy.h"

/* What was not passed on, beside frames. */
struct scrub_dropped {
	u64 fields;		/* unknown ones of known events, each counted once */
	u64 members;		/* of META and IDENT, and texts that nothing refers to */
};

struct scrub {
	struct part_out out;
	struct privacy privacy;
	struct hash_table texts;
	size_t text_bytes;
	struct json_object *notes, *states;	/* of the last META that has them */
	u64 missed_before;	/* what META of a copy says: missing_rows */
	bool met[KVMW_NR_SECRETS];	/* the recording had it */
	u8 unknown[KVMW_MAX_EVENTS * 2][32];	/* by event: bitmap of unknown fields */
	struct scrub_dropped dropped;
};

struct scrub_text {		/* of IDENT */
	u32 key, uses;		/* uses: how rows refer to it */
	char *text;
};

#define SCRUB_WORDS	"[removed]"	/* instead of others */

/* privacy and out.writer are set.  0, or -1 after error(), as below. */
int scrub__open(struct scrub *s);
int scrub__take(struct scrub *s, const struct data_reader *r, const struct data_frame *f);
/* Whether the copy has all that was recorded; events that it lacks, at least. After all frames. */
bool scrub__is_whole(const struct scrub *s, const struct data_reader *r, u64 *missing_rows);
/* What can only be said then.  The END only if the copy is whole and the recording has one. */
int scrub__finish(struct scrub *s, const struct data_reader *r);
void scrub__close(struct scrub *s);	/* but for privacy and writer */

/* ---- within util/privacy -------------------------------------------------- */

int scrub__meta(struct scrub *s, const char *text);
/* The META behind all others: notes, one of them note, missing rows, and what was hidden. */
int scrub__last_meta(struct scrub *s, const char *note, u64 missing_rows);
int scrub__ident(struct scrub *s, const char *text);
int scrub__use_text(void *s, u32 id, bool path);
int scrub__texts(struct scrub *s);
/* What becomes of a tracepoint's name; buf: of PRIVACY_TEXT. */
const char *scrub__tracepoint(struct scrub *s, const char *name, char *buf);

#endif
