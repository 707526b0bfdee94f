/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Steps of equal length, a power of two, by which a report says when something was. They begin
 * short, since the length of a recording is known only after reading it.
 */
#ifndef KVMW_TIME_STEPS_H
#define KVMW_TIME_STEPS_H

#include "util/types.h"

#define TIME_SHIFT_MIN	16	/* 65 us */

/* The least shift, steps being 1 << shift ns long, at which at_ns is in the first nr steps. */
static inline u32 time_steps__shift(u64 at_ns, u32 nr)
{
	u32 shift = TIME_SHIFT_MIN;

	while (at_ns >> shift >= nr)
		shift++;
	return shift;
}

#endif
