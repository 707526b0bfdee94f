/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The recording: frames of columns.  Byte for byte in
 * Documentation/kvmw.data-file-format.txt.  Knows nothing of KVM.
 *
 * Errors: functions that return int give 0 (or a count) or -1; what was wrong
 * has then been printed with error(), except for damage inside a recording,
 * which is collected in struct data_damage for the caller to show.
 */
#ifndef KVMW_DATA_H
#define KVMW_DATA_H

#include <stdio.h>

#include "util/event_desc.h"
#include "util/types.h"

/* Numbers of the file format: append-only. */
enum data_frame_type {
	DATA_SCHEMA = 1,	/* JSON: events and their fields */
	DATA_META = 2,		/* JSON: host, kernel, CPU, command line, clocks */
	DATA_IDENT = 3,		/* JSON: VMs and vCPUs, small ids; re-sent on change */
	DATA_EVENTS = 4,	/* rows of a captured event, as columns */
	DATA_LOSS = 5,		/* rows of "loss" */
	DATA_STATS = 6,		/* rows of "total" or "cost" */
	DATA_INDEX = 7,		/* rows of "index" */
	DATA_END = 8,		/* the recorder finished */
};

#define DATA_MAX_ROWS	(64 * 1024)	/* of one frame */
#define DATA_MAX_PAYLOAD (64u << 20)	/* bytes of one frame */
#define DATA_MAX_FIELDS	255		/* of one event */
#define DATA_MAX_KINDS	4096		/* of one event */

/* ---- writing ---------------------------------------------------------- */

struct data_buf {		/* a growing byte buffer; free(data) when done */
	u8 *data;
	size_t len, size;
};

/*
 * Encodes rows (structs of event, event->size apart) into one complete frame
 * except for its sequence number: data_writer__append() adds that.  Thread
 * safe: many threads may encode, each with its own encoder.
 * The fields with unit "time" give the frame's time span.
 */
struct data_encoder *data_encoder__new(void);
void data_encoder__free(struct data_encoder *enc);
int data_encoder__rows(struct data_encoder *enc, enum data_frame_type type,
		       const struct event_desc *event, u32 stream,
		       const void *rows, u32 nr_rows, struct data_buf *frame);
int data_encoder__json(struct data_encoder *enc, enum data_frame_type type,
		       const char *json, struct data_buf *frame);

/*
 * Takes fd (closed by data_writer__close).  Writes the header and a SCHEMA
 * frame of every event in event_desc__all().  append writes one whole frame with
 * one write(2), so that a killed recorder leaves whole frames; it is not thread
 * safe.  On ENOSPC and the like: error() names path and reason; the partial frame
 * is cut off again where the file can be truncated.
 */
struct data_writer *data_writer__new(int fd, const char *path);
int data_writer__append(struct data_writer *w, struct data_buf *frame);
u64 data_writer__bytes(const struct data_writer *w);
int data_writer__finish(struct data_writer *w);	/* INDEX and END frames */
int data_writer__close(struct data_writer *w);	/* frees w; 0 or -1 */

/* ---- reading ---------------------------------------------------------- */

struct data_frame {
	u64 offset;		/* of its header in the file */
	enum data_frame_type type;
	u32 event;		/* id of the rows' event, 0 for JSON frames */
	u32 stream;
	u32 rows;
	u32 seq;
	u64 first_ns, last_ns;
	u32 size;		/* of the payload, bytes */
	const u8 *payload;	/* valid until data_frame__put() */
};

/* An event as the recording itself describes it; may know more or fewer fields. */
struct data_field {
	char name[32];
	enum field_type type;
	char unit[16];
	char doc[128];
};

/* Names the numbers in fields with unit "kind". */
struct data_kind {
	u32 number;
	char name[32];
};

struct data_event {
	u32 id;
	char name[32];
	u32 nr_fields;
	struct data_field *fields;
	u32 nr_kinds;
	struct data_kind *kinds;	/* NULL: none */
};

/* Something in the file that could not be read, in file order. */
struct data_damage {
	u64 offset, bytes;	/* bytes: how many were passed over */
	char what[96];
};

/*
 * path "-" is standard input.  Reads strictly forward: works on a pipe and on a
 * file that is still being written; memory is bounded by one frame.
 * NULL: not there, not readable, not a recording (error() said so).
 */
struct data_reader *data_reader__open(const char *path);
void data_reader__close(struct data_reader *r);

/*
 * The next undamaged frame (checksums verified), 1; 0 at the end of the file;
 * -1 on a read error.  Damage is passed over and noted.  SCHEMA frames are taken in
 * and returned too.  The caller owns the frame: data_frame__put().  Not thread safe,
 * but frames may be decoded and put by any thread.
 */
int data_reader__next(struct data_reader *r, struct data_frame **f);
void data_frame__put(struct data_frame *f);

/*
 * Once more to a frame that next() gave, at its offset: frames come from there again, as
 * often as one likes, damage is not noted again.  Only where it is seekable: in a file.
 * 0, or -1 after error().
 */
bool data_reader__seekable(const struct data_reader *r);
int data_reader__seek(struct data_reader *r, u64 offset);

/* From now on the end of the file is not the end: next() waits for more, until END. */
void data_reader__follow(struct data_reader *r);
/*
 * Waits until next() has something to go on with: the rest of a frame may keep it
 * waiting still.  false: nothing came within ms milliseconds (-1: waits for ever).
 */
bool data_reader__ready(const struct data_reader *r, int ms);

bool data_reader__finished(const struct data_reader *r);	/* END was seen */
u64 data_reader__bytes(const struct data_reader *r);		/* read so far */
const struct data_damage *data_reader__damage(const struct data_reader *r, size_t *nr);
/* Rows of EVENTS frames that the INDEX names but that were damaged; 0 without INDEX. */
u64 data_reader__missing_rows(const struct data_reader *r);

/*
 * NULL: the recording does not describe this event.  Valid until close.  When SCHEMA
 * is damaged, this program's own events stand in for it.
 */
const struct data_event *data_reader__event(const struct data_reader *r, u32 id);
int data_event__field(const struct data_event *event, const char *name);
/* NULL: the recording does not name this number. */
const char *data_event__kind(const struct data_event *event, u64 number);

/* JSON text of a META, IDENT or SCHEMA frame, NUL-terminated; free() it; NULL: damaged. */
char *data_frame__json(const struct data_frame *f);

/*
 * Decodes the columns named by fields[] (indices into event->fields; -1 gives a
 * column of all ones) to 64-bit values, signed ones sign-extended.  cols[i] must
 * hold DATA_MAX_ROWS values.  A column which this frame does not hold (an older or
 * newer writer) comes out as all ones.  -1: damaged inside, *why says what.
 */
struct data_decoder *data_decoder__new(void);
void data_decoder__free(struct data_decoder *dec);
int data_decoder__columns(struct data_decoder *dec, const struct data_event *event,
			  const struct data_frame *f, const int *fields,
			  u32 nr_fields, u64 **cols, const char **why);

/* For info -v: one entry of a frame's column directory. */
struct data_column {
	u32 field;
	const char *encoding;
	u32 stored, raw;	/* bytes on disk, bytes laid out but not compressed */
};
int data_frame__columns(const struct data_frame *f, struct data_column *cols, u32 max);

#endif
