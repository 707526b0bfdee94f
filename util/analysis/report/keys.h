/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the rows of a report can be sorted by. A key is one entry of the table in
 * keys.c: everything else (columns to read, grouping, order, headings, labels, JSON,
 * the help of --sort) comes from it.
 *
 * Adding one: its KEY_ number here, its entry in keys.c, its share of AGG_FINE
 * (aggregate.h), and the man page.
 */
#ifndef KVMW_KEYS_H
#define KVMW_KEYS_H

#include "util/event_desc.h"

enum report_key {
	KEY_REASON,
	KEY_VCPU,
	KEY_VM,
	KEY_DETAIL,
	KEY_USER,
	KEY_CPU,
	KEY_TID,
	KEY_SLOT,
	KEY_NESTED,
	KEY_HALTED,
	KEY_ACCESS,
	KEY_RIP,
	KEY_SYM,
	KEY_TIME,
	NR_REPORT_KEYS,
	KEY_FIELD = NR_REPORT_KEYS	/* from here on: a field of the event */
};

#define KEY_COLUMNS	4	/* that a key is read from, at most */
#define KEY_VALUES	3	/* that distinguish its rows, at most */
#define KEY_FIELDS	6	/* fields at once, at most */
#define KEY_MEMBERS	6	/* in JSON, at most */

struct agg_key;
struct report;
struct report_options;

/* A key of one row: rows where it is equal are one; they are ordered by v[0], v[1], v[2]. */
struct key_value {
	u64 v[KEY_VALUES];
};

/* A member of a row in JSON, a column in CSV: text if there is any, else a number. */
struct key_member {
	const char *name;
	bool is_text;
	bool optional;		/* where it is null, JSON does not have it */
	bool is_address;	/* or another number of 64 bits: in hex, too */
	bool is_signed;		/* and not unknown, whatever the number */
	const char *text;	/* NULL: null */
	u64 number;		/* KVMW_NONE: null */
};

struct sort_key {
	const char *name;
	const char *synonym;	/* or NULL */
	const char *doc;	/* for --help */
	const char *title;	/* heading of its column; NULL: the event's own, */
	const char *(*event_title)(const struct event_desc *event);
	const char *prefix;	/* of a label without a heading: "CPU " */
	bool counted;		/* the kernel's totals distinguish it */

	/* The i-th column it is read from; NULL: none. Events without a 0th do not have the key. */
	const char *(*column)(const struct sort_key *key, const struct event_desc *event, u32 i);
	/*
	 * Keys that are not counted: nr_fine values of struct agg_key are made from the
	 * columns of a row, as few different ones as possible. NULL: the columns as they are.
	 */
	u32 nr_fine;
	void (*fine)(const struct report_options *opt, u32 event, const u64 *column, u64 *fine);
	/*
	 * The same of nr rows at once, for keys whose columns have many more values than they:
	 * fine[k * step] is the first of the k-th value's. NULL: there is no such way.
	 */
	void (*fine_rows)(const struct report_options *opt, u32 event, const u64 *const *column,
			  u32 nr, u32 step, u64 *fine);
	/* NULL: the fine values as they are. */
	void (*value)(const struct sort_key *sort_key, const struct report *rep,
		      const struct agg_key *key, const u64 *fine, struct key_value *value);

	void (*label)(const struct sort_key *key, const struct report *rep,
		      const struct key_value *value, char *buf, size_t size);
	/* label: NULL for the total. Returns their number. */
	u32 (*members)(const struct sort_key *key, const struct report *rep,
		       const struct key_value *value, const char *label, struct key_member *member);
	/* Of a field that is no key of its own (key_field.h): */
	char field[32], number[40];	/* as it was typed; what its number is called in JSON */
};

const struct sort_key *sort_key__get(enum report_key key);
/* By name or synonym; NR_REPORT_KEYS: there is none. */
enum report_key sort_key__find(const char *name);
/* As --sort takes it. */
const char *sort_key__name(const struct sort_key *key);
const char *sort_key__title(const struct sort_key *key, const struct event_desc *event);

#endif
