/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A recording that is made of frames of others: copied as they are, or of some of their rows, or
 * changed. Only what is known is passed on; all else is dropped and counted.
 */
#ifndef KVMW_PART_OUT_H
#define KVMW_PART_OUT_H

#include <json-c/json.h>

#include "util/data/data.h"
#include "util/event_desc.h"
#include "util/json_text.h"

struct part_out {
	struct data_writer *writer;	/* set by the caller */
	struct data_encoder *encoder;
	struct data_decoder *decoder;
	struct data_buf frame;
	struct json_purse purse;
	/* of the frame that is being looked at, by field of the event, once decoded */
	u64 *col[DATA_MAX_FIELDS];
	u8 *keep;			/* which of its rows are kept */
	u64 rows;			/* of EVENTS frames: passed on */
	u64 whole, again;		/* of these frames: copied as they are, encoded again */
	u64 dropped_frames;		/* what is damaged, or unknown to this kvmw */
	u64 dropped_rows;		/* of these, events */
	struct {			/* IDENT entries of one list, not yet written */
		FILE *f;
		char *text;
		size_t size;
		u32 list;
	} entries;
};

/* The lists of IDENT frames. */
enum part_list {
	PART_VMS,
	PART_VCPUS,
	PART_TASKS,
	PART_NEIGHBOURS,
	PART_STACKS,
	PART_TEXTS,
	PART_SYMBOLS,
	PART_NR_LISTS
};

/*
 * What is made of a frame: of META and IDENT, and of one with rows. 0; 1: it is damaged, and
 * dropped; -1
 */
typedef int part_take_text(void *ctx, const struct data_frame *f, const char *text);
typedef int part_take_rows(void *ctx, const struct data_reader *r, const struct data_frame *f,
			   const struct event_desc *event);

/* 0, or -1 after error(), as below. */
int part_out__open(struct part_out *o);
void part_out__close(struct part_out *o);	/* but for the writer */

/* Hands on each frame of a recording but those that the writer has of its own. */
int part_out__take(struct part_out *o, const struct data_reader *r, const struct data_frame *f,
		   part_take_text *text, part_take_rows *rows, void *ctx);
/* The text of META and IDENT.  0; 1: damaged; -1 */
int part_out__text(struct part_out *o, const struct data_frame *f, part_take_text *text, void *ctx);
/* After what may return 1: drops the frame then. */
int part_out__done(struct part_out *o, const struct data_frame *f, int ret);
int part_out__drop(struct part_out *o, const struct data_frame *f);

int part_out__copy(struct part_out *o, const struct data_frame *f);
/* Puts root, which is freed. */
int part_out__json(struct part_out *o, enum data_frame_type type, struct json_object *root);
/* Entries of IDENT; NULL: one is no object.  Writes those that take() puts.  0; 1: damaged; -1 */
int part_out__each_entry(struct part_out *o, const char *text,
			 int (*take)(void *ctx, u32 list, struct json_object *entry), void *ctx);
int part_out__put_entry(struct part_out *o, enum part_list list, struct json_object *entry);
int part_out__flush_entries(struct part_out *o);

/* The event of a frame with rows; NULL: it is none that this kvmw knows. */
const struct event_desc *part_out__event(const struct data_reader *r, const struct data_frame *f);
/* Decodes fields that want() names, NULL: all, into col.  0; 1: damaged; -1 */
int part_out__decode(struct part_out *o, const struct data_reader *r, const struct data_frame *f,
		     const struct event_desc *event,
		     bool (*want)(const struct event_desc *event, u32 field));
/* Passes on the nr rows that keep says, 0 to all of them.  Columns are lost.  0; 1: damaged; -1 */
int part_out__put_kept(struct part_out *o, const struct data_reader *r, const struct data_frame *f,
		       const struct event_desc *event, u32 nr);
/*
 * Whether nr rows of columns fit the fields as this kvmw has them: the recording may say otherwise.
 * All are decoded.
 */
bool part_out__fit(const struct part_out *o, const struct event_desc *event, u32 nr);
/* Passes them on, as rows of f. */
int part_out__columns(struct part_out *o, const struct data_frame *f,
		      const struct event_desc *event, u32 nr);
/* Whether all values are unknown. */
bool part_column__is_unknown(const u64 *v, u32 nr);
/* Rows of a table, its structs, in any number of frames. */
int part_out__rows(struct part_out *o, u32 event, const void *rows, u32 nr);
/* Moves the rows of these columns to the front that are kept. */
void part_out__compact(struct part_out *o, const struct event_desc *event, u32 rows,
		       bool (*want)(const struct event_desc *event, u32 field));

#endif
