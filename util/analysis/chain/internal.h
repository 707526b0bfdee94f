/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of this folder share; for them alone. */
#ifndef KVMW_CHAIN_INTERNAL_H
#define KVMW_CHAIN_INTERNAL_H

#include "util/analysis/chain/chain.h"
#include "util/analysis/thread_names.h"
#include "util/hash_table.h"
#include "util/recording/slice.h"

#define NO_ID	(~0U)
#define IOCTL_KVM_RUN	0xae80	/* include/uapi/linux/kvm.h */

enum irq_value { IRQ_IRQ, IRQ_VECTOR, IRQ_DEST, IRQ_SOURCE, IRQ_LEVEL, NR_IRQ_VALUES };

/* ---- what was found (find.c) --------------------------------------------- */

/* An outlier, by what identifies its row. */
struct chain_key {
	u64 time_ns, span_ns;
	u32 vcpu, tid, kind, cpu;	/* all ones: none, or unknown */
	/* of an irq: what rows that come before it are compared with */
	u64 irq[NR_IRQ_VALUES];
};

struct chain_found {
	struct chain_find_arg arg;
	/* Of each event, rows of struct chain_key. Those without an end: the first are longest. */
	struct outliers done[2];
	/* Of each vCPU the last one without an end, struct chain_open; others' ends were missed. */
	struct hash_table open[2];
};

struct chain_open {
	u32 key;		/* the vCPU */
	u64 last_ns;		/* its last row */
	bool open;		/* which is this, without an end */
	struct chain_key row;
};

/* The event of a list. */
u32 chain_found__event(const struct report_options *opt, u32 which);

/* ---- rows (row.c) -------------------------------------------------------- */

/* The fields that chains look at, besides those that all events have. */
enum exit_value {
	EXIT_GUEST,
	EXIT_USER,
	EXIT_HALTED,
	EXIT_POLL,
	EXIT_WAIT,
	EXIT_BLOCK,
	EXIT_THROTTLED,
	EXIT_REASON,
	EXIT_ISA,
	EXIT_DETAIL,
	EXIT_DETAIL_KIND,
	EXIT_USER_REASON,
	EXIT_ENTRY_CPU,
	EXIT_NESTED
};
enum userspace_value { USER_REASON, USER_ERROR };
enum halt_value { HALT_POLL, HALT_SLEPT, HALT_WAKER };
enum sched_value { SCHED_OTHER, SCHED_STATE, SCHED_FROM };
enum ioctl_value { IOCTL_CMD, IOCTL_RESULT };
enum timer_value { TIMER_EXPIRES };
enum fault_value { FAULT_GPA, FAULT_RET_PF, FAULT_ACCESS };
enum hypercall_value { HYPERCALL_NR };
enum mmu_value { MMU_CAUSE };
enum nested_value { NESTED_REASON, NESTED_ISA };
#define ROW_VALUES	14

struct chain_row {
	u64 time_ns, span_ns;	/* KVMW_NONE: unknown */
	u64 from_ns, to_ns;	/* what it is of; a moment where nobody knows when it ended */
	u64 weight;		/* its weight for the outlier */
	u32 event, kind;	/* kind: all ones: none */
	u32 vcpu, tid, cpu;
	u64 v[ROW_VALUES];	/* by the enums above; KVMW_NONE: unknown */
};

/* Where a recording has the fields of an event; all zero but for what is known. */
struct row_fields {
	bool known;
	int time, span, vcpu, tid, cpu, kind;	/* -1: it has none */
	int v[ROW_VALUES];
};

void row_fields__resolve(struct row_fields *fields, const struct data_event *event);
void chain_row__take(struct chain_row *row, const struct row_fields *fields, const struct slice *s,
		     u32 i);
/* The begin and end of a row, where its columns alone do not give them. */
void chain_row__set_extent(struct chain_row *row);

/* How long both are, from from to to. */
static inline u64 in_common(u64 a_from, u64 a_to, u64 b_from, u64 b_to)
{
	return overlap(a_from, a_to - a_from, b_from, b_to - b_from);
}

/* ---- what is made of them ------------------------------------------------ */

/* A switch of a CPU between threads, from the row of one of them. */
struct chain_switch {
	u64 time_ns;
	/* threads that had the CPU after, and before it; KVMW_NONE: unknown */
	u64 begins, ends;
	u32 cpu;
	bool in;		/* the row is of the one that came */
};

/* An outlier with the rows around it. */
struct chain_work {
	struct chain *chain;
	struct chain_row self;
	/* The nearest ones of the vCPU or thread; event 0: none. Cycles: */
	struct chain_row before, after;
	struct chain_row out;	/* it left a CPU, before the outlier began */
	struct chain_row armed, expired;	/* the timer whose interrupt the outlier is */
	struct chain_row asserted;	/* what it was accepted for */
	struct chain_row row[CHAIN_ROWS];
	u32 nr_rows, least;	/* least: the one that matters least, if there is no room */
	u32 vm;			/* id, REC_NO_VM: unknown */
	bool is_vcpu;
	/* it has no end, but its vCPU did something later: its end was missed */
	bool followed;
	bool woken;		/* after out */
	bool asleep;		/* its thread is, as of the latest row */
	bool has_switches;	/* of its thread, in its time or before it */
	s64 number;		/* of the vCPU in its VM; -1: unknown, or none */
	u32 cpus[4], nr_cpus;	/* that it ran on, or waited for */
	/* Of each the last switch before the outlier, or before it was known. time_ns 0: none. */
	struct chain_switch first[4];
	/* likewise, the last one while its thread is asleep. event 0: none */
	struct chain_row slept[4];
	bool misses_switches;	/* others of them are not among its rows */
	bool misses_own;	/* nor others of its thread */
};

/* What all outliers share. */
struct chain_context {
	const struct recording *rec;
	const struct report_options *opt;
	struct report rep;	/* of nothing but these, for names */
	struct thread_names names;
};

/*
 * weight.c: how much a row matters to its outlier; 0: it does not. Rows that decide are kept before
 * those that are only long, and in between are those that show who had a CPU that it ran on.
 */
#define WEIGHT_DECIDES	(1ULL << 62)
#define WEIGHT_CPU	(WEIGHT_DECIDES / 2)
u64 chain_work__weight_of(const struct chain_work *w, const struct chain_row *row, bool own,
			  bool same_vm);
/* A row of the outlier's own vCPU or thread. */
bool chain_work__is_own(const struct chain_work *w, const struct chain_row *row);
bool chain_work__ran_on(const struct chain_work *w, u32 cpu);
bool chain_work__is_irq_step(const struct chain_work *w, const struct chain_row *row);
/* Since when its rows matter: a timer's interrupt is late since the timer expired. */
u64 chain_work__since(const struct chain_work *w);

/* Whether the recording has this event's rows, or would have. */
bool chain_context__has(const struct chain_context *c, u32 event);

/* Of a row of event sched; false: it is no switch. */
bool chain_switch__of(struct chain_switch *sw, const struct chain_row *row);

/* holders.c: who had the CPU that was waited for, by the rows of a wait. Fills in chain->holder. */
void chain_work__find_holders(const struct chain_context *c, struct chain_work *w,
			      const struct chain_row *wait);

/*
 * parts.c: where the time went, chain->part_ns and gap; and of each part the row of w that has most
 * of it, or NULL.
 */
struct chain_parts {
	u64 ns[NR_CHAIN_PARTS];
	const struct chain_row *row[NR_CHAIN_PARTS];
	u64 row_ns[NR_CHAIN_PARTS];
};

void chain_work__find_parts(const struct chain_context *c, struct chain_work *w,
			    struct chain_parts *p);

/* cause.c: the part that made it long in words, and what is not known. */
void chain_work__say_cause(const struct chain_context *c, struct chain_work *w,
			   const struct chain_parts *p);

/* steps.c: 0, or -1 out of memory. */
int chain_work__make_steps(const struct chain_context *c, struct chain_work *w);

/* words.c: a line for a row, and names. */
#define CHAIN_NS_MAX	32
const char *chain_words__ns(u64 ns, char *buf);	/* "7.981 ms" */
void chain_words__row(const struct chain_context *c, const struct chain_row *row,
		      enum chain_role role, char *to, size_t size);
/* What an exit was, and returned to the VMM for: "io out 0x3f8 (COM1 transmit)". */
void chain_words__exit(const struct chain_context *c, const struct chain_row *row, char *to,
		       size_t size);
void chain_words__thread(const struct chain_context *c, u64 tid, char *to, size_t size);
void chain_words__who(const struct chain_context *c, u32 vcpu, u32 tid, char *to, size_t size);

#endif
