// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>

#include "util/analysis/deadlines.h"
#include "util/analysis/report/report.h"

/* CLOCK_MONOTONIC is slewed by NTP: in between the two moments this is taken to be constant. */
#define MAX_SPAN_NS	(60 * 1000000000ULL)
#define MIN_SPAN_NS	(100 * 1000000ULL)	/* else the moments are too close for a frequency */

/* The same samples, whatever order the rows come in. */
static bool is_kept(const struct deadlines *d, u64 time_ns)
{
	return !((time_ns * 0x9e3779b97f4a7c15ULL >> 32) & ((1ULL << d->shift) - 1));
}

static void keep_fewer(struct deadlines *d)
{
	u32 nr = 0;

	d->shift++;
	for (u32 i = 0; i < d->nr; i++)
		if (is_kept(d, d->sample[i].time_ns))
			d->sample[nr++] = d->sample[i];
	d->nr = nr;
}

void deadlines__add(struct deadlines *d, const struct deadline *sample)
{
	while (d->nr == MAX_DEADLINES && d->shift < 32)
		keep_fewer(d);
	if (d->nr < MAX_DEADLINES && is_kept(d, sample->time_ns))
		d->sample[d->nr++] = *sample;
}

void deadlines__merge(struct deadlines *to, const struct deadlines *from)
{
	while (to->shift < from->shift)
		keep_fewer(to);
	for (u32 i = 0; i < from->nr; i++)
		deadlines__add(to, &from->sample[i]);
}

/* The guest's TSC as a function of CLOCK_MONOTONIC. */
struct tsc_clock {
	u32 vcpu;
	u64 time_ns, tsc;
	double per_ns;		/* 0: unknown */
};

static bool has_tsc(const struct kvmw_vcpu_config *row)
{
	return row->host_tsc != KVMW_NONE && row->tsc_ratio != KVMW_NONE &&
	       (u64)row->tsc_offset != KVMW_NONE;
}

static struct tsc_clock tsc_clock__of(const struct recording *rec, u32 vcpu)
{
	struct tsc_clock clock = { .vcpu = vcpu };
	const struct kvmw_vcpu_config *last = NULL, *first = NULL;
	double ratio;

	for (u32 i = 0; i < rec->vcpu_configs.nr; i++) {
		const struct kvmw_vcpu_config *row = rec_table__vcpu_config(&rec->vcpu_configs, i);

		/* At the start most vCPUs had no event yet; the host's TSC is the same for all. */
		if (row->kind == KVMW_vcpu_config_START && row->host_tsc != KVMW_NONE)
			first = row;
		if (row->kind == KVMW_vcpu_config_END && row->vcpu == vcpu && has_tsc(row))
			last = row;
	}
	if (!first || !last || last->host_tsc <= first->host_tsc ||
	    last->time_ns < first->time_ns + MIN_SPAN_NS ||
	    last->time_ns > first->time_ns + MAX_SPAN_NS)
		return clock;
	ratio = last->tsc_ratio / (double)(1ULL << 48);
	clock.time_ns = last->time_ns;
	clock.tsc = (u64)((unsigned __int128)last->host_tsc * last->tsc_ratio >> 48) +
		    (u64)last->tsc_offset;
	clock.per_ns =
		ratio * (last->host_tsc - first->host_tsc) / (last->time_ns - first->time_ns);
	return clock;
}

static int deadlines__compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int deadlines__by_vcpu(const void *a, const void *b)
{
	const struct deadline *x = a, *y = b;

	return x->vcpu < y->vcpu ? -1 : x->vcpu > y->vcpu;
}

u64 deadlines__median(const struct deadlines *d, const struct report *rep)
{
	struct deadline *sample = calloc(d->nr ?: 1, sizeof(*sample));
	double *ns = calloc(d->nr ?: 1, sizeof(*ns)), median = -1;
	struct tsc_clock clock = { .vcpu = ~0U };
	u32 nr = 0;

	for (u32 i = 0; sample && i < d->nr; i++)
		sample[i] = d->sample[i];
	if (sample)
		qsort(sample, d->nr, sizeof(*sample), deadlines__by_vcpu);
	for (u32 i = 0; sample && ns && i < d->nr; i++) {
		if (clock.vcpu != sample[i].vcpu)
			clock = tsc_clock__of(rep->rec, sample[i].vcpu);
		if (!clock.per_ns || !report__selects(rep->rec, rep->opt, sample[i].vcpu))
			continue;
		ns[nr++] = (s64)(sample[i].written - clock.tsc) / clock.per_ns +
			   ((double)clock.time_ns - (double)sample[i].time_ns);
	}
	if (nr) {
		qsort(ns, nr, sizeof(*ns), deadlines__compare);
		median = ns[nr / 2];
	}
	free(sample);
	free(ns);
	/* Most are in the future; else the clocks are not what they seem. */
	return median > 0 && median < 1e15 && nr * 2 > d->nr ? (u64)median : KVMW_NONE;
}

const char *deadlines__words(u64 ns, char *buf)
{
	u64 unit = 1;

	while (ns / unit >= 100)
		unit *= 10;
	ns = (ns + unit / 2) / unit * unit;
	if (ns < 10000)
		snprintf(buf, DEADLINE_WORDS, "%.1f us", ns / 1e3);
	else if (ns < 10000000)
		snprintf(buf, DEADLINE_WORDS, "%.0f us", ns / 1e3);
	else
		snprintf(buf, DEADLINE_WORDS, "%.0f ms", ns / 1e6);
	return buf;
}
