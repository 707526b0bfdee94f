/* SPDX-License-Identifier: GPL-2.0 */
/* The numbers that a row of report has: columns of --fields, and what --order orders by. */
#ifndef KVMW_REPORT_COLUMNS_H
#define KVMW_REPORT_COLUMNS_H

#include "util/event_desc.h"
#include "util/nearest.h"

struct report;
struct report_row;

enum report_column {
	COLUMN_COUNT,
	COLUMN_RATE,
	COLUMN_PERCENT,
	COLUMN_COST,
	COLUMN_KVM,
	COLUMN_VMM,
	COLUMN_POLLING,
	COLUMN_HALTED,
	COLUMN_WAITING,
	COLUMN_THROTTLED,
	COLUMN_BLOCKED,
	COLUMN_TOTAL,
	COLUMN_MIN,
	COLUMN_MEAN,
	COLUMN_STDDEV,
	COLUMN_P50,
	COLUMN_P90,
	COLUMN_P95,
	COLUMN_P99,
	COLUMN_P999,
	COLUMN_MAX,
	COLUMN_HIST,
	NR_REPORT_COLUMNS,
	ORDER_KEY = NR_REPORT_COLUMNS	/* no column, but an order */
};

struct report_column_desc {
	const char *name;
	/* as an order it has this name, which is also accepted; NULL: the same */
	const char *order;
	const char *doc;
	const char *head;	/* in text */
	const char *member;	/* in JSON and CSV; NULL: it is no number */
	bool exits;		/* only exits have it */
	/* of the recorded events; others are the kernel's, where it counts */
	bool of_rows;
	/* What rows are ordered by, greatest first; KVMW_NONE: none captured. NULL: no order. */
	u64 (*measure)(const struct report_row *row);
};

const struct report_column_desc *report_column__get(enum report_column column);
/* By name or order; NR_REPORT_COLUMNS: there is none. */
enum report_column report_column__find(const char *name);
/* Whether rows of this event have it. */
bool report_column__is_of(enum report_column column, const struct event_desc *event);
/* Those of an event; NULL: of any. */
void report_column__list(const struct event_desc *event, struct word_list *words);

/* Of order, "key" of ORDER_KEY; NULL: it is none. */
const char *report_order__name(enum report_column order);

/* A part of a time without a part of that; unknown where the first one is. */
static inline u64 time__less(u64 ns, u64 part_ns)
{
	return ns == KVMW_NONE || part_ns == KVMW_NONE ? ns : ns > part_ns ? ns - part_ns : 0;
}

/* Events per second; negative: nothing was covered. */
double report_row__rate(const struct report *rep, const struct report_row *row);

#endif
