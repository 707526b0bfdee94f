/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names of functions in files known by their build ids. A child looks them up: it is
 * started before a hostile recording is read, and gets nothing from it but build ids
 * and addresses.
 */
#ifndef KVMW_NAMER_H
#define KVMW_NAMER_H

#include <stdbool.h>

#include "util/symbols/elf_symbols.h"

#define NAMER_NAME	1024	/* bytes */

struct namer;

/*
 * debug_dir: where files are by build id, NULL: nowhere; debuginfod: also ask the servers of
 * $DEBUGINFOD_URLS.  NULL: error() said why.
 */
struct namer *namer__start(const char *debug_dir, bool debuginfod);
/* The function there into name, of NAMER_NAME, and how far into it. false: unknown. */
bool namer__ask(struct namer *namer, const struct elf_place *place, char *name, u64 *into);
/* Ends the child. */
void namer__end(struct namer *namer);

#endif
