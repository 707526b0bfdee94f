// SPDX-License-Identifier: GPL-2.0
/*
 * Clocks are coarser than a nanosecond: the TSC of a 2.6 GHz AMD CPU advances by 26
 * every 10.0149 ns, and arm64's generic timer advances every 16 to 42 ns.  A duration is
 * then a whole number of ticks, apart from the rounding of its two ends.  Finding the
 * length of the tick from the data saves two to four bits per duration.
 */
#include "util/data/encode.h"

#define TICK_MIN	5u		/* ns; a shorter tick saves little */
#define TICK_MAX	128u
#define FIRST_RANGE	1024u		/* ns; of the samples examined first */
#define LAST_RANGE	(1u << 22)
#define SAMPLES		256u
#define RETRY		16u		/* columns to wait after a failed search */
#define GOOD_PERCENT	75u

/* Frequencies are in ticks per ns, times 2^48. */
#define FREQUENCY(ns)	((1ULL << 48) / (ns))

/* The samples' average distance from whole ticks: 0 to 1000. */
static u32 misfit(const u32 *sample, u32 nr, u64 frequency)
{
	u64 sum = 0;

	for (u32 i = 0; i < nr; i++) {
		s32 phase = (s32)((sample[i] * frequency) >> 16);

		sum += phase < 0 ? -(s64)phase : phase;
	}
	return nr ? sum / nr / ((1u << 31) / 1000) : 1000;
}

/* Samples values, and differences of neighbours, in [range / 4, range). */
static u32 take_samples(const u64 *v, u32 nr, u32 range, u32 *sample)
{
	u32 n = 0;

	for (u32 i = 1; i < nr && n + 2 <= SAMPLES; i++) {
		u64 d = v[i] > v[i - 1] ? v[i] - v[i - 1] : v[i - 1] - v[i];

		if (d >= range / 4 && d < range)
			sample[n++] = d;
		if (v[i] >= range / 4 && v[i] < range)
			sample[n++] = v[i];
	}
	return n;
}

static u64 best_of(const u32 *sample, u32 nr, u64 from, u64 to, u64 step, u32 *best)
{
	u64 found = from;

	*best = 1000;
	for (u64 f = from; f <= to; f += step) {
		u32 m = misfit(sample, nr, f);

		if (m < *best) {
			*best = m;
			found = f;
		}
	}
	return found;
}

/* Longer durations give a more precise frequency. */
static u64 refine(const u64 *v, u32 nr, u64 frequency)
{
	u32 sample[SAMPLES], best;
	u64 step = 0;

	for (u32 range = FIRST_RANGE; range <= LAST_RANGE; range *= 4) {
		u32 n = take_samples(v, nr, range, sample);

		if (n < 32)
			continue;
		step = (1ULL << 48) / range / 16;
		for (u32 again = 0; again < 2; again++, step /= 8)
			frequency = best_of(sample, n, frequency - 8 * step, frequency + 8 * step,
					    step, &best);
	}
	return frequency;
}

/* Whether a tick of this length leaves no more than the rounding of two ends. */
static bool good(const u64 *v, u32 nr, u64 tick)
{
	u32 fits = 0, all = 0;

	for (u32 i = 0; i < nr; i++) {
		u64 rest;

		if (v[i] >= QUANTUM_LIMIT || !v[i])
			continue;
		rest = v[i] - quantum_ns(quantum_ticks(v[i], tick), tick);
		fits += rest <= 1;
		all++;
	}
	return all && 100ULL * fits >= (u64)GOOD_PERCENT * all;
}

static u64 tick_of(u64 frequency)
{
	return ((unsigned __int128)1 << 80) / frequency;
}

u64 find_quantum(struct quantum *q, const u64 *v, u32 nr)
{
	u32 sample[SAMPLES], n, best;
	u64 frequency;

	if (q->frequency) {
		frequency = refine(v, nr, q->frequency);
		if (good(v, nr, tick_of(frequency))) {
			q->frequency = frequency;
			return tick_of(frequency);
		}
		return good(v, nr, tick_of(q->frequency)) ? tick_of(q->frequency) : 0;
	}
	if (q->wait && q->wait--)
		return 0;
	n = take_samples(v, nr, FIRST_RANGE, sample);
	if (n < SAMPLES / 4)
		return 0;
	q->wait = RETRY;
	frequency = best_of(sample, n, FREQUENCY(TICK_MAX), FREQUENCY(TICK_MIN),
			    FREQUENCY(4ULL * FIRST_RANGE), &best);
	if (best > 300)
		return 0;
	frequency = refine(v, nr, frequency);
	if (!good(v, nr, tick_of(frequency)))
		return 0;
	q->frequency = frequency;
	return tick_of(frequency);
}
