/* SPDX-License-Identifier: GPL-2.0 */
/* The instructions in the image of a guest's kernel, at the addresses that it was linked for. */
#ifndef KVMW_GUEST_CODE_H
#define KVMW_GUEST_CODE_H

#include "util/types.h"

struct guest_code;

/*
 * path: ELF, or an image of Linux as it is booted, compressed or not. NULL: it cannot be read, or
 * is none of these (error() said so).
 */
struct guest_code *guest_code__read(const char *path);
void guest_code__free(struct guest_code *c);

/* Copies up to size bytes of code; how many there are. */
size_t guest_code__at(const struct guest_code *c, u64 address, u8 *buf, size_t size);

/* Whether some of it is in the upper half of all addresses. */
bool guest_code__of_kernel(const struct guest_code *c);

#endif
