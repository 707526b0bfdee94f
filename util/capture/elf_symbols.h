/* SPDX-License-Identifier: GPL-2.0 */
/* The functions of one ELF file, by address. */
#ifndef KVMW_ELF_SYMBOLS_H
#define KVMW_ELF_SYMBOLS_H

#include "util/types.h"

struct elf_symbol {
	u64 address, size;	/* as in the file; size 0: unknown */
	char *name;
};

struct elf_segment {
	u64 offset, size, address;	/* PT_LOAD: in the file, in memory */
};

struct elf_symbols {
	struct elf_symbol *symbol;	/* sorted by address */
	u32 nr, room;
	struct elf_segment *segment;
	u32 nr_segments;
};

/* Where distributions install the symbols of what they have stripped, by build id. */
#define ELF_SYMBOLS_DEBUG_DIR	"/usr/lib/debug"

/*
 * An unreadable file has no symbols. Those of a stripped one are in debug_dir, if anywhere; else it has
 * what it exports. Does not keep fd.
 */
void elf_symbols__read(struct elf_symbols *symbols, int fd, const char *debug_dir);
void elf_symbols__free(struct elf_symbols *symbols);

/* The function at an offset in the file, NULL: unknown; *into: offset in the function. */
const char *elf_symbols__find(const struct elf_symbols *symbols, u64 offset, u64 *into);

#endif
