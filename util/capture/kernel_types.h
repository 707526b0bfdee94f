/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The types and functions of the running kernel and of KVM's modules that the programs need, found
 * in one pass.  libbpf looks at all types of the kernel again for each of them, which was most of
 * what the start of a recording cost; so it is given a BTF that has only these.
 */
#ifndef KVMW_KERNEL_TYPES_H
#define KVMW_KERNEL_TYPES_H

#include "util/types.h"

struct bpf_object;
struct kernel_types;
struct kvmw_config;

/* Reads nothing yet; NULL: error() said why. */
struct kernel_types *kernel_types__new(void);
/* Not before the object is closed for which it was found. */
void kernel_types__free(struct kernel_types *types);

/*
 * For btf_custom_path of libbpf, which reads it when the object is loaded; NULL: no file in memory
 * can be made, as where a filter of system calls or a limit on the size of files forbids it, and
 * libbpf looks at all types; or they have kinds that only libbpf may know.
 */
const char *kernel_types__path(const struct kernel_types *types);

/*
 * Finds what this object needs, and fills in what config->events need to know of types; to be
 * called once.  0, or -1 after error().
 */
int kernel_types__find(struct kernel_types *types, const struct bpf_object *obj,
		       struct kvmw_config *config);

/* The number of a struct in the kernel's BTF, not in the one of kernel_types__path(); 0: none. */
u32 kernel_types__id(const struct kernel_types *types, const char *name);

#endif
