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

#define ELF_ID_MAX	64	/* bytes of a build id; usually 20 */

/* Somewhere in a file that has this build id. */
struct elf_place {
	u64 address;		/* as in the file */
	u32 id_len;		/* 0: it has none */
	u8 id[ELF_ID_MAX];
};

struct elf_symbols {
	struct elf_symbol *symbol;	/* sorted by address */
	u32 nr, room;
	struct elf_segment *segment;
	u32 nr_segments;
	u32 id_len;
	u8 id[ELF_ID_MAX];
};

/* Where distributions install the symbols of stripped files, by build id. */
#define ELF_SYMBOLS_DEBUG_DIR	"/usr/lib/debug"

/*
 * An unreadable file has no symbols. Those of a stripped one are in debug_dir, if anywhere; else it
 * has what it exports. Does not keep fd.
 */
void elf_symbols__read(struct elf_symbols *symbols, int fd, const char *debug_dir);
void elf_symbols__free(struct elf_symbols *symbols);

/* Opens the debug symbols of a file with this build id; -1: there are none. */
int elf_symbols__open_debug(const char *debug_dir, const u8 *id, u32 id_len);
/* Reads its symbols, if it has that build id. */
void elf_symbols__read_debug(struct elf_symbols *symbols, int fd, const u8 *id, u32 id_len);
/* The function at an address, likewise. */
const char *elf_symbols__find_address(const struct elf_symbols *symbols, u64 address, u64 *into);

/* Where an offset in the file is, for somebody who may have its debug symbols. */
void elf_symbols__place(const struct elf_symbols *symbols, u64 offset, struct elf_place *place);

/* The function at an offset in the file, NULL: unknown; *into: offset in the function. */
const char *elf_symbols__find(const struct elf_symbols *symbols, u64 offset, u64 *into);

#endif
