/* SPDX-License-Identifier: GPL-2.0 */
/* What the programs need to know about the running kernel, and only the recorder can find. */
#ifndef KVMW_KERNEL_H
#define KVMW_KERNEL_H

#include "util/types.h"
#include "bpf_skel/shared.h"

struct btf_parts;

/*
 * Fills in what these events (a bitmap of ids) need, from the kernel's types (NULL: unknown) and
 * /proc/kallsyms; what is unavailable stays 0.
 */
void kernel__read(u32 events, const struct btf_parts *types, struct kvmw_config *config);
/* The types that it needs.  0, or -1 after error(). */
int kernel__want(struct btf_parts *types);

/* Whether /proc/kallsyms has a function. */
bool kernel__has_function(const char *name);

/* False where KVM is a module without BTF (compat.h): its types and functions are unknown then. */
bool kernel__kvm_has_btf(void);

/* The running kernel's KERNEL_VERSION(), with 0 as third number. */
u32 kernel__version(void);

/*
 * Why memory slots cannot be read, in one line; NULL: they can, by BTF or by the layout of
 * 5.10 (compat.h).
 */
const char *kernel__no_memslots(const struct kvmw_config *config);

/*
 * Whether kernel code can be preempted ("full" or "lazy" of sched_dynamic_mode_names,
 * kernel/sched/core.c); without debugfs, whether the kernel was built for it.
 */
bool kernel__preemptible(void);

/* Why APIC timers cannot be distinguished from others, in one line; NULL: they can. */
const char *kernel__no_apic_timer(const struct kvmw_config *config);

#endif
