/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers in the events of guest memory, because kernels differ in theirs: part of the lists of
 * util/events.h, which includes this file.  They are append-only, like all ids there.
 */
#ifndef KVMW_EVENT_MEMORY_H
#define KVMW_EVENT_MEMORY_H

/* RET_PF(NAME, name, number, doc): RET_PF_*, what handlers of page faults return. */
#define KVMW_RET_PFS(RET_PF)						\
	RET_PF(NONE, "", 0, "none")					\
	RET_PF(RETRY, "retry", 1, "nothing is mapped yet, and the guest tries again") \
	RET_PF(EMULATE, "emulate", 2, "KVM emulates the instruction")	\
	RET_PF(INVALID, "invalid", 3, "left to another handler")	\
	RET_PF(FIXED, "fixed", 4, "the page is mapped now")		\
	RET_PF(SPURIOUS, "spurious", 5, "the page was mapped already")	\
	RET_PF(CONTINUE, "continue", 6, "KVM goes on handling it")	\
	RET_PF(WRITE_PROTECTED, "write_protected", 7,			\
	       "the page holds page tables of the guest, and writes to it are emulated") \
	RET_PF(ERROR, "error", 8, "the handler failed: result is the errno") \
	RET_PF(OTHER, "other", 9, "one that this version of kvmw does not know")

/* CAUSE(NAME, name, number, doc): enum mmu_notifier_event, why the host takes memory from a VM. */
#define KVMW_CAUSES(CAUSE)						\
	CAUSE(NONE, "", 0, "none")					\
	CAUSE(UNMAP, "unmap", 1, "the VMM no longer has these addresses") \
	CAUSE(CLEAR, "clear", 2, "pages are discarded, swapped, moved, merged or copied") \
	CAUSE(PROTECT, "protect", 3, "access is restricted: mprotect, NUMA balancing, userfaultfd") \
	CAUSE(PROTECT_PAGE, "protect_page", 4, "access to a page is restricted: writeback")	\
	CAUSE(SOFT_DIRTY, "soft_dirty", 5, "writes are to be noticed: /proc/PID/clear_refs") \
	CAUSE(RELEASE, "release", 6, "the VMM ends")			\
	CAUSE(MIGRATE, "migrate", 7, "pages move to or from a device")	\
	CAUSE(EXCLUSIVE, "exclusive", 8, "a device needs the page for itself") \
	CAUSE(OTHER, "other", 9, "one that this version of kvmw does not know")

/* KVMW_RET_PF_FIXED, …; KVMW_CAUSE_UNMAP, … */
#define KVMW_RET_PF_ID(NAME, name, number, doc) KVMW_RET_PF_##NAME = number,
enum kvmw_ret_pf { KVMW_RET_PFS(KVMW_RET_PF_ID) };
#define KVMW_CAUSE_ID(NAME, name, number, doc) KVMW_CAUSE_##NAME = number,
enum kvmw_cause { KVMW_CAUSES(KVMW_CAUSE_ID) };

#endif
