/* SPDX-License-Identifier: GPL-2.0 */
/* What a report can tell of each event, and how it is asked for by default. */
#ifndef KVMW_EVENT_COLUMNS_H
#define KVMW_EVENT_COLUMNS_H

#include "util/types.h"

enum report_key { KEY_REASON, KEY_VCPU, KEY_VM, KEY_DETAIL, KEY_USER, KEY_CPU, NR_REPORT_KEYS };

struct report_event {
	u32 id;
	/* Names of columns; "": this event has no such thing. */
	const char *span, *gap, *reason, *isa;
	const char *parts[5];		/* by enum agg_part */
	const char *detail, *detail_kind, *user, *cpu;
	/* Heading of the column that tells the reason, and of that for the detail. */
	const char *reason_title, *detail_title;
	const char *plural;		/* "exits" */
	enum report_key sort[2];	/* by default */
	u32 nr_sort;
};

/* NULL: not an event that can be reported. */
const struct report_event *report_event__find(u32 id);

/* Events that make up vCPUs' time: exit and userspace; all others are families. */
bool report_event__is_cycle(u32 id);

#endif
