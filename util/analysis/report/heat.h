/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How long events took, and when: the number of events for each power of two of a duration in each
 * of at most HEAT_STEPS equal steps of time. Steps begin short, since the length of a recording is
 * known only after reading it; if there are too many, two become one, as in time_slices.h. Only
 * what occurs takes memory.
 */
#ifndef KVMW_HEAT_H
#define KVMW_HEAT_H

#include "util/analysis/hist.h"
#include "util/hash_table.h"

#define HEAT_STEPS	512

struct heat_cell {
	/* durations in [2^power, 2^(power+1)) ns; 0 counts as 1 */
	struct { u32 step, power; } key;
	u64 count;
};

struct heat {
	/* a step takes 1 << shift ns; the first begins where the report does */
	u32 shift;
	struct hash_table cells;
};

/*
 * at_ns: since the begin of the report. *h is made where it is NULL. Where the budget has no room,
 * the event has no cell. 0, or -1 out of memory.
 */
int heat__add(struct heat **h, struct budget *budget, u64 at_ns, u64 span_ns);
int heat__merge(struct heat **to, struct budget *budget, const struct heat *from);
/* Makes steps at least 1 << shift ns long. 0, or -1 out of memory. */
int heat__fold(struct heat *h, u32 shift);
void heat__free(struct heat *h);

/* The steps of a report, and how they are shown: several of them as one column. */
struct heat_axis {
	u64 from_ns;		/* CLOCK_MONOTONIC */
	u32 shift, steps;
	u32 per_column, columns;
};

struct report;
struct report_row;

/* Gives all rows, and the total, the same steps. 0, or -1 out of memory. */
int report__align_heat(struct report *rep);
/* Of a report that is aligned; columns: at most. */
struct heat_axis report__heat_axis(const struct report *rep, u32 columns);

/* What a row has in each column: count[power - low][column]. */
struct heat_map {
	u32 low, high;		/* the powers that occur */
	u32 columns;
	u64 *count;
};

static inline u64 heat_map__count(const struct heat_map *m, u32 power, u32 column)
{
	return m->count[(size_t)(power - m->low) * m->columns + column];
}

/* free() m->count; NULL where there is nothing to show. 0, or -1 out of memory. */
int heat_map__make(struct heat_map *m, const struct report_row *row, const struct heat_axis *axis);
/* The greatest count in any column of any row. 0, or -1 out of memory. */
int heat_maps__most(const struct report *rep, const struct heat_axis *axis, u64 *most);

#endif
