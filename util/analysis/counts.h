/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters of kvmw stat: what has been counted so far, and since the last interval. While a cycle
 * goes on, its parts are a guess, which its end may correct.
 */
#ifndef KVMW_COUNTS_H
#define KVMW_COUNTS_H

#include "util/analysis/report/report.h"

/* count[i] of durations from 2^i to 2^(i+1) ns; the last one also of longer ones. */
#define COUNTS_LATENCIES	35

struct counts {			/* all zero: empty */
	struct hash_table table;
	bool full;		/* some keys had no room */
};

enum counts_span {
	COUNTS_INTERVAL,	/* since the last call of counts__next() */
	COUNTS_ALL,		/* since the beginning, as it is known now */
	COUNTS_GROWN,		/* likewise, but no number ever decreases */
};

/*
 * What is counted by now. in_guest: the reason of time in the guest, or in KVM_RUN, that is of no
 * exit yet. 0, or -1 out of memory (error() said so).
 */
int counts__take(struct counts *c, const struct agg_table *totals, u32 in_guest);
/* How long completed cycles of a key lasted: ended_ns in all.  0 or -1. */
int counts__take_latencies(struct counts *c, const struct agg_key *key,
			   const u64 count[COUNTS_LATENCIES], u64 ended_ns);

/* As aggregates for report__make().  0 or -1. */
int counts__since(struct counts *c, enum counts_span span, struct agg_table *aggs);
/* The next interval begins. */
void counts__next(struct counts *c);
/* Forgets the vCPUs that keep() does not want.  0 or -1. */
int counts__keep(struct counts *c, bool (*keep)(void *arg, u32 vcpu), void *arg);
void counts__free(struct counts *c);

/*
 * Of a report made of them: means are of the cycles that ended, least and greatest are unknown, and
 * percentiles are at most what is said: the end of a power of two; unknown beyond the last one.
 */
void counts__finish(struct report *rep);
/* Such an end, of a percentile; KVMW_NONE beyond the last one. */
u64 counts__end_of_power(u64 ns);

#endif
