/* SPDX-License-Identifier: GPL-2.0 */
/* Decoding the columns of a frame: shared by decode.c and decode_frame.c. */
#ifndef KVMW_DATA_DECODE_H
#define KVMW_DATA_DECODE_H

#include <zstd.h>

#include "util/data/format.h"

#define MAX_SCRATCH	16u	/* columns decoded because others refer to them */
#define MAX_DEPTH	16u	/* a column refers to one that refers to one ... */
#define MAX_CODES	16u	/* columns whose codes are kept */

/* Of a DICT column with indices of one byte: rows have the same code for the same value. */
struct codes {
	u8 *of_row;		/* grows with the frames, like order and scratch */
	u64 value[DICT_CODES];
	u32 nr;
};

struct data_decoder {
	ZSTD_DCtx *zstd;
	u8 *raw;		/* grows with the columns */
	size_t raw_room;
	u32 *order;		/* this and scratch grow with the frames */
	u32 ordered_by;		/* the field that order is by, plus 1; 0: none */
	u32 order_of;		/* the same of what one column was in the order of */
	u64 *scratch[MAX_SCRATCH];
	struct codes codes[MAX_CODES];
	u32 nr_scratch, nr_codes, row_room;
	u32 depth;		/* of references that are being followed */
	struct keymap keys;	/* made, like tokens, for the first column that needs them */
	struct tokens *tokens;
	/* Of the frame of this call, by field: */
	/* offset of its column's data, 0: the frame lacks it */
	u32 data_at[DATA_MAX_FIELDS + 1];
	u8 entry[DATA_MAX_FIELDS + 1];		/* its column in the directory */
	bool one_value[DATA_MAX_FIELDS + 1];
	const struct codes *codes_of[DATA_MAX_FIELDS + 1];	/* or NULL */
	/* that values have, of those columns whose decoding tells */
	u64 bits[DATA_MAX_FIELDS + 1];
	bool bits_known[DATA_MAX_FIELDS + 1];
	u64 *wanted[DATA_MAX_FIELDS + 1];	/* where the caller wants it, or NULL */
	/* where it is; NULL: so far there are its codes alone */
	const u64 *done[DATA_MAX_FIELDS + 1];
	u8 state[DATA_MAX_FIELDS + 1];
	bool cut;				/* the directory is of more data than there is */
	const char *why;
	bool no_memory;
	bool more;		/* of the frame of the last call, */
	u64 offset;		/* which is here in the file */
	u64 codes_enough;	/* for columns of this call */
};

enum { COLUMN_UNTOUCHED, COLUMN_BUSY, COLUMN_DONE };

/* A validated directory entry. */
struct column {
	u32 field, encoding, flags, stored, raw;
	u8 refs[COLUMN_NR_REFS];
	u64 base;
	const u8 *data;
};

/* A TOKENS column to be decoded. */
struct token_column {
	const u8 *raw;		/* BITS_SLACK bytes after it must be readable */
	size_t size;
	struct token_key {	/* decides on a row's group */
		const struct codes *codes;
		const u64 *rows;	/* else; NULL: all are of one group */
	} key;
	/* decides on its class; out: the previous row; NULL: all are of one class */
	const u64 *like;
	u64 *out;
	u32 nr;
	u64 bits;		/* once it is: all that values have */
};

/* Returns NULL, or what is wrong. */
const char *tokens__decode(struct tokens *t, struct token_column *c);
/* Two whose classes are those of previous rows, in less time than one after the other. */
const char *tokens__decode_two(struct tokens *t, struct token_column *c, struct tokens *t2,
			       struct token_column *c2);

/* Prepares for the first columns of a frame. 0; 1: damaged; -1: out of memory, not said. */
int decode__begin(struct data_decoder *dec, const struct data_frame *f);
/* The directory entry of a field.  1: found, 0: the frame lacks it, -1: damaged. */
int decode__find_column(struct data_decoder *dec, const struct data_frame *f, u32 field,
			struct column *col);
/* All that precedes decoding of a TOKENS column into out. 0; -1: damaged, or out of memory. */
int decode__tokens(struct data_decoder *dec, const struct data_frame *f, const struct column *col,
		   u64 *out, struct token_column *c);
/* What was decoded elsewhere, at out. */
void decode__set_done(struct data_decoder *dec, u32 field, u64 bits, u64 *out);
u64 *decode__rows_room(struct data_decoder *dec, u32 field);

/* Number of columns, or -1 if the directory does not fit into the payload. */
int decode__nr_columns(const struct data_frame *f);
void decode__get_column(const struct data_frame *f, u32 i, struct column *col);

#endif
