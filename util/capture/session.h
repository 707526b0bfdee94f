/* SPDX-License-Identifier: GPL-2.0 */
/* The BPF side of a recording: programs, rings and the vCPUs' states. */
#ifndef KVMW_SESSION_H
#define KVMW_SESSION_H

#include <sys/types.h>

#include "util/types.h"
#include "util/capture/clocks.h"
#include "bpf_skel/shared.h"
#include "util/capture/events_option.h"
#include "util/capture/group_find.h"
#include "util/capture/provider.h"

struct session_opts {
	/*
	 * Events and tracepoints; outlives the session.  Events of groups that the kernel
	 * refuses are removed.
	 */
	struct event_choice *choice;
	enum kvmw_target target;
	const pid_t *pids;	/* KVMW_TARGET_CHOSEN: processes */
	u32 nr_pids;
	/* likewise: control groups and all below; or NULL */
	const struct group_choices *groups;
	const pid_t *excluded;	/* KVMW_TARGET_ALL: all but these */
	u32 nr_excluded;
	const u64 *vcpus;	/* bitmap of KVMW_MAX_VCPU_IDS ids, or NULL: all */
	/* vCPUs and VMMs at a time, a multiple of KVMW_MIN_VCPUS; 0: the default */
	u32 max_vcpus;
	/* all rings together; 0: events are only counted, and how long cycles last */
	u64 ring_bytes;
	/* percent of a CPU, for which session__thin() may be called; 0: none */
	double cpu_limit;
	bool names_again;	/* for a window: threads are named again and again */
	struct kvmw_filter filter;
	bool verbose;
};

/*
 * Loads and attaches; nothing is recorded yet.  NULL: error() said why.  The
 * options' arrays are copied.
 */
struct session *session__open(const struct session_opts *opts);
void session__close(struct session *s);

/* Both return their CLOCK_MONOTONIC time; after stop no program writes any more. */
u64 session__start(struct session *s);
u64 session__stop(struct session *s);

/* From now on one in so many rows is recorded, of those that are wanted; ~0U: none. */
void session__thin(struct session *s, u32 one_in);
/* Whether rows are dropped now. */
bool session__thins(const struct session *s);
/* How many vCPUs and VMMs it has room for at a time. */
u32 session__nr_states(const struct session *s);
/* These states, live. */
const struct kvmw_vcpu_state *session__states(const struct session *s);
/* How long their cycles lasted, live; NULL: this is not counted. */
const struct kvmw_latencies *session__latencies(const struct session *s);
/* KVMW_MAX_TAKEN + 1 sums of what was taken from VMs, live; NULL: this is not known. */
const struct kvmw_taken_sum *session__taken(const struct session *s);
/*
 * Iterates over KVM ioctls in progress; *tid is the thread of the previous one, 0 at first.
 * false: there are no more.
 */
bool session__next_call(const struct session *s, u32 *tid, struct kvmw_call *call);

/* How often the programs changed what IDENT frames say. */
u64 session__changes(const struct session *s);

/*
 * When a vCPU was gone; 0: it was not.  Where its end cannot be seen, it is gone with its process
 * at the latest.
 */
u64 session__gone_ns(const struct session *s, const struct kvmw_vcpu_state *state);

/* State i has ended and is free for another vCPU, under another id. */
void session__free_state(struct session *s, u32 i);

/* Events of vCPUs and VMMs without a state, which are not even in the totals. */
struct session_unseen {
	u64 no_state;		/* all states were in use */
	u64 over_share;		/* their process has its share of them (identity.bpf.h) */
	u32 pid;		/* the last such process */
};
void session__unseen(const struct session *s, struct session_unseen *u);
/* More than half of the states are in use: those that ended are needed. */
bool session__crowded(const struct session *s);

const struct kvmw_filter *session__filter(const struct session *s);

u32 session__nr_rings(const struct session *s);
u64 session__ring_bytes(const struct session *s);	/* of one */
/* Reads a stack of stack.bpf.c, KVMW_MAX_FRAMES addresses, 0 after the last one; -1 with errno. */
int session__stack(const struct session *s, u32 id, u64 *addresses);
int session__ring_fd(const struct session *s, u32 ring);

/* Run time of all programs so far, ns; counts only while BPF statistics are on. */
u64 session__bpf_ns(const struct session *s);

/*
 * Runs that the kernel skipped because the program was already running on that CPU; 0 where
 * the kernel does not count them (compat.h).
 */
u64 session__missed(const struct session *s, u32 probe);

/* Whether a probe is meant for this kernel, and for what is asked for: a record, or counters. */
bool session__applies(const struct session *s, u32 probe);

/* The method by which a probe is attached; NULL: it is not. */
const struct attach_method *session__method(const struct session *s, u32 probe);
const char *session__what(const struct session *s, u32 probe);


/* The program that lists the vCPUs of the host, loaded; NULL: not on this kernel. */
struct bpf_program;
const struct bpf_program *session__vcpu_files(const struct session *s);
/* The one that lists their memory slots. */
const struct bpf_program *session__vm_slots(const struct session *s);

#endif
