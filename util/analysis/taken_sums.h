/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that the host took from VMs, as sums of the whole recording: table "taken", which a
 * default recording has.  The rows of event mmu (model_mmu.h) say when and where, too.
 */
#ifndef KVMW_TAKEN_SUMS_H
#define KVMW_TAKEN_SUMS_H

#include "util/analysis/refaults.h"
#include "util/analysis/thread_names.h"

struct taken_sum {
	char how[REFAULTS_HOW];	/* in a word, as in struct refault_cause */
	char by[THREAD_NAME_MAX];	/* thread; "vCPUs" for all that run vCPUs; "": unknown */
	u32 kind;		/* KVMW_taken_*, or a newer one */
	u32 pid;		/* of the thread; ~0: unknown, or several */
	u64 cause, syscall;	/* KVMW_NONE: unknown, none, or several */
	u64 count, bytes;
	u64 guest_count, guest_bytes;	/* of guest memory; KVMW_NONE: unknown */
};

struct taken_sums {
	struct taken_sum *line;	/* most guest memory first */
	u32 nr;
	struct taken_sum all;	/* names are empty */
	u64 over_limit;		/* rows beyond the limit */
};

/* "kernel", "process"; NULL: unknown. */
const char *taken_sum__kind(u32 kind);

/* Whether the recording has the sums, for everything in the report. */
bool taken_sums__known(const struct report *rep);

/* Of the VMs that the report selects.  0, or -1 out of memory (error() said so). */
int taken_sums__make(struct taken_sums *sums, const struct thread_names *names);
void taken_sums__free(struct taken_sums *sums);

/* Guest memory that was taken as far as that is known, else all memory; bytes. */
u64 taken_sum__guest(const struct taken_sum *sum);

#endif
