/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by encode.c, which builds frames, and encode_layout.c, which lays out columns. */
#ifndef KVMW_DATA_ENCODE_H
#define KVMW_DATA_ENCODE_H

#include "util/data/format.h"

#define MAX_PIECES	(TOKEN_STREAMS + 8)

#define TOKEN_CLASSES	256u

/* What the rows of a TOKENS column are like: by another one, or by itself. */
struct token_cells {
	u32 like;			/* a column plus 1; 0: none */
	u64 like_base[TOKEN_GROUPS];
	u32 rows[TOKEN_GROUPS * TOKEN_CLASSES];	/* by cell */
	u16 cell[DATA_MAX_ROWS];	/* by row: group * TOKEN_CLASSES + class */
};

/* How the rows of a TOKENS column are divided; too large for the stack. */
struct token_plan {
	/* what group is by: a column plus 1, 1 + COLUMN_NO_REF: one group; or 0 */
	u32 grouped_by;
	u32 nr_groups, nr_streams;
	u64 key[TOKEN_GROUPS], base[TOKEN_GROUPS];
	struct token_cells other, own;	/* other: of several columns that are like one */
	u16 stream[TOKEN_GROUPS * TOKEN_CLASSES];	/* by cell */
	u8 group[DATA_MAX_ROWS];	/* by row */
	s8 rest[DATA_MAX_ROWS];	/* by row, if there are ticks */
	u8 *put[TOKEN_STREAMS];		/* where the stream's next token goes */
};

/* The clock tick found so far, as ticks per ns times 2^48; 0: none. */
struct quantum {
	u64 frequency;
	u32 wait;		/* columns left until the next search */
};

/* The distinct values of a column, numbered by their first appearance. */
struct numbers {
	u32 of;			/* the column plus 1; 0: none */
	struct keymap_keys keys;
	u64 value[KEYMAP_MAX];	/* by number */
	u32 number[DATA_MAX_ROWS];	/* by row */
};

/* of exits: of rip, reason, vcpu, on which others depend, and one more */
#define NR_NUMBERS 4u

#define ROWS_PER_EXCEPTION 32u
#define ROWS_BETWEEN_LOOKS 256u	/* at how many exceptions there are */
#define EXCEPTIONS (DATA_MAX_ROWS / ROWS_PER_EXCEPTION + 2 * ROWS_BETWEEN_LOOKS)

/* A column whose rows mostly have the value of the first row with the same key. */
struct dependent {
	u32 nr;				/* of exceptions */
	u32 row[EXCEPTIONS];		/* by exception */
	u64 value[KEYMAP_MAX + EXCEPTIONS];	/* by key; after these, by exception */
	u32 number[KEYMAP_MAX + EXCEPTIONS];	/* of each of these values */
	struct keymap_keys distinct;
};

/* What it takes to lay out a column: the rows, and working memory. */
struct layout {
	u64 *values;		/* all columns of the rows, one after another */
	u32 nr;			/* rows */
	u64 *work;		/* one column, or the ends of a chain */
	u8 *raw;		/* the result: col->piece[] bytes, one after another */
	bool same[DATA_MAX_FIELDS];	/* by column: all rows have one value */
	/* the same, but only the first row's is in values */
	bool only_first[DATA_MAX_FIELDS];
	u32 *order;		/* the position of each row */
	u32 ordered_by;		/* what order is by: a column plus 1; 0: it is something else */
	struct keymap keys;
	struct numbers *numbers[NR_NUMBERS];	/* the latest first */
	struct dependent *dependent;
	struct token_plan *plan;
	struct quantum quantum;
	bool coarse;		/* durations have few values: they were rounded */
};

/* One laid-out column. */
struct column {
	enum column_encoding encoding;
	u8 refs[COLUMN_NR_REFS];
	u64 base;
	u32 nr_pieces;
	u32 piece[MAX_PIECES];	/* bytes; each piece has its own statistics */
};

static inline const u64 *layout__column(struct layout *l, u32 field)
{
	u64 *v = l->values + (size_t)field * l->nr;

	if (l->only_first[field])
		for (u32 i = 1; i < l->nr; i++)
			v[i] = v[0];
	l->only_first[field] = false;
	return v;
}

static inline u64 layout__first(const struct layout *l, u32 field)
{
	return l->values[(size_t)field * l->nr];
}

/* A column's values numbered; keys.n may be 0. Valid until NR_NUMBERS - 1 others are asked for. */
const struct numbers *layout__numbers(struct layout *l, u32 field);

void min_max(const u64 *v, u32 nr, bool is_signed, u64 *min, u64 *max);

/* The fields that a text like "vcpu,guest_ns" names; COLUMN_NO_REF after the last one. */
void find_refs(u8 *refs, const struct event_desc *event, const char *ref);

/* Lays out column index of event as the event list requests, or as the values permit. */
void lay_out(struct layout *l, struct column *col, const struct event_desc *event, u32 index);

/* The tick, in ns times 2^32, that most of v are multiples of; 0: none. */
u64 find_quantum(struct quantum *q, const u64 *v, u32 nr);

void lay_tokens(struct layout *l, struct column *col, u32 index);

/* Rounds durations to a resolution, and with them the times that they lead to: round.c. */
struct rounding;
struct rounding *rounding__new(const struct resolution *to);	/* free() it; NULL after error() */
void rounding__apply(struct rounding *r, struct layout *l, const struct event_desc *event);

#endif
