/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names of addresses in this kernel and in running processes, from the symbol tables of the
 * files they have mapped.  Nothing is downloaded.
 */
#ifndef KVMW_SYMBOLS_H
#define KVMW_SYMBOLS_H

#include <stddef.h>
#include <sys/types.h>

#include "util/symbols/elf_symbols.h"
#include "util/types.h"

/* Reads the kernel's symbols, which takes tens of ms. NULL after error(). */
struct symbols *symbols__new(void);
void symbols__free(struct symbols *symbols);

/* "sym+0x10", "sym+0x10 [module]"; the address where the kernel hides its symbols. */
void symbols__kernel(struct symbols *symbols, u64 address, char *buf, size_t size);

/*
 * Whether an address may be a return address, that is, follows a call instruction.  Stacks of
 * programs without frame pointers contain arbitrary values.
 */
bool symbols__after_call(struct symbols *symbols, pid_t pid, u64 address);

/*
 * "sym+0x10 [file]"; "file+0x1234" if the file has no symbol there, then *lost is where; the
 * address if no file is mapped there. The mappings of a process are read at its first look-up and
 * again for an unknown address; they are kept after its end.
 */
void symbols__user(struct symbols *symbols, pid_t pid, u64 address, char *buf, size_t size,
		   struct elf_place *lost);

#endif
