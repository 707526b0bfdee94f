/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a vCPU did at each time of a recording, for all tables:
 *
 *	from_ns           until_ns          to_ns
 *	   | unseen, cycles, gaps, open | gone |
 *
 * A cycle without an end is open if it is the vCPU's last one.  Otherwise only its end was missed:
 * that is a gap, and its time is unseen, as is the time before the first cycle and after the last
 * completed one.  Open and unseen time ends when the vCPU is gone.
 */
#ifndef KVMW_VCPU_LIFE_H
#define KVMW_VCPU_LIFE_H

#include "util/recording/recording.h"

struct vcpu_life {
	u64 from_ns, to_ns;	/* the recording, CLOCK_MONOTONIC; 0: unknown */
	u64 until_ns;		/* when the vCPU died; to_ns: it did not */
};

struct vcpu_time {
	u64 open_ns, unseen_ns, gone_ns;
	u64 gaps;		/* their number */
	u64 wall_ns;		/* the sum of all states, that of the cycles included */
};

/* id: of a row's field vcpu. */
struct vcpu_life vcpu_life__of(const struct recording *rec, u32 id);

static inline bool vcpu_life__is_gone(const struct vcpu_life *life)
{
	return life->until_ns < life->to_ns;
}

/* When it died, ns since the start of the recording; KVMW_NONE: it did not. */
static inline u64 vcpu_life__died(const struct vcpu_life *life)
{
	return vcpu_life__is_gone(life) ? life->until_ns - life->from_ns : KVMW_NONE;
}

/* How long something that began then, and did not end, has lasted. */
static inline u64 vcpu_life__since(const struct vcpu_life *life, u64 time_ns)
{
	return time_ns && time_ns < life->until_ns ? life->until_ns - time_ns : 0;
}

/* sum: of the vCPU's rows; cycles_ns: the time of its cycles, and in the guest before them. */
struct vcpu_time vcpu_life__account(const struct vcpu_life *life, const struct agg *sum,
				    u64 cycles_ns);

#endif
