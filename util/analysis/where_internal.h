/* SPDX-License-Identifier: GPL-2.0 */
/* What where_parse.c, where.c and where_rows.c share; for them alone. */
#ifndef KVMW_WHERE_INTERNAL_H
#define KVMW_WHERE_INTERNAL_H

#include <regex.h>

#include "util/analysis/name_ref.h"
#include "util/analysis/where.h"

#define WHERE_TERMS	32
#define WHERE_VALUES	64	/* of one term */
#define WHERE_NODES	(4 * WHERE_TERMS)
#define WHERE_DEPTH	32	/* of ( and ! */

/* In this order: && is the least, || the greatest. */
enum where_truth { WHERE_FALSE, WHERE_UNKNOWN, WHERE_TRUE };

enum where_op { WHERE_EQ, WHERE_LT, WHERE_LE, WHERE_GT, WHERE_GE, WHERE_MATCH, NR_WHERE_OPS };

enum where_value_kind { VALUE_NUMBER, VALUE_TIME, VALUE_WORD, VALUE_NONE };

/* A value as it was typed. */
struct where_value {
	enum where_value_kind kind;
	bool negative;		/* a number with a minus */
	bool bare;		/* a time without a unit: 2.5 */
	bool range_begins;	/* it ends with the next value */
	u64 number;		/* without its sign; of a time: ns */
	char *text;
	u32 column;
};

/* NAME OP VALUE */
struct where_term {
	const char *name;	/* within the text */
	u32 len, column;	/* column: of the name, from 1 */
	enum where_op op;
	bool negate;
	struct where_value value[WHERE_VALUES];
	u32 nr_values;
	regex_t regex;		/* of WHERE_MATCH */
	bool has_regex;
};

enum where_node_kind { NODE_TERM, NODE_NOT, NODE_AND, NODE_OR };

struct where_node {
	enum where_node_kind kind;
	u16 a, b;		/* nodes; NODE_TERM: a is the term */
};

/* Both ends included, of where_key(). */
struct where_range {
	u64 from, to;
};

/* A term of one event. */
struct where_bound {
	struct name_ref ref;	/* NAME_NONE: the event does not have it, it is always unknown */
	bool is_signed;
	bool since_start;	/* it is a time, and values are since the recording's start */
	u8 column[NAME_COLUMNS];	/* in the event's list, UINT8_MAX: none */
	struct where_range range[WHERE_VALUES];
	u32 nr_ranges;
};

struct where_event {
	const struct event_desc *desc;
	const char *columns[ROW_FILTER_COLUMNS + 1];
	u32 nr_columns;
	struct where_bound bound[];	/* one per term */
};

struct where {
	struct row_filter filter;
	const char *option, *text;
	const struct guest_symbols *symbols;	/* NULL: those of the recording */
	struct where_term *term;	/* WHERE_TERMS of them */
	u32 nr_terms;
	struct where_node node[WHERE_NODES];
	u32 nr_nodes, root;
	struct where_event *event[KVMW_MAX_EVENTS];
};

/* Numbers in the order of their values, whether signed or not. */
static inline u64 where_key(u64 value, bool is_signed)
{
	return is_signed ? value ^ 1ULL << 63 : value;
}

/* where_parse.c: fills in term, node, root.  0, or -1: error() said why. */
int where_parse__text(struct where *w);

/* where_rows.c: row_filter.rows */
void where_rows__keep(const struct row_filter *f, const struct recording *rec, u64 start_ns,
		      const struct data_event *event, u64 *const *col, u32 rows, u8 *keep);

#endif
