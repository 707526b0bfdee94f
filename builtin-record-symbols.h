/* SPDX-License-Identifier: GPL-2.0 */
/* Symbols of the guest. A recording gets those that it needs. */
#ifndef KVMW_BUILTIN_RECORD_SYMBOLS_H
#define KVMW_BUILTIN_RECORD_SYMBOLS_H

#include "util/symbols/guest_symbols.h"

/*
 * Under sudo as the user who asked. *symbols: NULL if no file is given. 0, or -1: they are not
 * right, or not enough (error() said why).
 */
int record_symbols__read(const struct guest_symbol_files *files, struct guest_symbols **symbols);

#endif
