/* SPDX-License-Identifier: GPL-2.0 */
/* Asking a running kvmw record --keep for a snapshot. */
#ifndef KVMW_BUILTIN_SNAPSHOT_H
#define KVMW_BUILTIN_SNAPSHOT_H

#include <stddef.h>

/* Asks the only one that is running, and says in a line what came of it. */
void snapshot__ask(char *said, size_t size);

#endif
