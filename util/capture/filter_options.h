/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Filters of kvmw record: --reason, --min-duration, --port, --gpa, --msr and --sample.  They act
 * in the kernel; totals count filtered events too.
 */
#ifndef KVMW_FILTER_OPTIONS_H
#define KVMW_FILTER_OPTIONS_H

#include "util/types.h"
#include "bpf_skel/shared.h"

struct json_object;

/* All 0: nothing is filtered. */
struct record_filter {
	struct kvmw_filter f;
	char *reasons;		/* as given, or NULL */
};

/*
 * "npf,hlt" or numbers, with the names of this host's exit reasons. 0, or -1 after error().
 */
int record_filter__reasons(struct record_filter *filter, const char *names);

/* The name that --reason takes for a number on this host; NULL: none. */
const char *record_filter__reason_name(u32 number);

/* "0x3f8" or "0x60-0x64", inclusive; -1: not a range, silent. */
int record_filter__range(struct kvmw_range *range, const char *text);

/*
 * The option that filters nothing because none of the events it acts on is in events (a bitmap
 * of ids); *acts_on: those events, in words.  NULL: there is no such option.
 */
const char *record_filter__idle(const struct kvmw_filter *f, u32 events, const char **acts_on);

/* Whether events may have no record because of a filter. */
bool record_filter__any(const struct kvmw_filter *f);

/* Whether an unfinished cycle passes the filters. now: CLOCK_MONOTONIC, ns. */
bool record_filter__open(const struct kvmw_filter *f, u64 since, u64 now, u32 reason);

/* Adds the filters that are set to META's "filters". */
int record_filter__json(const struct record_filter *filter, struct json_object *o);

/* Whether a row that has not ended yet is recorded. */
bool record_filter__held(const struct kvmw_filter *f, const struct kvmw_held *held);

#endif
