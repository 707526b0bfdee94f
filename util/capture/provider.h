/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every provider of events, declared once: its programs, where they attach, and the alternatives
 * where that fails.  Loading, attaching, -e, `kvmw list` and "why is this event missing here"
 * derive from this table.
 *
 * A provider is identified by the id of its event (KVMW_EVENT_IRQ, …); a set of providers is a
 * bitmap of ids.  Besides the probes of its entry, it has those of its tracepoints in
 * bpf_skel/points.h.
 */
#ifndef KVMW_PROVIDER_H
#define KVMW_PROVIDER_H

#include "util/arch/arch.h"
#include "util/event_desc.h"
#include "bpf_skel/shared.h"

#define PROBE_MAX_METHODS	3

enum attach_type {
	ATTACH_NONE,
	ATTACH_TP,
	ATTACH_TP_BTF,
	ATTACH_FENTRY,
	ATTACH_KPROBE,
	ATTACH_SAMPLE
};

/* One method to attach a program. */
struct attach_method {
	const char *program;	/* in the BPF object */
	enum attach_type type;
	const char *category, *name;	/* of a tracepoint; or name of a function, or of a clock */
	const char *module;	/* only where this one is loaded; NULL: anywhere */
};

/*
 * One moment that a provider observes, and the methods to observe it, the best first.  On a
 * preemptible kernel, ATTACH_FENTRY comes last: while a thread is preempted in such a program, the
 * kernel skips it for all other threads on that CPU.  The same goes for ATTACH_TP_BTF where
 * interrupts are on at the tracepoint: 7.2 can preempt these programs as well.
 */
struct probe {
	const char *what;
	bool interrupts_on;	/* at the tracepoint */
	/* consequence of not having it, for META, once if others have the same; NULL: none */
	const char *without;
	u32 stands_in;		/* only if this other probe lacks its best method; 0: always */
	u32 stacks;		/* only for these kinds of stacks, a bitmap; 0: always */
	u32 before;		/* KERNEL_VERSION(): only on older kernels; 0: always */
	/* why it is missing here, or NULL */
	const char *(*missing)(const struct kvmw_config *config);
	struct attach_method methods[PROBE_MAX_METHODS];
};

/* The probes of probes[], then one for each tracepoint of points.h, then raw tracepoints. */
enum probe_id {
	/* In the order of attachment; of two kprobes of a function the later one runs first. */
	PROBE_STACK_RUN,
	PROBE_VCPU_END, PROBE_THREAD_END, PROBE_THREAD_MOVES,	/* identity.bpf.c */
	PROBE_EXIT, PROBE_ENTRY, PROBE_USERSPACE_EXIT, PROBE_RUN,
	PROBE_HYPERCALL_RETURN, PROBE_IRQ_SET_UP,
	PROBE_IRQ_LINE, PROBE_IRQ_LINE_DONE, PROBE_IRQ_MSI, PROBE_IRQ_MSI_DONE,
	PROBE_SWITCH, PROBE_WAKEUP, PROBE_MIGRATE, PROBE_HALTED,	/* parts of a cycle */
	PROBE_MMIO, ARCH_PROBE_IDS,				/* details of an exit */
	PROBE_FAULT_END, PROBE_FAULT_MMIO, PROBE_FAULT_MARK_MMIO,
	PROBE_DIRTY_PAGE, PROBE_DIRTY_VCPU, PROBE_DIRTY_VCPU_DONE, PROBE_DIRTY_VM,
	PROBE_DIRTY_VM_DONE,
	PROBE_IOCTL_ENTER, PROBE_IOCTL_EXIT,
	PROBE_SCHED_SWITCH, PROBE_SCHED_WAKING, PROBE_SCHED_WAKEUP, PROBE_SCHED_MIGRATE,
	PROBE_APIC_START, PROBE_APIC_EXPIRE, PROBE_MMU_LOAD, PROBE_MMU_INVALIDATE,
	PROBE_STACK_SWITCH, PROBE_STACK_RETURN, PROBE_STACK_ENTRY, PROBE_STACK_SAMPLE,
	PROBE_POINTS,
	PROBE_RAW = PROBE_POINTS + KVMW_NR_POINTS,
	NR_PROBES = PROBE_RAW + KVMW_MAX_RAW,
};

/* The probes from PROBE_RAW on are the session's. */
extern const struct probe probes[PROBE_RAW];

/* Whether any event of a set uses a probe, and whether any needs it. */
bool provider__uses(u32 events, u32 probe);
bool provider__needs(u32 events, u32 probe);
/* "event NAME: ", the first one that needs a probe; or "". */
const char *provider__who_needs(u32 events, u32 probe, char *buf, size_t size);
/* Whether it only adds to the records of an event, and to no total. */
bool provider__describes(u32 probe);
/* The events that may have rows in a recording of a set: dirty adds the slots that it meets. */
u32 provider__recorded(u32 events);

/* Event and kind of a tracepoint of points.h. */
struct point_desc {
	u32 event, kind;
	const char *fields;	/* as in points.h */
};
extern const struct point_desc points[KVMW_NR_POINTS];

/*
 * Why a provider cannot work on this kernel, in one line, or NULL.  buf holds the
 * line.  Looks at tracefs only; loading may still fail.
 */
const char *provider__missing(u32 event, char *buf, size_t size);

/* The tracepoints of a provider that this kernel lacks, as a list; NULL: none. */
const char *provider__lacks(u32 event, char *buf, size_t size);

#endif
