/* SPDX-License-Identifier: GPL-2.0 */
/* Names of threads for the views, and which threads did something most often. */
#ifndef KVMW_THREAD_NAMES_H
#define KVMW_THREAD_NAMES_H

#include "util/analysis/report/report.h"

#define THREAD_NAME_MAX	REPORT_LABEL_MAX

struct thread_names {
	const struct report *rep;
	const struct rec_vcpu **by_tid;	/* ascending */
	u32 nr;
};

/* 0, or -1 out of memory (error() said so). */
int thread_names__init(struct thread_names *n, const struct report *rep);
void thread_names__free(struct thread_names *n);

/* Whether it is a thread of a VM: a vCPU's, or another one of its VMM. */
bool thread_names__is_of_vm(const struct thread_names *n, u64 tid);

/* The only vCPU that a thread ran; NULL: it ran none, or several. */
const struct rec_vcpu *thread_names__vcpu_of(const struct thread_names *n, u64 tid);

/* "vCPU 0", "vCPU 4711/0" where there are more VMs; id: of the rows' field vcpu. */
void thread_names__vcpu(const struct thread_names *n, u32 id, char *buf);
/*
 * Of a vCPU as that, if it is the thread's only one; of others the comm; "tid 55" where there is
 * none; zero for tid 0.
 */
void thread_names__thread(const struct thread_names *n, u64 tid, const char *zero, char *buf);

/* How often a thread did something to an owner. */
struct view_pair {
	u64 owner, tid, count;
};

/* Ascending by owner, then tid. */
void view_pairs__sort(struct view_pair *pair, u32 nr);

struct view_top {
	char name[THREAD_NAME_MAX];
	u64 count;
};

/*
 * Sums up pairs by the name of the thread and gives the first max of them, the most frequent
 * first: how many there are, or -1 out of memory (error() said so).
 */
int thread_names__top(const struct thread_names *n, const struct view_pair *pair, u32 nr,
		    const char *zero, struct view_top *top, u32 max);

/* The time that a report covers, CLOCK_MONOTONIC ns: the recording, or its part in the window. */
void view_span(const struct report *rep, u64 *from_ns, u64 *to_ns);

#endif
