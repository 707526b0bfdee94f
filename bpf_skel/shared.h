/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the BPF programs and the recorder share: records in the rings, and the state of each
 * vCPU, an element of a memory-mapped array.
 */
#ifndef KVMW_SHARED_H
#define KVMW_SHARED_H

#include "util/events.h"
#include "bpf_skel/arch.h"
#include "bpf_skel/points.h"

/*
 * States in use at a time: config.max_vcpus of them, at most KVMW_MAX_VCPUS, a power of
 * two. Maps are declared for KVMW_DEFAULT_VCPUS, and grow in proportion (util/capture/states.c).
 */
#define KVMW_MAX_VCPUS	8192
#define KVMW_DEFAULT_VCPUS 1024
#define KVMW_MIN_VCPUS	64	/* in steps of 64 */
#define KVMW_MAX_VCPU_IDS 1024	/* --vcpu selects among the ids below */
#define KVMW_VCPU_ID_WORDS (KVMW_MAX_VCPU_IDS / 64)	/* a power of two */
#define KVMW_MAX_TARGETS 1024	/* processes of -p, or of --exclude */
#define KVMW_MAX_GROUPS	1024	/* control groups of -G and --container */
#define KVMW_MAX_SUMS	128	/* distinct reasons per vCPU; a power of two */
#define KVMW_NR_SUMS	(KVMW_MAX_SUMS + 2)	/* and the rest, for each event */
#define KVMW_MAX_RINGS	16
#define KVMW_VCPU_NONE	(~1U)	/* state of threads that are not vCPUs */
#define KVMW_NO_VM	(~0U)
#define KVMW_VM_ENDED	1ULL	/* not an address of a struct kvm */
#define KVMW_SEVERAL_VMS 2ULL
#define KVMW_MAX_FIELDS	12	/* a family's own fields */
#define KVMW_COMM	16
#define KVMW_MAX_STACKS	16384	/* distinct stacks of a recording, in two maps: a power of two */
#define KVMW_MAX_FRAMES	64
#define KVMW_MAX_RET_PF	16	/* numbers of RET_PF_*: a power of two */

/* The record in a ring: which event, then its struct. */
struct kvmw_ring_exit {
	u32 event, pad;
	struct kvmw_exit e;
};

struct kvmw_ring_userspace {
	u32 event, pad;
	struct kvmw_userspace e;
};

/* Every family's row is one of these: the head, then its own fields. */
struct kvmw_head {
	KVMW_HEAD(KVMW_MEMBER, , "")
};

struct kvmw_ring_row {
	u32 event, pad;
	struct kvmw_head e;
	u64 value[KVMW_MAX_FIELDS];
};

struct kvmw_ring_raw {
	u32 event, pad;
	struct kvmw_raw e;
};

/* How many cycles of a vCPU go into a ring at once: one costs as much as seven more. */
#define KVMW_BATCH	8	/* a power of two */

struct kvmw_exits {
	u32 event;		/* KVMW_RING_EXITS */
	u32 vcpu;
	u64 first;		/* its number among those of the vCPU that were sent */
	struct kvmw_exit rows[KVMW_BATCH];
};

/* A row that was counted and has not ended yet; size 0: none. */
struct kvmw_held {
	u32 size, pad;		/* bytes of row that are sent */
	struct kvmw_ring_row row;
};

enum kvmw_held_id { KVMW_HELD_NESTED, KVMW_HELD_HYPERCALL, KVMW_HELD_FAULT, KVMW_NR_HELD };

/* struct kvm_userspace_memory_region of the kernel's ABI; size KVMW_NONE: unknown. */
struct kvmw_region {
	u32 slot, flags;
	u64 gpa, size, hva;
};

/* Where a stack was taken; later ones are better. */
enum kvmw_stack_from {
	KVMW_STACK_NONE,
	KVMW_STACK_RETURN,
	KVMW_STACK_PREEMPTED,
	KVMW_STACK_ASLEEP
};

/* Where a thread was; ids of stacks, < 0: unknown. */
struct kvmw_stack_ids {
	u32 from;		/* enum kvmw_stack_from */
	s32 kernel, user;
};

/* The things in a vCPU's state that have stacks. */
enum kvmw_stack_of {
	KVMW_STACK_OF_EXIT,
	KVMW_STACK_OF_USERSPACE,
	KVMW_STACK_OF_FAULT,
	KVMW_NR_STACK_OF
};

#define KVMW_SAMPLE_HZ	99	/* not 100, as many timers would keep step */

/* A KVM ioctl in progress, by thread. */
#define KVMW_MAX_CALLS	4096
struct kvmw_call {
	struct kvmw_stack_ids stack;
	u32 pad;
	struct kvmw_region region;	/* of KVM_SET_USER_MEMORY_REGION */
	u64 kvm;
	struct kvmw_ring_row row;
};

/* Exact totals of one (event, isa, reason); key 0: free. */
struct kvmw_sum {
	u64 key;
	u64 count, done, lost;
	u64 gap_ns, span_ns, user_ns;	/* as in the event "total" */
	u64 halt_ns, poll_ns, wait_ns, block_ns;
	u64 throttled_ns;
	u64 filtered;		/* excluded by a filter: they have no record */
};

/*
 * How long the completed cycles of each sum lasted: of those from 2^i to 2^(i+1) ns,
 * count[sum * KVMW_LATENCIES + i - KVMW_LATENCY_FIRST]; the first and the last also have those
 * below and above.
 */
#define KVMW_LATENCIES	28
#define KVMW_LATENCY_FIRST 7
#define KVMW_MAX_LATENCIES (KVMW_NR_SUMS * KVMW_LATENCIES)

struct kvmw_latencies {
	u64 count[KVMW_MAX_LATENCIES];
};

/* The thread that has had a CPU until now. */
struct kvmw_on_cpu {
	u64 now;
	u64 task;		/* address of its struct task_struct */
	u64 start_ns;
	u32 tid, pad;		/* 0: idle */
};

/*
 * A thread that had the CPU for which a vCPU waited.  Written under the scheduler's locks, one
 * writer at a time.
 */
#define KVMW_MAX_HOLDERS 32	/* threads of a vCPU at a time; a power of two */
#define KVMW_OTHERS	KVMW_MAX_HOLDERS	/* places of two more */
#define KVMW_IDLE	(KVMW_MAX_HOLDERS + 1)
#define KVMW_NR_PLACES	(KVMW_MAX_HOLDERS + 2)

struct kvmw_place {
	u32 tid, tgid;
	u64 start_ns;		/* of the thread: its id may be reused */
	u64 comm[KVMW_COMM / 8];
	u32 kind;		/* KVMW_holder_*; 0: free */
	u32 vcpu_id;		/* of the vCPU it runs; KVMW_VCPU_NONE: none, or unknown */
	u64 ns, turns;
	u64 past;		/* plus turns, this grows with each change */
};

/*
 * Memory that a thread took from a VM, or mapped differently, for one reason.  Members after
 * syscall are added to with atomics; count only grows.
 */
#define KVMW_MAX_TAKEN	512	/* places; one more has the sum of the rest */

struct kvmw_taken_sum {
	u32 kind;		/* KVMW_taken_*; 0: free */
	u32 pid;		/* whose memory it is */
	u32 tid, tgid;		/* who took it */
	u64 comm[KVMW_COMM / 8];
	u64 cause, syscall;	/* as in the event "mmu" */
	u64 count, bytes;
	u64 guest_count, guest_bytes;	/* of guest memory */
	u64 unplaced;		/* of count, those where the memory slots are not known */
};

/* A memory slot of a VM among the files of a process. */
struct kvmw_vm_slot {
	u64 kvm;		/* address of its struct kvm */
	u64 base_gfn, npages, hva;
	u32 tgid;
	u32 slot, flags;	/* as in the event "memslot" */
	u32 logging;		/* 1: writes to it are noted */
};

/* A vCPU among the files of a process, and the thread that ran it last. */
struct kvmw_vcpu_thread {
	u32 tgid;
	u32 number;
	u32 tid;		/* 0: no thread has run it */
	u32 pad;
	u64 vcpu, kvm;		/* addresses */
	/* What KVM knows of them; all ones: unknown. */
	struct kvmw_vcpu_config config;
	struct kvmw_vm_config of_vm;
};

/* Totals of one kind of a family; updated with atomics. */
struct kvmw_kind_total {
	u64 count, done, lost, span_ns, filtered;
};

#define KVMW_SUM_KEY(event, isa, reason) \
	((u64)1 << 63 | (u64)(event) << 40 | (u64)(isa) << 32 | (u32)(reason))
#define KVMW_SUM_EVENT(key)	((u32)((key) >> 40) & 0x7fffff)
#define KVMW_SUM_ISA(key)	((u32)((key) >> 32) & 0xff)
#define KVMW_SUM_REASON(key)	((u32)(key))

struct kvmw_process {
	u64 start_ns;		/* 0: not seen yet */
	u64 kvm;		/* its only VM; 0: none */
	u64 gone_ns;		/* its last thread died; 0: it lives */
};

/* What a state belongs to. */
enum kvmw_role {
	KVMW_ROLE_VCPU,
	KVMW_ROLE_VMM,		/* all other threads of a VMM; tid is its tgid */
	KVMW_ROLE_KERNEL,	/* kernel threads, whatever VM they work for; tgid is 0 */
};

/* Where the state with an id is; a place has a new id each time it is used. */
#define KVMW_STATE(id)	((id) & (KVMW_MAX_VCPUS - 1))

/*
 * One vCPU, or the other threads of a VM.  The cycle's members are written by the thread that
 * runs the vCPU alone (its tracepoints run in its own context) or while it is switched out, so
 * they need no atomics.  Members that any context adds to (lost, kinds) use atomics.  The
 * recorder reads all of it at any time through mmap; its id in the recording is exit.e.vcpu.
 */
struct kvmw_vcpu_state {
	u32 tgid, tid;		/* tid 0: not in use */
	u32 vcpu_id;
	u32 runner;		/* tid while the vCPU is its thread's latest one; else 0 */
	u64 runner_pid;		/* address of its struct pid; else 0 */
	u64 vcpu, kvm;		/* addresses of struct kvm_vcpu and struct kvm; 0: none */
	u64 exit_page;		/* where a CPU writes about its exits; 0: not known */
	u64 start_ns;		/* of the process: its id may be reused */
	u64 gone_ns;		/* its thread died, or the vCPU was destroyed; 0: neither */
	u64 ended_ns;		/* nothing more will happen to it; 0: something may */
	u32 vm;			/* the same for all states of a VM; KVMW_NO_VM: unknown */
	u32 moved;		/* several threads have run the vCPU */
	char comm[KVMW_COMM];
	char leader[KVMW_COMM];	/* comm of the process, where /proc is too late */

	u64 entry_ns;		/* last VM entry; 0: not in the guest, or not seen */
	u64 steady;		/* vcpu, while its thread keeps its CPU (thread.bpf.h); else 0 */
	u64 run_ns;		/* last KVM_RUN; 0: not seen */
	u64 user_ns;		/* last return to the VMM; 0: not in the VMM */

	u32 exit_open, exit_sum;
	u32 user_open, user_sum;
	u32 sent;		/* records put into the ring */
	u32 role;		/* enum kvmw_role */
	u32 unsampled;		/* cycles since the last one sent, of --sample */
	u32 next_window;	/* the next poll_window, from a tracepoint; 0: unknown */
	/* cycle.bpf.h: the parts of the current cycle, or of the next one */
	u32 parted;		/* 0: they, and all from out_ns to user_throttled, are 0 */
	u32 off_runnable;	/* it waits for a CPU and does not sleep */
	u64 off_ns;		/* off its CPU since; 0: on a CPU */
	u64 out_ns;		/* left its CPU after the last entry, before the exit was seen */
	u64 slept_ns;		/* first went to sleep since the mark */
	u64 slept_wait;		/* wait_ns then */
	u64 mark_wait, mark_block;	/* wait_ns, block_ns at the mark */
	/* the same, and throttled_ns, when user_ns was set */
	u64 user_wait, user_block, user_throttled;
	u32 poll_window;	/* halt_poll_ns of KVM after the last halt, plus 1; 0: not known */
	/* ended, because its thread was moved out of the chosen control groups */
	u32 left;
	/* wait.bpf.h: the current wait for a CPU */
	u32 wait_cpu, pad;	/* plus 1; 0: unknown */
	u64 wait_ns;		/* until then its holders are known; 0: it does not wait */
	u64 throttle_queue;	/* a struct cfs_rq that may be throttled; 0: none */
	u64 throttle_base;	/* its last value */
	u64 throttled_ns;	/* of this wait, so far; KVMW_NONE: unknown */

	struct kvmw_ring_exit exit;		/* the current cycle */
	struct kvmw_ring_userspace user;
	struct kvmw_held held[KVMW_NR_HELD];
	u64 hyperv_ns;		/* start of the last unfinished Hyper-V hypercall; 0: none */
	struct kvmw_stack_ids stack[KVMW_NR_STACK_OF];	/* stack.bpf.h: of what is in progress */

	struct {
		u64 count, last_ns;		/* how many, when last */
	} lost[KVMW_MAX_EVENTS];

	/* Cycles that were put here; from exits.first on they are in exits, not in a ring yet. */
	u64 exits_put;
	struct kvmw_exits exits;

	struct kvmw_sum sums[KVMW_NR_SUMS];
	struct kvmw_place holders[KVMW_NR_PLACES];
	struct kvmw_kind_total kinds[KVMW_NR_KIND_SUMS];
};

#define KVMW_MAX_FILTER_REASONS 16

struct kvmw_range {
	u64 from, to;		/* inclusive */
	u64 set;		/* 0: no filter */
};

/* Which records are made; all 0: every one. */
struct kvmw_filter {
	u64 min_ns;
	u32 sample;		/* one in this many; 0 means 1 */
	u32 nr_reasons;
	u32 reasons[KVMW_MAX_FILTER_REASONS];
	/* If any is set, cycles within none of them are filtered. */
	struct kvmw_range port, gpa, msr;
};

#define KVMW_THIN_NOT	(~0U)	/* --cpu-limit: all rows are sent */
#define KVMW_MAX_TASKS	4096	/* threads with names that are remembered at a time */
/* Threads are named again this often; a window keeps names for longer after the last time. */
#define KVMW_NAMED_AGAIN_NS	60000000000ULL

struct kvmw_task {
	u64 comm[KVMW_COMM / 8];	/* as words, for comparison */
};

/*
 * The name of a thread, in the rings beside the rows.  It does not come from a map, because the
 * kernel skips programs on a CPU while a system call looks into a map there
 * (bpf_disable_instrumentation(), include/linux/bpf.h).
 */
#define KVMW_RING_TASK	(~0U)	/* instead of an event's id */
#define KVMW_RING_EXITS	(~1U)	/* likewise: struct kvmw_exits */

struct kvmw_ring_task {
	u32 event;
	u32 tid;
	u64 time_ns;		/* two rings may have different names for a thread */
	struct kvmw_task name;
};

/* Which threads are recorded: ALL but those of chosen processes, the CHOSEN, or CHILDREN. */
enum kvmw_target { KVMW_TARGET_ALL, KVMW_TARGET_CHOSEN, KVMW_TARGET_CHILDREN };

/*
 * Set by the recorder before loading; constant for the verifier, which drops the code that a
 * recording does not need.  Offsets of tracepoint fields are those of the running kernel
 * (events/kvm/NAME/format in tracefs).
 */
struct kvmw_config {
	u32 target;		/* enum kvmw_target */
	u32 parent;		/* KVMW_TARGET_CHILDREN: tgid of the recorder */
	u32 events;		/* bitmap of the ids of the wanted events */
	u32 max_vcpus;		/* states, a multiple of KVMW_MIN_VCPUS */
	u8 vcpu_filter;
	u8 by_process;		/* processes were chosen: the map targets has them */
	u8 by_group;		/* control groups were: the map groups */
	u64 vcpus[KVMW_VCPU_ID_WORDS];	/* bitmap of vCPU ids */
	struct kvmw_filter filter;
	u8 selects;		/* filter, or --cpu-limit, may drop rows of cycles */
	u8 parts;		/* the programs for the parts of a cycle are attached */
	u8 steadies;		/* vCPUs may be steady: programs see all that ends this */
	u8 thins;		/* --cpu-limit: rows may be dropped later */
	u8 names_again;		/* threads are named every KVMW_NAMED_AGAIN_NS */
	u32 fault_address;	/* offset in kvm_page_fault */
	u32 stacks;		/* bitmap of the kinds of "stack" wanted */
	u8 irq_untold;		/* the CPU delivers interrupts, and KVM does not trace which */
	u8 nested;		/* exits of nested guests are recognized */
	u8 hypercall_return;	/* the return of kvm_emulate_hypercall() is probed */
	u8 switch_state;	/* sched_switch has the state of prev as an argument */
	u32 words_type;		/* number of struct pt_regs, see compat_words() */
	u64 timer_fn;		/* address of ARCH_TIMER_FN; 0: not known */
	u32 nr_rings;		/* a power of two; 0: only counts, and durations of cycles */
	u32 wakeup_bytes;	/* fill level of a ring that wakes the recorder */
	struct {
		u32 fixed;	/* all fields are where KVM_EXIT_FIELDS has them */
		u32 size;	/* bytes to read */
#define KVMW_OFFSET(type, name, field, offset) u32 name;
		KVM_EXIT_FIELDS(KVMW_OFFSET)
	} exit;
	struct {
		u64 pfn_mask;		/* bits of an address in a page-table entry */
		u8 spans;		/* the end of a fault is probed */
		u8 direct;		/* faults are by guest physical address: no shadow paging */
		u8 ret_pf[KVMW_MAX_RET_PF];	/* by the kernel's number; 0: unknown */
	} fault;
	struct kvmw_arch_config arch;
	/* For each point, where the kernel has the family's fields; size 0: it lacks this one. */
	struct kvmw_point {
		struct {
			u16 offset;
			u8 size, is_signed;
		} field[KVMW_MAX_FIELDS];
	} points[KVMW_NR_POINTS];
	/* Raw tracepoints. */
	struct {
		u16 size;	/* bytes, without dynamic data */
		u16 dynamic;	/* offset of the last __data_loc field; 0: none */
	} raw[KVMW_MAX_RAW];
};

#endif
