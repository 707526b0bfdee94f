/* SPDX-License-Identifier: GPL-2.0 */
/* What the programs have to know of the running kernel that only the recorder can look up. */
#ifndef KVMW_KERNEL_H
#define KVMW_KERNEL_H

#include "util/types.h"
#include "bpf_skel/shared.h"

/*
 * Fills in what these events (a bitmap of ids) take of it, from the kernel's BTF and
 * /proc/kallsyms; what is not to be had stays 0.
 */
void kernel__read(u32 events, struct kvmw_config *config);

/* Whether the kernel or a module has a function that can be named. */
bool kernel__has_function(const char *name);

/* False where KVM is a module without BTF (compat.h): its types and functions are unknown then. */
bool kernel__kvm_has_btf(void);

/* The running kernel's as KERNEL_VERSION() has it, without its third number. */
u32 kernel__version(void);

/*
 * Why memory slots cannot be read, in one line; NULL: they can, by BTF or by the layout of
 * 5.10 (compat.h).
 */
const char *kernel__no_memslots(const struct kvmw_config *config);

/*
 * Whether a thread may lose its CPU in the midst of kernel code ("full" or "lazy" of
 * sched_dynamic_mode_names, kernel/sched/core.c); where debugfs does not tell, whether the
 * kernel was built for it.
 */
bool kernel__preemptible(void);

/* Why APIC timers cannot be told from others, in one line; NULL: they can. */
const char *kernel__no_apic_timer(const struct kvmw_config *config);

#endif
