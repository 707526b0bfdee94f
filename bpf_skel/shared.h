/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the BPF programs and the recorder both see: records in the rings, and
 * the slot of each vCPU, an element of a memory-mapped array.
 */
#ifndef KVMW_SHARED_H
#define KVMW_SHARED_H

#include "util/events.h"
#include "bpf_skel/exit_fields_x86.h"

#define KVMW_MAX_VCPUS	1024	/* slots: vCPU threads of one recording */
#define KVMW_MAX_SUMS	128	/* distinct reasons per vCPU; a power of two */
#define KVMW_MAX_RINGS	16
#define KVMW_VCPU_UNKNOWN (~0U)
#define KVMW_COMM	16

/* The record in a ring: which event, then its struct. */
struct kvmw_ring_exit {
	u32 event, pad;
	struct kvmw_exit e;
};

struct kvmw_ring_userspace {
	u32 event, pad;
	struct kvmw_userspace e;
};

/* Exact totals of one (event, isa, reason); key 0: free. */
struct kvmw_sum {
	u64 key;
	u64 count, done, lost;
	u64 gap_ns, span_ns, user_ns;	/* as in the event "total" */
};

#define KVMW_SUM_KEY(event, isa, reason) \
	((u64)1 << 63 | (u64)(event) << 40 | (u64)(isa) << 32 | (u32)(reason))
#define KVMW_SUM_EVENT(key)	((u32)((key) >> 40) & 0x7fffff)
#define KVMW_SUM_ISA(key)	((u32)((key) >> 32) & 0xff)
#define KVMW_SUM_REASON(key)	((u32)(key))

/*
 * One vCPU run by one thread.  Written by that thread alone (its tracepoints run
 * in its own context), so nothing in here needs an atomic; read by the recorder
 * at any time through mmap.
 */
struct kvmw_slot {
	u32 tgid, tid;		/* tid 0: the slot is not in use */
	u32 vcpu_id;		/* KVMW_VCPU_UNKNOWN until a tracepoint told */
	s32 run_fd;		/* vCPU file descriptor, -1: not seen */
	char comm[KVMW_COMM];
	char leader[KVMW_COMM];	/* comm of the process, where /proc is too late */

	u64 entry_ns;		/* last VM entry; 0: not in the guest, or not seen */
	u64 run_ns;		/* last KVM_RUN; 0: not seen */
	u64 user_ns;		/* last return to the VMM; 0: not in the VMM */

	u32 exit_open, exit_sum;
	u32 user_open, user_sum;
	u32 sent;		/* records put into the ring */
	u32 pad;
	struct kvmw_ring_exit exit;		/* the cycle under way */
	struct kvmw_ring_userspace user;

	u64 exit_lost, exit_lost_ns;		/* how many, when last */
	u64 user_lost, user_lost_ns;

	struct kvmw_sum sums[KVMW_MAX_SUMS + 1];
};

/* Which threads are recorded. */
enum kvmw_target { KVMW_TARGET_ALL, KVMW_TARGET_PIDS, KVMW_TARGET_CHILDREN };

/*
 * Set by the recorder before loading; constants for the verifier, which drops
 * what a recording does not ask for.  Offsets of tracepoint fields are those of
 * the running kernel (events/kvm/NAME/format in tracefs).
 */
struct kvmw_config {
	u32 target;		/* enum kvmw_target */
	u32 parent;		/* KVMW_TARGET_CHILDREN: tgid of the recorder */
	u8 want_exit, want_userspace;
	u8 vcpu_filter;
	u64 vcpus[16];		/* bitmap of vCPU ids below 1024 */
	u32 nr_rings;		/* a power of two */
	u32 wakeup_bytes;	/* fill level of a ring that wakes the recorder */
	struct {
		u32 fixed;	/* all lie where KVM_EXIT_FIELDS has them */
		u32 size;	/* bytes to read */
#define KVMW_OFFSET(type, name, field, offset) u32 name;
		KVM_EXIT_FIELDS(KVMW_OFFSET)
	} exit;
	struct {
		u32 vcpu_id;
	} entry;
};

#endif
