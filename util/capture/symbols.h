/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names of addresses, of this kernel and of running processes, by the symbol tables of
 * the files they have mapped.  Nothing is downloaded.
 */
#ifndef KVMW_SYMBOLS_H
#define KVMW_SYMBOLS_H

#include <stddef.h>
#include <sys/types.h>

#include "util/types.h"

/* Reads the kernel's, tens of ms. NULL: no memory. */
struct symbols *symbols__new(void);
void symbols__free(struct symbols *symbols);

/* "sym+0x10", "sym+0x10 [module]"; the address where the kernel hides its symbols. */
void symbols__kernel(struct symbols *symbols, u64 address, char *buf, size_t size);

/*
 * Whether a process may have gone on at an address after a call: there is a call before
 * it.  Of a program without frame pointers a stack holds anything.
 */
bool symbols__after_call(struct symbols *symbols, pid_t pid, u64 address);

/*
 * "sym+0x10 [file]", "file+0x1234" where the file has no symbol there, the address where
 * none is mapped.  A process is looked at when it is first asked for, and again where it
 * has no such address; what was learned stays after its end.
 */
void symbols__user(struct symbols *symbols, pid_t pid, u64 address, char *buf, size_t size);

#endif
