/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Page faults that KVM left to the guest to try again (RET_PF_RETRY), by what the host took from
 * the VM meanwhile.
 *
 * KVM drops what it found out about a page if the host has invalidated memory since: if an
 * invalidation that covers the page is under way, or if any one of the VM has ended since the
 * fault began (is_page_fault_stale(), arch/x86/kvm/mmu/mmu.c; mmu_invalidate_retry_gfn(),
 * include/linux/kvm_host.h).  Before Linux 5.12 one under way counts wherever it is.  A row says
 * when an invalidation began, not when it ended, so one that began before the fault is separate.
 * A fault is also retried because another vCPU changed the entry, or its page is being fetched
 * (async page fault).
 */
#ifndef KVMW_RETRIES_H
#define KVMW_RETRIES_H

#include "util/analysis/refaults.h"

struct retry_sum {
	u64 count, span_ns;
};

/* Four classes with a known address, and the others. */
struct retries {
	bool known;			/* else no rows of memory taken could be recorded */
	struct refaults page;		/* the page was taken during the fault */
	struct refaults elsewhere;	/* other memory of the process was taken, not the page */
	/* neither, but the page was taken before and not mapped since */
	struct refaults before;
	struct retry_sum without, unknown, all;
};

/* rows: as refaults__find() has placed and sorted them. 0, or -1 (error() said why). */
int retries__join(struct retries *found, struct refault_list *list, const struct refault_rows *rows,
		  const struct thread_names *names);

#endif
