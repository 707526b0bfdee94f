/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Re-faults: page faults on pages that had been mapped before, and what had taken these away.
 *
 * A page had been mapped if an earlier fault of the recording mapped it.  It was taken by the
 * latest row of kind invalidate (event mmu) between the two faults that covers its address in
 * the VMM, which the memory slots give (event memslot), or by a row of kind zap_all.
 */
#ifndef KVMW_REFAULTS_H
#define KVMW_REFAULTS_H

#include "util/analysis/report/report.h"
#include "util/analysis/taken_pages.h"
#include "util/analysis/thread_names.h"
#include "util/recording/scan.h"

/* Of all workers together. */
#define REFAULTS_MAX_FAULTS	(4u << 20)	/* whose times are kept; 160 MB */
#define REFAULTS_MAX_TAKEN	(1u << 20)	/* rows of kind invalidate that are; 56 MB */
#define REFAULTS_HOW	32

struct refault_fault {
	u64 time_ns, gfn, span_ns;	/* gfn: KVMW_NONE unknown */
	u32 vcpu;
	u32 pid;		/* set at the end; 0: unknown */
	u16 level;		/* 1 to 3; unless */
	bool retried;		/* it mapped nothing: RET_PF_RETRY, retries.h */
	u32 vm;
};

struct refault_taken {
	u64 time_ns, start, end;
	u64 tid, syscall;
	u32 vcpu, pid;
	u32 cause;		/* KVMW_CAUSES, or: */
};

/* KVM dropped all mappings of the VM: kind zap_all. */
#define TAKEN_ZAP_ALL	(1u << 16)

/* Rows, as they come; all zero but for budget and kept in the beginning. */
struct refault_rows {
	struct budget *budget;
	struct kept_rows *kept;
	struct refault_fault *fault;
	struct refault_taken *taken;
	u32 nr_faults, fault_room, nr_taken, taken_room;
	u64 no_fault, no_taken;	/* rows beyond the limits */
};

/* 0, or -1 out of memory. */
int refault_rows__fault(struct refault_rows *r, const struct refault_fault *fault);
/* The rows of a batch with these columns, of event mmu; zap_all: also those of that kind. */
int refault_rows__take(struct refault_rows *r, const struct scan_batch *b, bool zap_all);
extern const char *const refault_taken_columns[];
/* Adds those of another worker, which were within the limits. */
int refault_rows__merge(struct refault_rows *to, const struct refault_rows *from);
void refault_rows__free(struct refault_rows *r);

/* What took pages that were faulted in again; by: who did it, "" where that is unknown. */
struct refault_cause {
	bool known;		/* else no row covers them */
	u64 cause, syscall;	/* KVMW_NONE: unknown, or several */
	char how[REFAULTS_HOW], by[THREAD_NAME_MAX];
	u64 count, span_ns;
};

#define REFAULT_CAUSES	64

struct refaults {
	/* the most frequent first; one for all others */
	struct refault_cause cause[REFAULT_CAUSES + 1];
	u32 nr;
	u64 count, span_ns;
	u64 no_address;		/* re-faults of pages in no known memory slot */
};

/*
 * How memory was taken, in a word: the system call, the part of the kernel, or else the
 * kernel's own word for it. comm: of the thread, "" if unknown; buf is returned.
 */
const char *taken_how(u64 cause, u64 syscall, const char *comm, bool by_vcpu,
		      char buf[REFAULTS_HOW]);

/* The same of a row, and in which thread: "vCPUs" for all that run vCPUs. */
void taken_names(const struct thread_names *names, const struct refault_taken *taken,
		 char how[REFAULTS_HOW], char by[THREAD_NAME_MAX]);

/* The process whose memory a row of a vCPU's id is about; 0: unknown. */
u32 taken_pid(const struct recording *rec, u32 vcpu_id);

/* ---- joining faults with rows of memory taken --------------------------------- */

struct refault {
	const struct refault_fault *fault;
	u64 before_ns;		/* when its page had been mapped last; 0: never */
	u64 page;		/* in the VMM; KVMW_NONE: unknown */
};

struct refault_list {
	struct refault *fault;
	u32 nr, room;
};

/* 0, or -1 out of memory. */
int refault_list__add(struct refault_list *l, struct budget *budget, const struct refault *re);

/* Row number i + 1 covers pages, if it is one of a known process. */
void refault_taken__cover(const struct refault_rows *rows, u32 i, struct taken_pages *pages);

/* Whether it is about the fault's VM: a process may have several. */
bool refault_taken__is_of(const struct refault_taken *t, const struct recording *rec,
			  const struct refault_fault *fault);

/* Adds up faults by what they were due to. */
struct refault_counter {
	struct refaults *found;
	const struct thread_names *names;
	/* The cause of the previous one, often also that of the next. */
	const struct refault_taken *by;
	struct refault_cause *cause;
};

/* by: NULL unknown. */
void refaults__count(struct refault_counter *to, const struct refault_taken *by, u64 span_ns);
/* The most frequent cause first; nothing can be counted after that. */
void refaults__sort(struct refaults *found);

struct retries;

/* Joins them; changes the order of rows. 0, or -1 (error() said why). */
int refaults__find(struct refaults *found, struct retries *retries, struct refault_rows *rows,
		   const struct report *rep);

#endif
