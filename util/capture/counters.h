/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything counted up to now, as rows of "total": also the time of what goes on, which the
 * programs add to their sums only when it ends.
 */
#ifndef KVMW_COUNTERS_H
#define KVMW_COUNTERS_H

#include "util/capture/session.h"
#include "util/capture/sink.h"

/* The reason of a row whose gap_ns is time in the guest, or in KVM_RUN, that is of no exit yet. */
#define COUNTERS_IN_GUEST	(KVMW_REASON_OTHER + 1)

/*
 * How long completed cycles lasted: of each reason that had any, in its row done and span_ns alone
 * are known; count: as in struct kvmw_latencies.  0 or -1.
 */
typedef int counters_take(void *arg, const struct kvmw_total *row, const u64 *count);

/* Rows of all states, to the sink; and durations, to take.  0 or -1. */
int counters__send(const struct session *session, struct sink *sink, u64 now, counters_take *take,
		   void *arg);

#endif
