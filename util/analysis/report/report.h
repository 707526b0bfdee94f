/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The model of `kvmw report`: everything that a rendering prints, computed, for
 * one event of the recording.
 *
 * Counts and sums come from what the kernel counted (STATS frames) wherever
 * that covers all recorded rows, so they hold when records were lost; least,
 * greatest, percentiles and distribution come from the recorded rows.  With a
 * time window everything comes from rows; so do rows by detail, user or CPU, which
 * the kernel does not count, while their total is still the kernel's, unless some
 * events were filtered.
 */
#ifndef KVMW_REPORT_H
#define KVMW_REPORT_H

#include "util/analysis/vcpu_life.h"
#include "util/recording/recording.h"
#include "util/analysis/report/columns.h"
#include "util/analysis/report/keys.h"
#include "util/analysis/report/sparks.h"
#include "util/arch/reason.h"
#include "util/event_desc.h"

struct cpu_holders;
struct taken_sums;
struct regions;
struct guest_symbols;
struct report_row;
struct host_facts;
struct vm_setups;
struct vm_limits;
struct vm_thread;
struct vm_threads;

/* How many rows models keep, see refaults.h. */
struct kept_rows {
	u32 faults, taken;
};

#define REPORT_LINKS	8
#define REPORT_DOWNTIME	300000000ULL	/* ns, of QEMU's default */

struct report_options {
	enum report_key sort[NR_REPORT_KEYS];
	u32 nr_sort;
	struct sort_key field[KEY_FIELDS];	/* KEY_FIELD and those after it */
	u32 nr_fields;
	enum report_column order;	/* or ORDER_KEY; descending, among equals by key */
	enum report_column column[NR_REPORT_COLUMNS];	/* chosen ones, in this order */
	u32 nr_columns;			/* 0: the usual ones */
	struct number_list vcpus, pids;	/* pids: of VMs; empty: all */
	struct reason_list reasons;	/* of exits and returns to the VMM; empty: all */
	double percent_limit;		/* rows with a smaller share are hidden */
	u32 event;			/* 0: exit if there is any, else userspace */
	const char *where;		/* the expression of rec->filter; or NULL */
	const char *tracepoint;		/* of event raw, only this one; or NULL */
	u32 top;			/* rows beyond this number are hidden; 0: show all */
	u64 interval_ns;		/* of KEY_TIME; 0: REPORT_INTERVAL */
	bool chronological;		/* by the first key, KEY_TIME, and then by order */
	const u64 *start_ns;		/* when the recording began, once it is known; or NULL */
	bool slices;			/* rows say when their events were */
	/* in a few steps how often; of exit reasons that are the only key */
	bool sparks;
	bool heat;			/* and how long they took then */
	bool details;			/* of the exit reasons that are the only key */
	bool rows_only;			/* nothing of each vCPU besides */
	bool text;			/* details need not have what only JSON says of them */
	bool no_gaps;			/* the time before events is not wanted */
	bool any_vcpu;			/* keys do not distinguish vCPUs: all share their rows */
	u64 link[REPORT_LINKS];		/* of dirty: bits/s to replay a migration with; */
	u32 nr_links;			/* 0: the usual ones */
	u64 downtime_ns;		/* that it may take; 0: REPORT_DOWNTIME */
	const struct regions *regions;	/* what the user says of addresses and ports; or NULL */
	const struct guest_symbols *symbols;	/* of the guest's functions; or NULL */
	bool offsets;			/* KEY_SYM: a row for each place in a function */
	/* of stacks, KEY_DETAIL: a row for each list of functions, whatever the places */
	bool functions;
	struct budget *budget;		/* of all that is kept of rows; or NULL */
	/* by all workers together, 0 in the beginning; NULL: each on its own */
	struct kept_rows *kept;
};

/* The i-th key of those sorted by. */
static inline const struct sort_key *report_options__key(const struct report_options *opt, u32 i)
{
	return opt->sort[i] < KEY_FIELD ? sort_key__get(opt->sort[i]) :
	       &opt->field[opt->sort[i] - KEY_FIELD];
}

#define REPORT_INTERVAL	1000000000	/* ns */

static inline u64 report_options__interval(const struct report_options *opt)
{
	return opt->interval_ns ?: REPORT_INTERVAL;
}

/* Where key is among those sorted by; -1: it is not. */
static inline int report_options__position(const struct report_options *opt, enum report_key key)
{
	for (u32 i = 0; i < opt->nr_sort; i++)
		if (opt->sort[i] == key)
			return i;
	return -1;
}

static inline bool report_options__sorts_by(const struct report_options *opt, enum report_key key)
{
	return report_options__position(opt, key) >= 0;
}

/* By keys that are finer than those of the kernel's totals. */
static inline bool report_options__fine(const struct report_options *opt)
{
	for (u32 i = 0; i < opt->nr_sort; i++)
		if (!report_options__key(opt, i)->counted)
			return true;
	return false;
}

/*
 * All vCPUs' time together, in parts that add up to wall_ns; poll_ns is part of halt_ns, and
 * throttled_ns, KVMW_NONE where unknown, of wait_ns.
 */
struct report_whole {
	u64 guest_ns, kvm_ns, vmm_ns, halt_ns, poll_ns, wait_ns, throttled_ns, block_ns;
	u64 open_ns, unseen_ns, gone_ns;
	/* part of unseen_ns: of vCPUs that never exited, or never returned */
	u64 no_exit_ns;
	u64 wall_ns;
	u32 nr_vcpus;
};

#define REPORT_LABEL_MAX 320	/* bytes: 64 characters of a name, and numbers */

/* Durations: KVMW_NONE where nothing was captured. */
struct report_row {
	struct key_value key[NR_REPORT_KEYS];	/* those sorted by, in that order */
	char *label[NR_REPORT_KEYS];		/* as key; NULL for the total */
	bool exact;		/* counts and sums are the kernel's own */
	u64 count, done;	/* began, and were completed */
	u64 lost;		/* completed ones without a record */
	u64 filtered;		/* not recorded, as requested: sampling, filters */
	u64 recorded;		/* rows in the file */
	u64 time_ns, gap_ns;
	/*
	 * Parts of time_ns; poll_ns is part of halt_ns, throttled_ns of wait_ns.  kvm_ns: the
	 * remainder.
	 */
	u64 kvm_ns, user_ns, halt_ns, poll_ns, wait_ns, throttled_ns, block_ns;
	/* What it took of a host CPU: kvm_ns, user_ns and poll_ns; of events but exit, time_ns. */
	u64 cost_ns;
	u64 mean_ns, min_ns, p50_ns, p90_ns, p99_ns, max_ns;
	u64 measure;		/* what it is ordered by */
	double count_percent, time_percent, cost_percent;	/* of all rows together */
	struct hist span;	/* of the recorded, completed rows */
	/* of the recorded rows; NULL: not asked for, or no memory left */
	struct time_slices *slices;
	struct heat *heat;		/* likewise */
	struct row_sparks *sparks;	/* likewise */
	u32 details, nr_details;	/* what makes it up: where in rep->detail, and how many */
	bool has_rest;		/* rep->detail has one more, of what the others leave out */
	bool is_detail;		/* of rep->detail: key[0] is the reason, key[1] the one detail */
	bool of_register;	/* likewise, whatever was written to it */
	/* Likewise, of several parts of a reason, which one it is, or is in; 0: of none. */
	u8 part, in_part;
};

struct report_vcpu {
	u32 id;
	u32 vm;			/* id of its VM, all ones: unknown */
	s64 number;		/* within the VM, -1: unknown */
	char label[REPORT_LABEL_MAX];
	const char *comm;	/* "" where unknown */
	u32 tid;
	u64 count;
	u64 guest_ns;		/* in the guest; userspace: in KVM_RUN */
	u64 kvm_ns;		/* in KVM, and what was not captured below; userspace: none */
	u64 vmm_ns;
	u64 halt_ns, poll_ns;	/* poll_ns is part of halt_ns */
	u64 wait_ns, throttled_ns;	/* throttled_ns is part of wait_ns */
	u64 block_ns;
	struct vcpu_time time;	/* wall_ns: what the shares refer to */
	u64 died_ns;		/* since the start of the recording; KVMW_NONE: it did not */
	char open_exit[REPORT_LABEL_MAX];	/* what it exited for last, if time.open_ns; or "" */
};

struct report {
	const struct recording *rec;
	const struct report_options *opt;
	u32 event;
	const struct event_desc *desc;	/* of event */
	bool fine;		/* by keys that the kernel does not count */
	bool has_spans;		/* rows may have times at all */
	bool fell_back;		/* to userspace, there being no exit */
	struct report_row *row;	/* in the requested order, hidden ones last */
	u32 nr_rows, nr_hidden;
	struct report_row total;	/* hidden ones included */
	struct report_vcpu *vcpu;
	u32 nr_vcpus;
	struct report_whole whole;	/* of these vCPUs */
	struct report_row *detail;	/* label[0] is what it is; see report__make_details() */
	u32 nr_details;
	/*
	 * Of this event, after --vcpu, --vm and --time.  A cycle without an end that was not
	 * recorded, as requested, is filtered.
	 */
	u64 recorded, lost, unfinished, filtered;
	/* The kernel's counts; total may be only a part of these; not with --time. */
	struct report_counted {
		bool exact;
		u64 count, lost, filtered;
	} counted;
	/*
	 * Some events have no rows, but the rows' counts, times and means are the kernel's,
	 * of all events; percentiles and the like are of those recorded.
	 */
	bool partly;
	const struct kind_counts *kinds;	/* of kvmw stat -e; else NULL; not the report's */
	struct cpu_holders *holders;	/* for event sched; else NULL */
	/* For events exit, fault and mmu; NULL: not known, as in a window. */
	struct taken_sums *taken;
	struct vm_threads *threads;	/* NULL: nothing is known of them */
	/* Those of vCPUs without an event, of cycles; NULL: unknown, as in a window. */
	const struct vm_thread **idle;
	u32 nr_idle;
	struct vm_limits *limits;	/* together with threads */
	struct host_facts *host;	/* NULL: nothing is known of its state */
	struct vm_setups *setups;	/* NULL: nothing is known of how VMs are set up */
	bool several_idle_vms;		/* they are of several processes */
	struct spark_steps steps;	/* of the sparks of rows */
	u32 nr_files;		/* recordings that it is of; 0: one */
	u32 heat_shift;		/* of all rows, see report__align_heat() */
	u64 all_recorded;	/* rows of all events in the file */
	u64 over_limit;		/* rows beyond AGG_MAX_KEYS keys */
	u64 details_over_limit;	/* likewise, of the table that details and findings come from */
	u64 duration_ns;	/* of the recording; 0: unknown */
	char empty[1024];	/* why there are no rows, or "" */
};

/*
 * aggs: from report_scan__take_result(); the totals of rec are merged into it.  rec, opt and
 * aggs must outlive the report.  0, or -1 out of memory (error() said so).
 */
int report__make(struct report *rep, const struct recording *rec, struct agg_table *aggs,
		 const struct report_options *opt);
void report__free(struct report *rep);

/*
 * Adds the vCPUs of a report of one recording to that of several, made with opt.rows_only, in which
 * their ids are base higher; and their time. 0, or -1 out of memory.
 */
int report__join_vcpus(struct report *all, const struct report *one, u32 base);

/* A row of nothing, and what it is with another one added: 0, or -1 out of memory. */
struct report_row report_row__none(void);
int report_row__add(struct report_row *total, const struct report_row *row);

/* The shares of rows and details of the sum of all rows. */
void report__set_percents(struct report *rep);

/*
 * What makes up each row, if rows are exit reasons.  The finer report is of the same recording,
 * by the options that report__details_options() makes from rep's.  0, or -1 out of memory.
 */
void report__details_options(const struct report_options *opt, struct report_options *fine);
int report__make_details(struct report *rep, const struct report *fine);
/* Names of details say how far away, in ns, timers were set; KVMW_NONE: unknown.  0, or -1. */
int report__name_deadlines(struct report *rep, u64 away_ns);

/* The first family of a recording without exits and returns to the VMM; 0: none. */
u32 report__only_family(const struct recording *rec);

/* "exit 10, irq 3": what the recording holds of each event; "" if nothing, cut at size. */
void report__list_events(const struct recording *rec, char *buf, size_t size);

/* Whether the recorder was to record this event; if so, and it has no rows, none occurred. */
bool report__was_asked_for(const struct recording *rec, const char *event);

/* What to add to rep->empty: ", if its host has that tracepoint", or "". Not part of JSON. */
const char *report__doubt(const struct report *rep);
/* 0, or -1: more different keys than are kept, so not all is there (error()); done: "shown". */
int report__check_limit(const struct report *rep, const char *done);

/* Whether --vcpu and --pid leave in what has this id. */
bool report__selects(const struct recording *rec, const struct report_options *opt, u32 vcpu_id);

/* Whether --reason leaves in what exited for this. */
static inline bool report__has_reason(const struct report *rep, u32 isa, u32 reason)
{
	return !rep->opt->reasons.nr || reason_list__has(&rep->opt->reasons, isa, reason);
}

/* The name of an id: "0", with_vm "4711/0"; its role if it is not a vCPU. */
void report__vcpu_label(const struct report *rep, u32 id, bool with_vm, char *buf, size_t size);

/* A reason with its only detail: "io out 0x3f8 COM1 transmit", "cpuid 0xb"; detail "-": without. */
void report__name_exit(const char *reason, const char *detail, char *buf, size_t size);

/* Whether it is of chosen events only: --time, --vcpu, --vm, --reason, --where. */
static inline bool report__is_filtered(const struct report *rep)
{
	return recording__is_part(rep->rec) || rep->opt->vcpus.nr || rep->opt->pids.nr ||
	       rep->opt->reasons.nr;
}

/* Whether rep->idle has the vCPU with this id. */
bool report__is_idle(const struct report *rep, u32 id);

/*
 * What the numbers of a row are per: of what time, ns, and of the time of all vCPUs in it.  By
 * interval each row has its own, the last one may be shorter.
 */
u64 report_row__covered(const struct report *rep, const struct report_row *row);
u64 report_row__wall(const struct report *rep, const struct report_row *row);

/* How many of row are shown: the first ones. */
static inline u32 report__visible(const struct report *rep)
{
	return rep->nr_rows - rep->nr_hidden;
}

/* Cycles that began and were not completed; families have none. */
static inline u64 report_row__unfinished(const struct report *rep, const struct report_row *row)
{
	return event_desc__is_cycle(rep->event) && row->count > row->done ?
	       row->count - row->done : 0;
}

#endif
