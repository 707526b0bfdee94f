/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which records are made at all: --reason, --min-duration, --port, --gpa, --msr and
 * --sample of kvmw record.  They act in the kernel; totals count everything all the same.
 */
#ifndef KVMW_FILTER_OPTIONS_H
#define KVMW_FILTER_OPTIONS_H

#include "util/types.h"
#include "bpf_skel/shared.h"

struct json_object;

/* All 0: nothing is left out. */
struct record_filter {
	struct kvmw_filter f;
	char *reasons;		/* as given, or NULL */
};

/*
 * "npf,hlt" or numbers, by the names of this host's exit reasons. 0, or -1: error() said
 * what is wrong with it.
 */
int record_filter__reasons(struct record_filter *filter, const char *names);

/* The name that --reason takes for a number on this host; NULL: none. */
const char *record_filter__reason_name(u32 number);
#define RECORD_FILTER_MAX_REASON 0x1000	/* above all that have names */

/* "0x3f8" or "0x60-0x64", ends included; -1: not a range, silent. */
int record_filter__range(struct kvmw_range *range, const char *text);

/*
 * The option that leaves nothing out, since none of the events it acts on is among these
 * (a bitmap of ids), and where these are told; NULL: there is none.
 */
const char *record_filter__idle(const struct kvmw_filter *f, u32 events, const char **acts_on);

/* Whether a cycle that the kernel did not complete passes; now: CLOCK_MONOTONIC, ns. */
bool record_filter__open(const struct kvmw_filter *f, u64 since, u64 now, u32 reason);

/* Adds what is set to META's "filters". */
void record_filter__json(const struct record_filter *filter, struct json_object *o);

#endif
