/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a recording says about itself: its META, IDENT, STATS and LOSS frames as one
 * model.  EVENTS frames are left to scan.h and info.h.
 *
 * The file is hostile input.  All text in the model is safe to print (text.h) and of
 * bounded length, unless noted otherwise; all numbers are as stored.
 */
#ifndef KVMW_RECORDING_H
#define KVMW_RECORDING_H

#include "util/analysis/report/aggregate.h"
#include "util/recording/columns.h"
#include "util/recording/filter.h"
#include "util/recording/holders.h"
#include "util/recording/taken.h"
#include "util/recording/memslots.h"
#include "util/recording/row_filter.h"
#include "util/recording/tables.h"
#include "util/data/data.h"
#include "util/json_text.h"
#include "util/symbols/guest_symbols.h"

#define REC_MAX_IDS	(64 * 1024)	/* VMs, vCPUs, tasks, stacks of one recording, each */
#define REC_MAX_TEXTS	64		/* notes, module parameters, … each */
#define REC_MAX_TRACEPOINTS 256
#define REC_MAX_STACK	256		/* functions of one stack */

/* VMs, vCPUs, threads and stacks begin with their id; if one occurs repeatedly, the last wins. */
struct rec_vm {
	u32 id, order;
	u32 pid;		/* of its process, which may have others, and had them before */
	/* from 1, by id, among those with this pid; 0: it is the only one */
	u32 number;
	/* of several recordings the one that it is in, from 1; 0: there is only one */
	u32 file;
	char *name;		/* "" where unknown, here and below */
	char *vmm;
};

#define REC_VM_NAME	36	/* bytes */

/*
 * "4711"; if other VMs have its pid, "4711#2"; of the second of several recordings "4711@2".
 * Returns buf, of REC_VM_NAME.
 */
const char *rec_vm__name(const struct rec_vm *vm, char *buf);

/* Whether it is on the list of --vm, or the list is empty. */
static inline bool rec_vm__is_on(const struct rec_vm *vm, const struct number_list *list)
{
	const struct list_vm this = {
		.pid = vm->pid, .nth = vm->number, .name = vm->name, .vmm = vm->vmm,
	};

	return !list->nr || number_list__has_vm(list, &this);
}

#define REC_NO_VM	UINT32_MAX

/* What the field vcpu of a row refers to: usually a vCPU. */
struct rec_vcpu {
	u32 id, order;
	u32 vm;			/* id of its VM; REC_NO_VM: none */
	u32 tid;		/* of the last thread that ran it */
	bool moved;		/* others did before */
	s64 vcpu;		/* number within the VM, -1: unknown, or no vCPU */
	/* when it was destroyed or its thread died; 0: it existed to the end */
	u64 gone_ns;
	char *comm;
	char *role;		/* "": a vCPU; "vmm": the VMM's other threads; "kernel" */
};

static inline bool rec_vcpu__is_vcpu(const struct rec_vcpu *vcpu)
{
	return !*vcpu->role;
}

/* The thread of rows that name none, such as exits; KVMW_NONE: unknown, or several ran the vCPU. */
static inline u64 rec_vcpu__tid(const struct rec_vcpu *vcpu)
{
	return vcpu && !vcpu->moved ? vcpu->tid : KVMW_NONE;
}

/* A thread that rows refer to by its tid. */
struct rec_task {
	u32 tid, order;
	char *comm;
};

/* Texts that rows refer to. */
struct rec_text {
	u32 id, order;
	char *text;
};

/* A process that runs VMs, recorded or not, to which rows refer by its pid. */
struct rec_neighbour {
	u32 pid, order;
	char *name;
	char *vmm;
};

/* A host stack, innermost function first. */
struct rec_stack {
	u32 id, order;
	u32 nr;
	u32 same;		/* lowest id of the stacks with the same frames, */
	u32 functions;		/* with the same functions, as a kernel stack; */
	u32 vmm_functions;	/* as a VMM's, whose nameless callers differ by their place; */
	u32 innermost;		/* with the same innermost function */
	char **frame;		/* "sym+0x10 [kvm]" */
};

/* The tracepoint behind a kind of the event raw. */
struct rec_tracepoint {
	u32 kind;
	char *name;		/* "kvm:kvm_pio" */
	char *format;		/* text from tracefs, NOT safe to print */
};

struct rec_texts {
	char **text;
	u32 nr;
};

/* What the META frames say; NULL or 0: unknown. */
struct rec_meta {
	char *version;
	char *host, *kernel, *arch, *cpu;
	u64 cpus;
	char *module;
	struct rec_texts params;	/* "kvm.halt_poll_ns=200000" */
	struct rec_texts command;
	struct rec_texts events;
	struct rec_texts notes;
	char *filters;			/* JSON, as written */
	char *filter_words;		/* the same as options of kvmw record */
	/* by event id: why it could not be recorded; NULL: it could */
	char *skipped[KVMW_MAX_EVENTS];
	bool some_vcpus;		/* only those of --vcpu were recorded */
	bool selective;			/* some of them drop events */
	struct rec_tracepoint *tracepoint;	/* ascending by kind */
	u32 nr_tracepoints;
	u64 rings, ring_bytes;
	bool has_clock;
	u64 monotonic_ns, realtime_ns;	/* both of one moment; the first pair */
	/* likewise, of the first file of a series; or the same */
	u64 first_monotonic_ns, first_realtime_ns;
	/* of a file of a series, from 1, or of several; 0: it is none */
	u64 series_number, series_to;
	u64 start_ns;			/* CLOCK_MONOTONIC, 0: unknown */
	u64 stop_ns;			/* 0: no closing META frame */
	char *stop_why;
	/* what triggered this snapshot; NULL: it is none */
	char *trigger;
	u64 trigger_ns;
	struct resolution resolution;	/* of durations of rows */
	u64 missing_rows;	/* of a copy: at least this many are missing */
	/* how it was cut out of a longer recording; NULL: it was not */
	char *part;
	/* what it has of that; 0 and all ones, where it was not cut */
	u64 part_from_ns, part_to_ns;
	bool part_selects;		/* it was not cut by time alone */
	struct rec_texts part_without;	/* events that were cut out */
	u64 part_end_ns;		/* when that ended, if not given elsewhere */
	/* what META says of a secret: util/privacy/privacy.h; 0: nothing */
	u32 hidden[KVMW_NR_SECRETS];
};

struct rec_frames {
	u64 frames, rows, bytes;	/* bytes: payloads */
};

/* Records of an event that were lost, of one vCPU, in a span of time. */
struct rec_loss {
	u32 event, vcpu;
	u64 count, first_ns, last_ns;
};

#define REC_FRAME_TYPES	16	/* known types, with room for more; [0]: all others */

struct recording {
	const char *path;		/* as given */
	struct budget *budget;		/* that everything here draws from; or NULL */
	struct json_purse json;		/* of META and IDENT frames */
	struct rec_meta meta;
	struct rec_vm *vm;		/* ascending by id */
	u32 nr_vms, vm_room;
	/* of frames that the recorder could not name; NULL: nobody is asked */
	struct namer *namer;
	/* of frames of stacks; NULL: they are named as their symbols are */
	struct demangler *demangler;
	bool several_vms_of_pid;	/* some VMs have the same pid */
	struct hash_table vm_pids;	/* how many VMs have it; for identity.c, as are: */
	u32 numbered_id;		/* the highest id that was numbered */
	bool vms_renamed;		/* one has another pid than before */
	struct rec_vcpu *vcpu;		/* ascending by id */
	u32 nr_vcpus, vcpu_room;	/* including those with a role */
	/* more VMs or vCPUs than REC_MAX_IDS, or than fit into memory */
	bool ids_left_out;
	struct rec_task *task;		/* ascending by tid */
	u32 nr_tasks, task_room;
	struct rec_neighbour *neighbour;	/* ascending by pid */
	u32 nr_neighbours, neighbour_room;
	struct rec_text *text;		/* ascending by id */
	u32 nr_texts, text_room;
	struct rec_stack *stack;	/* ascending by id */
	u32 nr_stacks, stack_room;
	size_t stack_bytes;		/* memory used, bounded */
	/* of the guest, as far as rows are about them; never NULL */
	struct guest_symbols *symbols;
	bool has_symbols;		/* it was recorded with these */
	struct agg_table totals;	/* last value of each key */
	struct rec_holders holders;
	struct rec_takens takens;
	struct rec_table threads, cgroups, host, slots, vm_configs, vcpu_configs, vm_memories;
	bool has_cost;
	struct kvmw_cost cost;
	/* From LOSS frames, by event id: records lost, and those that may lie in the window. */
	u64 lost[KVMW_MAX_EVENTS], lost_window[KVMW_MAX_EVENTS];
	/* the same, one by one, if wanted and as many as the budget allows */
	struct rec_loss *loss;
	u32 nr_losses, loss_room;
	/* there were some: what META says of the window comes too late */
	bool has_rows;
	bool wants_losses;		/* set by users of loss */
	struct time_window window;
	const struct row_filter *filter;	/* what scan.h reads of each event; or NULL: all */
	bool wants_memslots;		/* set by users of memslots */
	struct memslots memslots;	/* set within the window */

	/* of the frame that is being taken; kept for the next one */
	struct columns columns;
	struct rec_frames frames[REC_FRAME_TYPES];
	u64 first_ns, last_ns;		/* of all EVENTS frames; 0: none */
	u64 event_rows[KVMW_MAX_EVENTS];	/* rows of EVENTS frames by event id, undecoded */

	/* Set by recording__close_reader(). */
	struct rec_kinds {
		struct data_kind *kind;
		u32 nr;
	} kinds[KVMW_MAX_EVENTS];	/* by event id */
	bool finished;			/* the recorder finished */
	bool read_error;		/* reading ended early; error() said why */
	u64 bytes;
	u64 missing_rows;		/* known to be missing because of damage */
	u64 unordered_rows;		/* that timeline.h may have delivered out of order */
	struct data_damage *damage;
	u32 nr_damage, damage_room;
};

/* Whether some rows were not read, so that the kernel's counts include others. */
static inline bool recording__is_part(const struct recording *rec)
{
	return rec->window.active || rec->filter;
}

/* Whether one recorder made both, parts of one recording then: clocks and ids mean the same. */
bool recording__is_same_recorder(const struct recording *a, const struct recording *b);
/* Whether it wrote them one after the other: what is in one is not in the other. */
bool recording__are_files_of_series(const struct recording *a, const struct recording *b);

struct recording *recording__new(const char *path);
/* Before anything is taken: all that is kept comes from this budget. */
void recording__draw_from(struct recording *rec, struct budget *budget);
void recording__free(struct recording *rec);

/*
 * Adds what a frame says about the recording; EVENTS frames are only counted.
 * A frame that is damaged inside is noted.  The caller still owns the frame.
 * 0, or -1: out of memory (error() said so).
 */
int recording__take(struct recording *rec, const struct data_reader *r,
		    const struct data_frame *f);

/*
 * Adds rows of a table, structs of event, as the recorder makes them: of what is not a file.
 * 0, or -1: out of memory (error() said so).
 */
int recording__take_rows(struct recording *rec, const struct event_desc *event, const void *rows,
			 u32 nr);

/* Notes that a frame with that many rows could not be read. */
int recording__damaged(struct recording *rec, const struct data_frame *f, u64 rows,
		       const char *what);

/*
 * Saves what the reader knows at the end (damage, finished, …), and closes it. failed: reading
 * ended with an error, reported by error(); no other is looked for then. 0, or -1 (also if
 * failed).
 */
int recording__close_reader(struct recording *rec, struct data_reader *r, bool failed);

/*
 * Whether the recorder did not finish. A copy of what is damaged has no END either, but what the
 * recorder said last.
 */
static inline bool recording__unfinished(const struct recording *rec)
{
	return !rec->finished && !(rec->meta.missing_rows && rec->meta.stop_ns);
}

/* Whether its only fault is that it ends in the middle of a frame. */
bool recording__was_cut(const struct recording *rec);
/* Whether something is missing: damage, or the recorder did not finish. */
bool recording__incomplete(const struct recording *rec);
/* The same; also reports on stderr what is missing and where. */
bool recording__complain(const struct recording *rec);

const struct rec_vm *recording__vm(const struct recording *rec, u32 id);
const struct rec_vcpu *recording__vcpu(const struct recording *rec, u32 id);
const struct rec_task *recording__task(const struct recording *rec, u32 tid);
const struct rec_neighbour *recording__neighbour(const struct recording *rec, u32 pid);
const char *recording__text(const struct recording *rec, u32 id);	/* NULL: there is none */
const struct rec_stack *recording__stack(const struct recording *rec, u32 id);
/* The frame that shows where it was: not the scheduler's, which is the same for all. */
u32 rec_stack__first(const struct rec_stack *stack);
/*
 * Bytes of the function's name in a frame, without the place in it; of a frame without a name, of
 * its file's, with exact also the place. *file: " [kvm]" behind it, or "".
 */
size_t rec_frame__function(const char *frame, bool exact, const char **file);
const struct rec_tracepoint *recording__tracepoint(const struct recording *rec, u32 kind);

/*
 * The recording's name for a kind of an event; for a raw event, the tracepoint.  NULL:
 * unknown.  For use after the reader is closed.
 */
const char *recording__kind(const struct recording *rec, u32 event, u32 kind);

/*
 * Adds who is in a recording, and how much, to one that stands for several: its ids become base
 * higher. Of tables and totals it takes none. 0, or -1 out of memory.
 */
int recording__join(struct recording *all, const struct recording *rec, u32 file, u32 base);
/* All ids of VMs and vCPUs that IDENT frames have are below. */
u64 recording__ids(const struct recording *rec);

/* When the recording ended, CLOCK_MONOTONIC; 0: unknown. */
u64 recording__end(const struct recording *rec);
/* ns from the start to the end of the recording; 0: unknown. */
u64 recording__duration(const struct recording *rec);
/* CLOCK_REALTIME ns by strftime(3), in the reader's time zone, "?" if that fails; returns buf. */
const char *recording__local_time(u64 realtime_ns, const char *format, char *buf, size_t size)
	__attribute__((format(strftime, 2, 0)));
#define TIME_AS_TYPED	"%FT%T"		/* which --time takes */
/* ns since it started; 0: before that, or unknown. */
u64 recording__since_start(const struct recording *rec, u64 monotonic_ns);
/* How much of it is in the window; all of it if there is no window. */
u64 recording__covered(const struct recording *rec);
/* What is wrong with the window of --time: it leaves nothing of the recording. NULL: nothing. */
const char *recording__wrong_window(const struct recording *rec);
#define REC_EXTENT	100	/* bytes */
/* "lasts 3.9 s", with --time by the clock also from when to when. Returns buf. */
const char *recording__extent(const struct recording *rec, char *buf, size_t size);
/* CLOCK_REALTIME, in ns, of a CLOCK_MONOTONIC time; 0: unknown. */
u64 recording__realtime(const struct recording *rec, u64 monotonic_ns);

/*
 * recording_json.c, identity.c: parse JSON frames. 0; JSON_BAD, JSON_TOO_MUCH; -1: out of memory.
 */
int recording__meta(struct recording *rec, const char *json);
int recording__ident(struct recording *rec, const char *json);
/* filter_words.c: META's filters as options. 0, or -1: out of memory. */
struct json_object;
int recording__filter_words(struct json_object *filters, char **to);
/* stacks.c: finds equal stacks once all are known. -1: out of memory. */
int recording__same_stacks(struct recording *rec);
void recording__free_meta(struct recording *rec);
void recording__free_identity(struct recording *rec);

#endif
