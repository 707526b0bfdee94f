/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every provider of events, declared once: its programs, where they attach, what
 * else does where that is not to be had.  Loading, attaching, -e, `kvmw list` and
 * "why is this event missing here" derive from this table.
 *
 * A provider is known by the id of its event (KVMW_EVENT_IRQ, …); sets of them are
 * bitmaps of these.  Besides the probes that its entry names it has those of its
 * tracepoints in bpf_skel/points.h.
 */
#ifndef KVMW_PROVIDER_H
#define KVMW_PROVIDER_H

#include "util/arch/arch.h"
#include "util/event_desc.h"
#include "bpf_skel/shared.h"

#define PROBE_MAX_METHODS	3

enum attach_type { ATTACH_NONE, ATTACH_TP, ATTACH_TP_BTF, ATTACH_FENTRY, ATTACH_KPROBE };

/* One method to attach a program. */
struct attach_method {
	const char *program;	/* in the BPF object */
	enum attach_type type;
	const char *category, *name;	/* of a tracepoint; or name of a function */
	const char *module;	/* only where this one is loaded; NULL: anywhere */
};

/*
 * One moment a provider sees, and the methods to see it, the best first.  Where the kernel
 * preempts its own code those with ATTACH_FENTRY come last: a thread that is preempted in such
 * a program keeps it from all others on that CPU for as long.  So do those with ATTACH_TP_BTF
 * where interrupts are on when the tracepoint is met: 7.2 preempts them there, too.
 */
struct probe {
	const char *what;
	bool interrupts_on;	/* when the tracepoint is met */
	const char *without;	/* what it means not to have it; NULL: just that */
	u32 stands_in;		/* only where this other probe has not its best method; 0: always */
	u32 before;		/* KERNEL_VERSION(): only on older ones; 0: always */
	const char *(*missing)(const struct kvmw_config *config);	/* why not here, or NULL */
	struct attach_method methods[PROBE_MAX_METHODS];
};

/* Those with an entry in probes[], then a tracepoint of points.h each, then raw ones. */
enum probe_id {
	/* In the order of attachment; of two kprobes of a function the later one runs first. */
	PROBE_STACK_RUN,
	PROBE_EXIT, PROBE_ENTRY, PROBE_USERSPACE_EXIT, PROBE_RUN,
	PROBE_HYPERCALL_RETURN, PROBE_IRQ_SET_UP,
	PROBE_SWITCH, PROBE_WAKEUP, PROBE_HALTED,		/* parts of a cycle */
	PROBE_MMIO, ARCH_PROBE_IDS,				/* details of an exit */
	PROBE_FAULT_END, PROBE_FAULT_MMIO, PROBE_FAULT_MARK_MMIO,
	PROBE_DIRTY_PAGE, PROBE_DIRTY_VCPU, PROBE_DIRTY_VCPU_DONE, PROBE_DIRTY_VM, PROBE_DIRTY_VM_DONE,
	PROBE_IOCTL_ENTER, PROBE_IOCTL_EXIT,
	PROBE_SCHED_SWITCH, PROBE_SCHED_WAKING, PROBE_SCHED_WAKEUP, PROBE_SCHED_MIGRATE,
	PROBE_APIC_START, PROBE_APIC_EXPIRE, PROBE_MMU_LOAD,
	PROBE_STACK_SWITCH, PROBE_STACK_RETURN, PROBE_STACK_ENTRY,
	PROBE_POINTS,
	PROBE_RAW = PROBE_POINTS + KVMW_NR_POINTS,
	NR_PROBES = PROBE_RAW + KVMW_MAX_RAW,
};

/* probes[PROBE_RAW + i] is the choice's: session.h */
extern const struct probe probes[PROBE_RAW];

/* Whether one of a set of events uses a probe, and whether one cannot do without it. */
bool provider__uses(u32 events, u32 probe);
bool provider__needs(u32 events, u32 probe);

/* The event to which a tracepoint of points.h belongs, and which kind of it it is. */
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
