/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The recording: frames of columns, whatever their rows mean.
 * Documentation/kvmw.data-file-format.txt describes every byte.
 *
 * Errors: functions that return int return 0 (or a count), or -1 after printing
 * the reason with error().  Damage inside a recording is not printed but collected
 * in struct data_damage for the caller to show.
 */
#ifndef KVMW_DATA_H
#define KVMW_DATA_H

#include <stdio.h>

#include "util/event_desc.h"
#include "util/resolution.h"
#include "util/types.h"

/* Numbers used in the file format: append-only. */
enum data_frame_type {
	DATA_SCHEMA = 1,	/* JSON: events and their fields */
	DATA_META = 2,		/* JSON: host, kernel, CPU, command line, clocks */
	DATA_IDENT = 3,		/* JSON: what the small ids in rows stand for; re-sent on change */
	DATA_EVENTS = 4,	/* rows of a captured event, as columns */
	DATA_LOSS = 5,		/* rows of "loss" */
	DATA_STATS = 6,		/* rows of "total" or "cost" */
	DATA_INDEX = 7,		/* rows of "index" */
	DATA_END = 8,		/* the recorder finished */
};

#define DATA_MINOR	1		/* of the format that is written: 1.1 */
#define DATA_MAX_ROWS	(64u << 10)	/* of one frame */
#define DATA_MIN_ROOM	64u	/* of data_row_room() */
#define DATA_MAX_PAYLOAD (64u << 20)	/* bytes of one frame */
#define DATA_MAX_FIELDS	255		/* of one event */
#define DATA_MAX_KINDS	4096		/* of one event */

/* ---- writing ---------------------------------------------------------- */

struct data_buf {		/* a growing byte buffer; free(data) when done */
	u8 *data;
	size_t len, size;
};

/*
 * Encodes rows (structs of event, event->size apart) into one frame, complete except
 * for its sequence number, which data_writer__append() adds.  Thread safe: threads may
 * encode in parallel, each with its own encoder.
 * The fields with unit "time" give the frame's time span.
 */
struct data_encoder *data_encoder__new(void);
void data_encoder__free(struct data_encoder *enc);
int data_encoder__rows(struct data_encoder *enc, enum data_frame_type type,
		       const struct event_desc *event, u32 stream,
		       const void *rows, u32 nr_rows, struct data_buf *frame);
/* The same of columns: col[i] are the values of the event's field i, all ones: a row has none. */
int data_encoder__columns(struct data_encoder *enc, enum data_frame_type type,
			  const struct event_desc *event, u32 stream,
			  u64 *const *col, u32 nr_rows, struct data_buf *frame);
/* From now on, changes the columns of rows before they are encoded. */
typedef void data_edit(void *ctx, const struct event_desc *event, u64 *const *col, u32 nr_rows);
void data_encoder__edit(struct data_encoder *enc, data_edit *edit, void *ctx);
/*
 * From now on, rounds durations of rows of EVENTS frames, see resolution.h: 0, or -1 after error().
 * The other one: columns were rounded before, and take less if that is expected.
 */
int data_encoder__round(struct data_encoder *enc, const struct resolution *to);
void data_encoder__expect_rounded(struct data_encoder *enc);
int data_encoder__json(struct data_encoder *enc, enum data_frame_type type,
		       const char *json, struct data_buf *frame);
struct data_frame;
/* One that was read, as it is.  0, or -1 after error(). */
int data_frame__copy(const struct data_frame *f, struct data_buf *frame);

/*
 * Takes ownership of fd; data_writer__close() closes it.  Writes the header and a SCHEMA
 * frame with the tables and these captured events, a bitmap of ids: the recording has rows of no
 * other ones.  append writes one whole frame with
 * one write(2), so that a killed recorder leaves whole frames; it is not thread safe.
 * On errors such as ENOSPC, error() names path and reason, and the partial frame is
 * cut off again if the file can be truncated.
 */
#define DATA_ALL_EVENTS	(~0U)
struct data_writer *data_writer__new(int fd, const char *path, u32 captured);

/* How far a writer is, for other threads, which read it with atomics. */
struct data_progress {
	/* it waits for the output since then, CLOCK_MONOTONIC; 0: it does not */
	u64 waits_ns;
	u64 bytes, rows;	/* written; rows of EVENTS frames */
};
/* From now on.  p outlives the writer. */
void data_writer__watch(struct data_writer *w, struct data_progress *p);

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

/* An event as the recording describes it; it may have more or fewer fields than ours. */
struct data_field {
	char name[32];
	enum field_type type;
	char unit[16];
	char doc[128];
};

/* The name of a number in fields with unit "kind". */
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

/* What it says of a frame that the file ends in. */
#define DATA_CUT_OFF	"cut off"

/* A part of the file that could not be read; in file order. */
struct data_damage {
	u64 offset, bytes;	/* bytes: how many were skipped */
	char what[96];
};

/*
 * path "-" is standard input.  Reads strictly forward, so it works on a pipe and on a
 * file that is still being written; memory is bounded by one frame.
 * NULL: missing, not readable, or not a recording (after error()).
 */
struct data_reader *data_reader__open(const char *path);
void data_reader__close(struct data_reader *r);

/*
 * 1 and the next undamaged frame (checksums verified); 0 at the end of the file;
 * -1 on a read error, what precedes it is good; DATA_NO_MEMORY; both after error().
 * Damage is skipped and noted, also frames that are missing without a trace, and one that is there
 * twice.  SCHEMA frames are parsed, and returned too.  The caller owns the
 * frame: data_frame__put().  Not thread safe, but any thread may decode and put frames.
 */
#define DATA_NO_MEMORY	(-2)
int data_reader__next(struct data_reader *r, struct data_frame **f);
void data_frame__put(struct data_frame *f);

/*
 * Goes back to the offset of a frame that next() returned: next() continues from there.
 * This may be repeated; damage is not noted again.  Only if seekable, that is, a file.
 * 0, or -1 after error().
 */
bool data_reader__seekable(const struct data_reader *r);
int data_reader__seek(struct data_reader *r, u64 offset);

/* From now on, next() waits for more at the end of the file, until END. */
void data_reader__follow(struct data_reader *r);
/*
 * Waits until there is data for next(), which may still have to wait for the rest of
 * the frame.  false: nothing came within ms milliseconds (-1: wait forever).
 */
bool data_reader__ready(const struct data_reader *r, int ms);

/* Its minor version if this kvmw does not know it yet; else 0. */
u32 data_reader__newer(const struct data_reader *r);
/* The one that it decodes with itself; for its thread. */
struct data_decoder *data_reader__decoder(const struct data_reader *r);
bool data_reader__finished(const struct data_reader *r);	/* END was seen */
u64 data_reader__bytes(const struct data_reader *r);		/* read so far */
const struct data_damage *data_reader__damage(const struct data_reader *r, size_t *nr);
/* Rows of EVENTS frames that INDEX names but that are damaged or missing; 0 without INDEX. */
u64 data_reader__missing_rows(const struct data_reader *r);

/*
 * NULL: the recording does not describe this event.  Valid until close.  If SCHEMA is
 * damaged, this program's own events are used instead.
 */
const struct data_event *data_reader__event(const struct data_reader *r, u32 id);
/*
 * Captured events that SCHEMA describes, a bitmap, once the first frame was read; DATA_ALL_EVENTS:
 * it is damaged.
 */
u32 data_reader__captured(const struct data_reader *r);
int data_event__field(const struct data_event *event, const char *name);
/* NULL: the recording has no name for this number. */
const char *data_event__kind(const struct data_event *event, u64 number);

/* Bytes of the text of a META, IDENT or SCHEMA frame, as the frame says. */
u32 data_frame__json_bytes(const struct data_frame *f);

/*
 * Decodes the columns named by fields[] (indices into event->fields; -1 gives a
 * column of all ones) to 64-bit values, signed ones sign-extended.  cols[i] must
 * hold f->rows values.  A column that this frame lacks (from an older or newer
 * writer) becomes all ones.  1: damaged inside, *why says how; -1: out of memory, after error().
 */
struct data_decoder *data_decoder__new(void);
void data_decoder__free(struct data_decoder *dec);
int data_decoder__columns(struct data_decoder *dec, const struct data_event *event,
			  const struct data_frame *f, const int *fields,
			  u32 nr_fields, u64 **cols, const char **why);
/*
 * In the next call codes are enough for some columns, one bit for each of fields[]: where a column
 * has codes (data_decoder__facts()), cols[i] may be left as it was.
 */
void data_decoder__codes(struct data_decoder *dec, u64 enough);
/*
 * The next call is about the same frame, and what the last one decoded is still where it was:
 * columns that others depend on need not be decoded again.
 */
void data_decoder__continue(struct data_decoder *dec);
/*
 * Which of these columns, at most 64, have the same value in all rows: one bit for each, and
 * value[i] of those.  They need not be decoded.  None of a damaged frame.
 */
u64 data_decoder__constants(struct data_decoder *dec, const struct data_event *event,
			    const struct data_frame *f, const int *fields, u32 nr, u64 *value);
/*
 * What is known of a column's values without a look at each row.  Rows with the same code have the
 * same value, rows with another code have another one.
 */
struct data_facts {
	u64 bits;		/* no value has others */
	const u8 *code;		/* of each row, an index into value[]; NULL: there are none */
	const u64 *value;
	u32 nr_values;
};
/*
 * Of a column that the last call, or those that it continued, decoded, or -1; valid until the next
 * frame is decoded.
 */
void data_decoder__facts(const struct data_decoder *dec, int field, u32 rows,
			 struct data_facts *facts);
/*
 * JSON text of a META, IDENT or SCHEMA frame, NUL-terminated; free() it.  0; 1: damaged; -1: out of
 * memory, after error().
 */
int data_decoder__json(struct data_decoder *dec, const struct data_frame *f, char **text);

/*
 * How many rows a buffer for those of a frame should hold: what is kept for the next frames need
 * not grow often, nor be as large as the largest frame there can be.
 */
static inline u32 data_row_room(u32 rows)
{
	return rows <= DATA_MIN_ROOM ? DATA_MIN_ROOM : 1u << (32 - __builtin_clz(rows - 1));
}

/* All bits in which any value of a column differs from one; by four, since this sees each row. */
static inline u64 data_difference(const u64 *v, u32 nr, u64 one)
{
	typedef u64 four __attribute__((vector_size(32), aligned(8), may_alias));
	four all = { 0 }, ones = { one, one, one, one };
	u64 bits;
	u32 i = 0;

	for (; nr - i >= 4; i += 4)
		all |= *(const four *)&v[i] ^ ones;
	bits = all[0] | all[1] | all[2] | all[3];
	for (; i < nr; i++)
		bits |= v[i] ^ one;
	return bits;
}

/* All bits that any value has. */
static inline u64 data_bits_of(const u64 *v, u32 nr)
{
	return data_difference(v, nr, 0);
}

/* For info -v: one entry of a frame's column directory. */
struct data_column {
	u32 field;
	const char *encoding;
	u32 stored, raw;	/* bytes on disk, and after decompression */
};
int data_frame__columns(const struct data_frame *f, struct data_column *cols, u32 max);

#endif
