/* SPDX-License-Identifier: GPL-2.0 */
/* The functions that the symbol tables of an ELF file have. */
#ifndef KVMW_ELF_WALK_H
#define KVMW_ELF_WALK_H

#include <gelf.h>

#include "util/types.h"

/*
 * Calls each for all functions, or of a stripped file for those that it exports.  labels: also
 * for symbols without a type in executable sections, as code in assembly has them.  What each
 * returns ends the walk if it is not 0, and is returned.
 */
int elf_walk__functions(Elf *elf, bool labels,
			int (*each)(void *arg, const GElf_Sym *sym, const char *name), void *arg);

/* Whether the table of all its symbols was removed. */
bool elf_walk__is_stripped(Elf *elf);

#endif
