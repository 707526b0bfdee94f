/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What `kvmw script` prints: which events, fields and rows, one row after another in the
 * order of time.  Which fields an event has and how they are written comes from the
 * recording's own description of it.
 */
#ifndef KVMW_SCRIPT_H
#define KVMW_SCRIPT_H

#include "util/analysis/field.h"
#include "util/analysis/tracepoint.h"
#include "util/recording/filter.h"
#include "util/recording/slice.h"

/* How times are printed in text. */
enum script_clock { CLOCK_START, CLOCK_MONO, CLOCK_WALL, NR_SCRIPT_CLOCKS };

/* "start", … */
const char *script_clock__name(enum script_clock clock);

struct where;

struct script_options {
	const char *events;		/* NULL: all */
	const char *fields;		/* NULL: the default ones */
	struct number_list vcpus, pids;	/* pids: of VMs; empty: all */
	struct reason_list reasons;	/* empty: all; else only events that have a reason */
	u64 min_ns;			/* 0: all; else only events that took as long */
	u64 max_events;			/* 0: all */
	u32 outliers;			/* only so many, the longest ones first; 0: all, by time */
	bool brief;			/* without -F, only the fields that people read */
	enum script_clock clock;
	bool stream;			/* events are not known before their rows come */
	const struct regions *regions;	/* what the user says of addresses and ports; or NULL */
	struct where *where;		/* only those for which it is true; or NULL */
	/* of the guest, which it may take, though the recording may have none */
	bool has_symbols;
	struct tracepoint_printer *texts;	/* of raw records; or NULL */
};

/* What comes before an event's own fields. */
enum script_head { HEAD_COMM, HEAD_TID, HEAD_PID, HEAD_CPU, HEAD_TIME, HEAD_EVENT, HEAD_KIND,
		   HEAD_VCPU, HEAD_VCPU_ID, NR_HEADS };

const char *script_head__name(enum script_head head);

/* What text omits from a line, unless the field was chosen by -F. */
enum field_omit {
	OMIT_UNKNOWN,		/* only unknown values, and fields of other kinds */
	OMIT_ZERO,		/* that, and 0 */
	OMIT_ZERO_ONLY,		/* 0; what is unknown is a '-' */
	OMIT_SAME_CPU,		/* the CPU of the line's head */
	OMIT_IMPLIED,		/* the KVM_EXIT_* that the exit's reason or detail implies */
};

/* A selected field of an event. */
struct field_view {
	u32 field;
	enum field_form form;
	enum field_omit omit;
	const struct data_field *desc;
	bool named;		/* its numbers may have names: script_row__number_name() */
	char label[40];		/* in text: total= of total_ns */
	u32 label_len;
	int detail_of;		/* text: the field that this one classifies, or -1 */
};

/* Fields whose numbers have names, and what these depend on; -1: there is none. */
struct event_named {
	int number;			/* what the event was about */
	int kind, nested;		/* what it was, and whose */
	int written;			/* of exit: the value */
	int address, icr;		/* of irq: a register of the APIC, what it was set to */
};

/* An event of the recording with its selected fields. */
struct event_view {
	const struct data_event *event;	/* NULL: no frame of it yet */
	u32 name_len;			/* of the event's */
	bool wanted, all_kinds;
	u32 *kinds;			/* wanted ones, where not all are */
	u32 nr_kinds, room_kinds;
	int vcpu, tid, cpu, kind, isa;	/* fields; -1: there is none */
	struct event_named named;
	int reason, span, halt, poll;	/* likewise; reason: of an exit or a return to the VMM */
	int detail_kind;		/* of an exit */
	struct field_view *field;
	u32 nr_fields;
};

/* The VM, vCPU and thread of a row. */
struct script_who {
	u32 id;
	const struct rec_vcpu *entry;	/* NULL: unknown */
	const struct rec_vm *vm;
};

/* The selection; valid once the first row comes, and at the end if there was any event. */
struct script_model {
	const struct recording *rec;
	const struct regions *regions;	/* or NULL */
	struct event_view view[KVMW_MAX_EVENTS];
	bool head[NR_HEADS];
	bool chosen;			/* -F was given: */
	bool exact;			/* it lists the fields, and nothing else is to be printed */
	enum script_clock clock;
};

/* A selected row, with what is known about it. */
struct script_row {
	const struct event_view *view;
	const struct slice *slice;
	u32 i;
	u64 time_ns, tid, cpu, kind;	/* all ones: unknown */
	const struct script_who *who;
	const char *comm;		/* NULL: unknown */
	const char *kind_name;		/* NULL: none, or without a name */
	const struct tracepoint *tp;	/* of event raw; NULL: unknown */
	u32 raw_size;
	u8 raw[TRACEPOINT_BYTES];	/* of event raw: the record */
};

static inline u64 script_row__get(const struct script_row *row, u32 field)
{
	return slice__get(row->slice, field, row->i);
}

/* "kernel" or "user" of event stack: the stack, or NULL. */
const struct rec_stack *script_row__stack(const struct script_model *m,
					  const struct script_row *row,
					  const struct field_view *field);
bool event_view__is_stack(const struct event_view *view, const struct field_view *field);

/*
 * What the row was about, by name, which is that of the number in script_row__named_field() (-1:
 * there is no such field); what the number in any field means. buf holds ICR_NAME_MAX bytes,
 * util/arch/names.h. NULL: no name is known.
 */
const char *script_row__name(const struct script_model *m, const struct script_row *row, char *buf);
int script_row__named_field(const struct script_row *row);
const char *script_row__number_name(const struct script_model *m, const struct script_row *row,
				    u32 field, char *buf);

/* Where the rows go.  All return 0; 1: enough; -1: failed (error() said why). */
struct script_output {
	void *ctx;
	/* Before the first row; at the end where there was none. */
	int (*begin)(void *ctx, const struct script_model *m);
	int (*row)(void *ctx, const struct script_model *m, const struct script_row *row);
	/* No further row is known for now. */
	int (*pause)(void *ctx);
	/*
	 * For rows that another thread prints, after begin(): a context for row(), from which
	 * join() takes what was printed since it last did. NULL: out of memory.
	 */
	void *(*branch)(void *ctx);
	int (*join)(void *ctx, void *branch);
	void (*free_branch)(void *branch);
};

struct script_result {
	bool usage;		/* -e or -F name what does not exist (error() said so) */
	bool enough;		/* the output, or --max-events, ended it */
	bool none_of_them;	/* -e was given, and the recording has no such events */
	u64 printed;
	u64 rows;		/* of all events in the recording */
	u64 lost;		/* of the selected events, in the window */
};

/*
 * Reads all of r, which remains the caller's.  0, or -1: a failure (error() said why); see
 * result->usage.
 */
int script__read(struct recording *rec, struct data_reader *r, const struct script_options *opt,
		 const struct script_output *output, struct script_result *result);

#endif
