/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's functions that rows of a recording are about, each sent once, in an IDENT frame
 * before the first such row: so the file alone has their names, and whoever reads it knows them
 * when he needs them.
 */
#ifndef KVMW_GUEST_NAMES_H
#define KVMW_GUEST_NAMES_H

#include "util/event_desc.h"
#include "util/symbols/guest_symbols.h"

/* Does not own the symbols. NULL: out of memory (error() said so). */
struct guest_names *guest_names__new(const struct guest_symbols *symbols);
void guest_names__free(struct guest_names *names);

/* Whether rows of these events, a bitmap of ids, are about functions of the guest. */
bool guest_names__are_in(u32 events);

/*
 * rows: event->size apart. *json: of those that come for the first time, to be freed; NULL: there
 * are none. 0, or -1: out of memory (error() said so).
 */
int guest_names__note(struct guest_names *names, const struct event_desc *event, const u8 *rows,
		      u32 nr, char **json);
/* All of them are sent again: for another file. */
void guest_names__again(struct guest_names *names);
/* Whether there were more than GUEST_SYMBOLS_STORED. */
bool guest_names__left_out(const struct guest_names *names);

#endif
