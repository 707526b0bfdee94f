/* SPDX-License-Identifier: GPL-2.0 */
/* A recording that is made of frames of others: copied as they are, or of some of their rows. */
#ifndef KVMW_PART_OUT_H
#define KVMW_PART_OUT_H

#include "util/data/data.h"
#include "util/event_desc.h"

struct part_out {
	struct data_writer *writer;	/* set by the caller */
	struct data_encoder *encoder;
	struct data_decoder *decoder;
	struct data_buf frame;
	u64 *col[DATA_MAX_FIELDS];	/* of the frame that is being looked at, by field of the event */
	u8 *keep;			/* which of its rows are kept */
	u64 rows;			/* of EVENTS frames: passed on */
	u64 whole, again;		/* of these frames: copied as they are, encoded again */
	u64 dropped_frames, dropped_rows;	/* what is damaged, or unknown to this kvmw */
};

/* 0, or -1 after error(), as below. */
int part_out__open(struct part_out *o);
void part_out__close(struct part_out *o);	/* but for the writer */

int part_out__json(struct part_out *o, enum data_frame_type type, const char *text);
int part_out__copy(struct part_out *o, const struct data_frame *f);
int part_out__drop(struct part_out *o, const struct data_frame *f);

/* The event of a frame with rows; NULL: it is none that this kvmw knows. */
const struct event_desc *part_out__event(const struct data_reader *r, const struct data_frame *f);
/* Decodes fields that want() names, NULL: all, into col.  0; 1: damaged; -1 */
int part_out__decode(struct part_out *o, const struct data_reader *r, const struct data_frame *f,
		     const struct event_desc *event, bool (*want)(const struct event_desc *event, u32 field));
/* Passes on the nr rows that keep says, 0 to all of them.  Columns are lost. */
int part_out__put_kept(struct part_out *o, const struct data_reader *r, const struct data_frame *f,
		       const struct event_desc *event, u32 nr);
/* Rows of a table, its structs, in as many frames as it takes. */
int part_out__rows(struct part_out *o, u32 event, const void *rows, u32 nr);
/* Moves the rows of these columns to the front that are kept. */
void part_out__compact(struct part_out *o, const struct event_desc *event, u32 rows,
		       bool (*want)(const struct event_desc *event, u32 field));

#endif
