/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The longest events of a recording, each with what came before and after it on its vCPU, on its
 * CPU and in its VM, as steps in order of time; and what made it long.
 *
 * The recording is read twice.  The first reading, a consumer of util/recording/scan.h, finds the
 * longest ones.  The second one decodes only frames that may have rows of their time, and keeps a
 * fixed number of rows around each.
 */
#ifndef KVMW_CHAIN_H
#define KVMW_CHAIN_H

#include "util/analysis/outliers.h"
#include "util/analysis/report/report.h"
#include "util/recording/row_filter.h"
#include "util/recording/scan.h"

#define CHAINS_MAX	1000	/* outliers at once */
#define CHAIN_ROWS	40	/* kept around each, besides the nearest ones before and after it */
#define CHAIN_STEPS	(CHAIN_ROWS + 8)
#define CHAIN_WORDS	160	/* bytes of a step's line */
#define CHAIN_CAUSE	320
#define CHAIN_NAME	64	/* "CPU 0/KVM (4711)" */
#define CHAIN_HOLDERS	4	/* of a CPU that was waited for */
#define CHAIN_GAPS	4	/* things that are not known */

/* Where the time of an outlier went: PART(NAME, name in JSON, name in text), as in other tables. */
#define CHAIN_PARTS(PART)						\
	PART(GUEST, guest, "guest")					\
	PART(KVM, kvm, "KVM")						\
	PART(VMM, vmm, "VMM")						\
	PART(HALTED, halt, "halt")					\
	PART(WAITING, wait, "wait")					\
	PART(THROTTLED, throttled, "throttled")				\
	PART(BLOCKED, block, "block")					\
	PART(LATE, late, "late")	/* a timer, from its deadline until it expired */

#define CHAIN_PART_ID(NAME, name, label) CHAIN_##NAME,
enum chain_part { CHAIN_PARTS(CHAIN_PART_ID) NR_CHAIN_PARTS };

const char *chain_part__name(enum chain_part part);
const char *chain_part__label(enum chain_part part);

/* What a step is. */
enum chain_role {
	CHAIN_SELF,		/* the outlier */
	CHAIN_BEFORE,		/* the vCPU's cycle before it */
	CHAIN_AFTER,		/* its first one after it */
	CHAIN_AROUND,		/* any other row */
	CHAIN_ENTERED,		/* the vCPU entered the guest: the end of a cycle, no row */
	NR_CHAIN_ROLES,
};

const char *chain_role__name(enum chain_role role);

struct chain_step {
	enum chain_role role;
	bool made_it_long;	/* it, or what ended with it, made the outlier long */
	u64 time_ns;		/* CLOCK_MONOTONIC */
	/* how long it took, or had taken; KVMW_NONE: unknown, or a moment */
	u64 span_ns;
	u32 event, kind;	/* kind: all ones: none */
	u32 vcpu, tid, cpu;	/* all ones: unknown */
	char what[CHAIN_WORDS];
};

struct chain_holder {
	char name[CHAIN_NAME];
	u32 tid;
	u64 time_ns;		/* of stretches that began and ended with it */
	u32 stretches;
	/*
	 * It is a VM's thread, whose own switches have rows: it had the CPU all that time. Of
	 * others nobody knows.
	 */
	bool certain;
};

struct chain {
	u32 event, kind, vcpu, tid, cpu;	/* all ones: unknown, or none */
	u64 start_ns, end_ns;	/* CLOCK_MONOTONIC; what the steps' offsets are from */
	u64 length_ns;		/* what it is an outlier by */
	bool open;		/* it had not ended when the recording did, or its vCPU was gone */
	char who[CHAIN_NAME];	/* "vCPU 0" */
	u64 part_ns[NR_CHAIN_PARTS];	/* KVMW_NONE: unknown; THROTTLED is part of WAITING */
	enum chain_part gap;	/* the one that made it long; NR_CHAIN_PARTS: unknown */
	char cause[CHAIN_CAUSE];	/* the same in words */
	u32 wait_cpu;		/* where gap is WAITING: the CPU; all ones: unknown */
	struct chain_holder holder[CHAIN_HOLDERS];	/* who had it, the longest first */
	u32 nr_holders;
	u64 certain_ns;		/* the time of those that are certain */
	u64 others_ns;		/* the time of further ones */
	char last_holder[CHAIN_NAME];	/* who had it at the end, since when is not known; "": it is */
	char unknown[CHAIN_GAPS][CHAIN_CAUSE];	/* what is unknown, and how to learn it */
	u32 nr_unknown;
	u64 lost;		/* records that were lost, and may be of this time */
	struct chain_step *step;	/* in order of time */
	u32 nr_steps;
	u32 left_out;		/* further rows that would have been steps */
};

struct chains {			/* all zero: none */
	struct recording *rec;	/* of the second reading; the user's */
	u32 event;
	u64 rows;		/* of this event that were recorded */
	const char *where;	/* the expression that outliers fulfil; or NULL */
	struct time_window window;	/* that they began in */
	u64 recording_ends_ns;
	struct chain *list;	/* the longest one first */
	u32 nr;
};

/*
 * The first reading.  find->consumer is for scan__read(), and find->filter, if active, belongs into
 * rec->filter: it has the caller's own, too.  opt and where outlive it.  max: how many.
 */
struct chain_find {
	struct scan_consumer consumer;
	struct scan_event events[2];
	struct chain_find_arg {
		const struct report_options *opt;
		u32 max;
	} arg;
	struct chain_filter {
		struct row_filter filter;	/* first */
		const struct row_filter *where;
		const struct report_options *opt;
		bool active;
		u32 event[2], nr_where[2];
		const char *columns[2][ROW_FILTER_COLUMNS + 4];
	} filter;
};

/* Whether an event can be an outlier: it takes time, and is not so frequent as to be a step. */
bool chain_event__has_length(u32 event);

void chain_find__init(struct chain_find *find, const struct report_options *opt,
		      const struct row_filter *where, u32 max);

/* The result of the scan; NULL: none. */
void chain_find__free(void *found);

/*
 * What the first reading, of first, found: nr is 0 where it is nothing. To be freed. 0, or -1:
 * error() said why.
 */
int chains__begin(struct chains *chains, void *found, const struct recording *first);

/*
 * The second reading, of a file, which it closes. rec, which has neither window nor filter, is what
 * it is read into, and outlives chains. 0, or -1 (error() said why).
 */
int chains__read(struct chains *chains, void *found, const struct report_options *opt,
		 struct recording *rec, struct data_reader *r);
void chains__free(struct chains *chains);

#endif
