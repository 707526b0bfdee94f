/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The model of kvmw top: of one interval after another the VMs, their vCPUs, what each exited for,
 * and what that was about, with the rates of the last intervals. It keeps nothing of the reports
 * that it is given.
 */
#ifndef KVMW_TOP_H
#define KVMW_TOP_H

#include "util/analysis/findings/findings.h"

enum top_level { TOP_VMS, TOP_VCPUS, TOP_REASONS, TOP_DETAILS, NR_TOP_LEVELS };

#define TOP_STEPS	32	/* intervals that are remembered */

/* Of a row and those that it is part of; all ones below its own level. */
struct top_key {
	u64 vm, vcpu, reason, detail[KEY_VALUES];
};

/* Of vCPUs' time; polling is part of halted, throttled of waiting. */
enum top_part {
	TOP_GUEST,
	TOP_KVM,
	TOP_VMM,
	TOP_HALT,
	TOP_POLL,
	TOP_WAIT,
	TOP_THROTTLED,
	TOP_BLOCK,
	NR_TOP_PARTS
};

struct top_row {
	struct top_key key;
	char *label;
	u32 interval;			/* the last one that it was in */
	u32 nr_vcpus;			/* of a VM */
	u64 count;
	u64 part_ns[NR_TOP_PARTS];	/* KVMW_NONE: unknown */
	u64 wall_ns;			/* what they are shares of: of all of its vCPUs */
	struct hist span;
	u64 mean_ns, p99_ns;		/* KVMW_NONE: no cycle ended, or beyond what is counted */
	double per_second;
	double past[TOP_STEPS];		/* per_second of interval i at i % TOP_STEPS */
};

struct top {			/* all zero but for counted: no interval yet */
	/* by kvmw stat: percentiles are the ends of powers of two */
	bool counted;
	struct hash_table rows;		/* of struct top_row */
	struct top_row total;
	u32 nr_vms, nr_vcpus;		/* that were there; of a recording, also without an exit */
	u32 interval;			/* number of the last one; 0: none */
	u64 end_ns;			/* since the start */
	/* the same, CLOCK_REALTIME where it was counted; 0: unknown */
	u64 end_realtime_ns;
	u64 length_ns;			/* of it */
	u64 over_limit;			/* events with keys beyond the limit */
	bool has_details;
	u32 event;			/* exit or userspace */
	struct findings findings;
};

/*
 * The next interval. rep: its rows are of VM, vCPU and reason, and of details if there is a fourth
 * key. by_reason: of the same, by reason alone. 0, or -1 out of memory.
 */
int top__take(struct top *top, const struct report *rep, const struct report *by_reason,
	      u64 end_ns);
void top__free(struct top *top);

/* Options of these reports. */
void top__options(struct report_options *opt, u32 event, bool details);
void top__reason_options(struct report_options *opt, u32 event);

/* The rate so many intervals ago. */
double top_row__past(const struct top *top, const struct top_row *row, u32 ago);
/* In percent of its vCPUs' time; below 0: unknown. */
double top_row__share(const struct top_row *row, enum top_part part);

/* ---- what is shown of it ---------------------------------------------------- */

/* The columns on the screen, without the name. */
enum top_column {
	TOP_BY_RATE,
	TOP_BY_GUEST,
	TOP_BY_KVM,
	TOP_BY_VMM,
	TOP_BY_POLL,
	TOP_BY_HALT,
	TOP_BY_WAIT,
	TOP_BY_THROTTLED,
	TOP_BY_BLOCK,
	TOP_BY_MEAN,
	TOP_BY_P99,
	TOP_BY_NAME,
	NR_TOP_COLUMNS
};

/* As --sort takes it. */
const char *top_column__name(enum top_column column);
const char *top_column__doc(enum top_column column);

struct top_choice {
	enum top_level level;
	struct top_key within;		/* all ones below the levels above */
	enum top_column sort;
	bool reverse;
	const char *filter;		/* part of the labels, in whatever case; "" for all */
};

struct top_list {
	const struct top_row **row;	/* valid until the next interval; free() it */
	u32 nr;
	u32 left_out;			/* by the filter */
};

/* 0, or -1 out of memory. */
int top__list(const struct top *top, const struct top_choice *choice, struct top_list *list);

/* All of a level, those in the same one of the level above together, each in its order. 0 or -1. */
int top__list_level(const struct top *top, enum top_level level, enum top_column sort,
		    struct top_list *list);
/* Of these, which are of this level, the part that is in within; not to be freed. */
struct top_list top__below(const struct top_list *list, enum top_level level,
			   const struct top_key *within);

/* No row's. */
struct top_key top_key__none(void);
/* NULL: it is not there (any more). */
const struct top_row *top__row(const struct top *top, const struct top_key *key);
/* The one that row is in, at this level or above its own. */
struct top_key top_key__at(const struct top_key *key, enum top_level level);

#endif
