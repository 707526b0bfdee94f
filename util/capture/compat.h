/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between kernels that the recorder knows: the first release with each (compare
 * kernel__version()) and the commit that made it.  The programs' are in bpf_skel/compat.bpf.h.
 */
#ifndef KVMW_COMPAT_H
#define KVMW_COMPAT_H

#include <linux/version.h>

/*
 * 80ee81e0403c ("bpf: Eliminate rlimit-based memory accounting infra for bpf maps"): before,
 * BPF maps count as locked memory.
 */
#define SINCE_FREE_MAPS		KERNEL_VERSION(5, 11, 0)

/*
 * 28bd726aa404 ("KVM: Pass in kvm pointer into mark_page_dirty_in_slot()"): before, it was so
 * small that its callers may have copies of it.
 */
#define SINCE_ONE_DIRTY_MARK	KERNEL_VERSION(5, 11, 0)

/*
 * a54d806688fe ("KVM: Keep memslots in tree-based structures instead of array-based ones"):
 * until then the layouts of 5.10 hold where KVM has no BTF.
 */
#define SINCE_SLOT_TREES	KERNEL_VERSION(5, 17, 0)

/*
 * Without a version, for the kernel itself says it:
 *
 * 457f44363a88 ("bpf: Implement BPF ring buffer and verifier support for it"), 5.8: preflight.c
 *	asks for the map type.
 * 36e68442d1af ("bpf: Load and verify kernel module BTFs"), 5.11: kernel__kvm_has_btf().
 * 9ed9e9ba2337 ("bpf: Count the number of times recursion was prevented"), 5.12: before,
 *	session__missed() is 0.
 * 9c2136be0878 ("sched/tracing: Append prev_state to tp args instead"), 5.18: kernel.c looks
 *	at the BTF of sched_switch.
 */

#endif
