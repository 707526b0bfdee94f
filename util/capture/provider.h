/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every provider of events, declared once: its programs, where they attach, what
 * else does where that is not to be had.  Loading, attaching, -e, `kvmw list` and
 * "why is this event missing here" derive from this table.
 *
 * A provider is known by the id of its event (KVMW_EVENT_IRQ, …); sets of them are
 * bitmaps of these.  Besides the hooks that its entry names it has those of its
 * tracepoints in bpf_skel/points.h.
 */
#ifndef KVMW_PROVIDER_H
#define KVMW_PROVIDER_H

#include "util/types.h"
#include "bpf_skel/shared.h"

#define HOOK_MAX_WAYS	3

enum way_type { WAY_NONE, WAY_TRACEPOINT, WAY_BTF, WAY_FENTRY, WAY_KPROBE };

/* One way to attach a program. */
struct way {
	const char *program;	/* in the BPF object */
	enum way_type type;
	const char *category, *name;	/* of a tracepoint; or name of a function */
	const char *module;	/* only where this one is loaded; NULL: anywhere */
};

/*
 * One moment a provider sees, and the ways to see it, the best first.  Where the kernel
 * preempts its own code those with WAY_FENTRY come last: a thread that is preempted in such
 * a program keeps it from all others on that CPU for as long.  So do those with WAY_BTF
 * where interrupts are on when the tracepoint is met: 7.2 preempts them there, too.
 */
struct hook {
	const char *what;
	bool interrupts_on;	/* when the tracepoint is met */
	const char *without;	/* what it means not to have it; NULL: just that */
	u32 stands_in;		/* only where this other hook has not its best way; 0: always */
	u32 before;		/* KERNEL_VERSION(): only on older ones; 0: always */
	const char *(*missing)(const struct kvmw_config *config);	/* why not here, or NULL */
	struct way ways[HOOK_MAX_WAYS];
};

/* Those with an entry in hooks[], then a tracepoint of points.h each, then raw ones. */
enum hook_id {
	/* In the order of attachment; of two kprobes of a function the later one runs first. */
	HOOK_STACK_RUN,
	HOOK_EXIT, HOOK_ENTRY, HOOK_USERSPACE_EXIT, HOOK_RUN,
	HOOK_HYPERCALL_RETURN, HOOK_IRQ_SET_UP,
	HOOK_SWITCH, HOOK_WAKEUP, HOOK_HALTED,		/* parts of a cycle */
	HOOK_MMIO, HOOK_FAST_MMIO, HOOK_FAULT_GPA,	/* details of an exit */
	HOOK_CPUID_LEAF, HOOK_MSR_INDEX, HOOK_HYPERCALL_NR,
	HOOK_FAULT_END, HOOK_FAULT_MMIO, HOOK_FAULT_MARK_MMIO,
	HOOK_DIRTY_PAGE, HOOK_DIRTY_VCPU, HOOK_DIRTY_VCPU_DONE, HOOK_DIRTY_VM, HOOK_DIRTY_VM_DONE,
	HOOK_IOCTL_ENTER, HOOK_IOCTL_EXIT,
	HOOK_SCHED_SWITCH, HOOK_SCHED_WAKING, HOOK_SCHED_WAKEUP, HOOK_SCHED_MIGRATE,
	HOOK_APIC_START, HOOK_APIC_EXPIRE, HOOK_MMU_LOAD,
	HOOK_STACK_SWITCH, HOOK_STACK_RETURN, HOOK_STACK_ENTRY,
	HOOK_POINTS,
	HOOK_RAW = HOOK_POINTS + KVMW_NR_POINTS,
	NR_HOOKS = HOOK_RAW + KVMW_MAX_RAW,
};

struct provider {
	bool on_by_default;
	u64 needs;		/* bitmap of hook_id below HOOK_POINTS */
	u64 uses;		/* optional ones */
	const char *cost;	/* when its programs run */
};

/* A raw tracepoint of -e category:name. */
struct raw_choice {
	char category[64], name[64];
};

/* What -e asks for. */
struct choice {
	u32 events;		/* bitmap; KVMW_EVENT_RAW where there are raw ones */
	u32 named;		/* those by their own names, not by a group's */
	struct raw_choice raw[KVMW_MAX_RAW];
	u32 nr_raw;
	u32 stacks;		/* bitmap of the kinds of event stack: --stack */
};

#define BIT(n) (1ull << (n))

/* hooks[HOOK_RAW + i] is the choice's: session.h */
extern const struct hook hooks[HOOK_RAW];
extern const struct provider providers[KVMW_NR_EVENTS];

/* The name of a provider, as of -e; NULL: there is none with this id. */
const char *provider__name(u32 event);

/* Whether one of these events uses a hook, and whether one cannot do without. */
bool provider__uses(u32 events, u32 hook);
bool provider__needs(u32 events, u32 hook);

/* The event to which a tracepoint of points.h belongs, and which kind of it it is. */
struct point_desc {
	u32 event, kind;
	const char *fields;	/* as in points.h */
};
extern const struct point_desc points[KVMW_NR_POINTS];

/*
 * Adds a comma separated list of names, groups and tracepoints.  0; -1: error() named
 * the unknown one and those there are, the nearest first.
 */
int choice__parse(struct choice *choice, const char *names);
/* The words of --stack, a comma separated list; the events are chosen with their stacks. */
int choice__stacks(struct choice *choice, const char *names);
u32 provider__defaults(void);

/* A group of -e; the list ends with one without a name. */
struct group {
	const char *name;
	u32 events;
};
extern const struct group groups[];

/*
 * Why a provider cannot work on this kernel, in one line, or NULL.  buf holds the
 * line.  Looks at tracefs only; loading may still fail.
 */
const char *provider__missing(u32 event, char *buf, size_t size);

/* The tracepoints of a provider that this kernel lacks, as a list; NULL: none. */
const char *provider__lacks(u32 event, char *buf, size_t size);

#endif
