/* SPDX-License-Identifier: GPL-2.0 */
/* Keys that are fields of the event, by the names of name_ref.h: port, msr, leaf, source, ... */
#ifndef KVMW_KEY_FIELD_H
#define KVMW_KEY_FIELD_H

#include "util/analysis/report/report.h"

struct word_list;

/*
 * Makes a key of a field. Whether an event has it says key->column(). false: no event has a field
 * of this name that can be a key; times and durations cannot, almost every one of them is another.
 */
bool field_key__make(struct sort_key *key, const char *name);

/* Adds the names of the event's fields that are keys. */
void field_key__list(const struct event_desc *event, struct word_list *list);

#endif
