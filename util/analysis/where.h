/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Selects rows by an expression over the names of their event:
 *
 *	reason==npf && total>100us && !(gpa in 0xfed00000-0xfed003ff, 0xfee00000)
 *
 * Documentation/common-options.txt describes it.  An expression is parsed once, bound to the events
 * that it is about, and then applied to whole columns; it reads only those that it needs.
 *
 * A comparison is true, false, or unknown, where the value is; && is the least of these, || the
 * greatest, and a row is of interest where all of it is true: as in SQL.
 */
#ifndef KVMW_WHERE_H
#define KVMW_WHERE_H

#include "util/recording/row_filter.h"
#include "util/types.h"

struct guest_symbols;
struct where;

/* option: for messages; both must outlive it. NULL: error() said what is wrong, and where. */
struct where *where__parse(const char *option, const char *text);
void where__free(struct where *w);
const char *where__text(const struct where *w);

/*
 * Looks up its names in these events, a bitmap of ids. One of them has to have a name; to the
 * others it is unknown then. Can be called again, for other events. 0, or -1: error() said why.
 */
int where__bind(struct where *w, u32 events);
/* Where nothing is known of the guest's functions: 0, or -1 if it is about them (error()). */
int where__without_symbols(const struct where *w);
/* Instead of those that the recording has.  They outlive w. */
void where__use_symbols(struct where *w, const struct guest_symbols *symbols);

/* Of w, once bound; threads may use it at the same time. Events not bound have no such rows. */
const struct row_filter *where__filter(const struct where *w);

#endif
