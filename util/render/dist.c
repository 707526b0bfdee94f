// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "util/render/dist.h"
#include "util/render/units.h"

#include "util/events.h"

#define DIST_MIN	12	/* characters: so that its ends can be printed above */

struct dist_axis dist_axis__make(const struct hist *total, u32 most)
{
	struct dist_axis axis = { .step = 1 };
	u64 log2[HIST_LOG2];
	u32 low = HIST_LOG2, powers;

	hist__log2(total, log2);
	for (u32 i = 0; i < HIST_LOG2; i++) {
		if (!log2[i])
			continue;
		low = i < low ? i : low;
		axis.high = i;
	}
	axis.low = low < HIST_LOG2 ? low : 0;
	powers = axis.high - axis.low + 1;
	axis.step = (powers + most - 1) / most;
	axis.width = (powers + axis.step - 1) / axis.step;
	axis.width = axis.width < DIST_MIN ? DIST_MIN : axis.width > DIST_MAX ? DIST_MAX :
		     axis.width;
	return axis;
}

void dist__bar(const struct screen *s, const struct dist_axis *axis, const struct hist *h,
	       char *buf)
{
	u64 log2[HIST_LOG2], part[DIST_MAX] = { 0 }, most = 0;

	hist__log2(h, log2);
	for (u32 i = 0; i < axis->width * axis->step; i++) {
		u32 from = axis->low + i;

		if (from < HIST_LOG2)
			part[i / axis->step] += log2[from];
	}
	for (u32 i = 0; i < axis->width; i++)
		most = part[i] > most ? part[i] : most;
	*buf = '\0';
	for (u32 i = 0; i < axis->width; i++)
		strcat(buf, screen__block(s, part[i], most));
	for (size_t len = strlen(buf); len && buf[len - 1] == ' '; len--)
		buf[len - 1] = '\0';
}

static void ends_of(const struct dist_axis *axis, char *from, char *to)
{
	u32 end = axis->low + axis->width * axis->step;

	units__ns(1ULL << axis->low, UNITS_2, from);
	units__ns(end < 64 ? 1ULL << end : KVMW_NONE - 1, UNITS_2, to);
}

void dist__ends(const struct dist_axis *axis, char *buf, size_t size)
{
	char from[UNITS_MAX], to[UNITS_MAX];

	ends_of(axis, from, to);
	snprintf(buf, size, "%s%*s", from, (int)(axis->width - strlen(from)), to);
}

const char *dist__legend(const struct dist_axis *axis, char *buf)
{
	char from[UNITS_MAX], to[UNITS_MAX], times[UNITS_MAX] = "twice";

	ends_of(axis, from, to);
	if (axis->step > 1)
		snprintf(times, sizeof(times), "%llu times",
			 1ULL << (axis->step < 63 ? axis->step : 63));
	snprintf(buf, DIST_WORDS,
		 " dist: from %s to %s, each character %s as long as the one before.", from, to,
		 times);
	return buf;
}
