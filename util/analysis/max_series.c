// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/analysis/max_series.h"
#include "util/events.h"

static void merge_span(struct max_span *to, const struct max_span *from)
{
	if (!to->used) {
		*to = *from;
		return;
	}
	if (from->first_ns < to->first_ns) {
		to->first_ns = from->first_ns;
		to->old = from->old;
	}
	if (from->max > to->max) {
		to->max = from->max;
		to->max_ns = from->max_ns;
	}
	/* Of two at one time the greater one, in whatever order they come. */
	if (from->last_ns > to->last_ns ||
	    (from->last_ns == to->last_ns && from->last > to->last)) {
		to->last_ns = from->last_ns;
		to->last = from->last;
	}
}

/* Spans of double the length. */
static void coarsen(struct max_series *s)
{
	struct max_series old = *s;

	memset(s->span, 0, sizeof(s->span));
	s->shift++;
	s->low >>= 1;
	s->high >>= 1;
	for (u64 i = old.low; i - old.low <= old.high - old.low; i++) {
		const struct max_span *span = &old.span[i % MAX_SERIES_SPANS];

		if (span->used)
			merge_span(&s->span[(i >> 1) % MAX_SERIES_SPANS], span);
	}
}

/* Makes room for a time; s is not empty. */
static void cover(struct max_series *s, u64 time_ns)
{
	for (;;) {
		u64 at = time_ns >> s->shift;
		u64 low = at < s->low ? at : s->low, high = at > s->high ? at : s->high;

		if (high - low < MAX_SERIES_SPANS) {
			s->low = low;
			s->high = high;
			return;
		}
		coarsen(s);
	}
}

void max_series__add(struct max_series *s, u64 time_ns, u64 old, u64 now)
{
	const struct max_span span = {
		.used = true, .first_ns = time_ns, .old = old, .max_ns = time_ns, .max = now,
		.last_ns = time_ns, .last = now,
	};

	if (!s->changes++)
		s->low = s->high = time_ns >> s->shift;
	cover(s, time_ns);
	merge_span(&s->span[(time_ns >> s->shift) % MAX_SERIES_SPANS], &span);
}

void max_series__merge(struct max_series *to, const struct max_series *from)
{
	if (!from->changes)
		return;
	if (!to->changes) {
		*to = *from;
		return;
	}
	/* Then each span of from lies within one of to. */
	while (to->shift < from->shift)
		coarsen(to);
	to->changes += from->changes;
	for (u64 i = from->low; i - from->low <= from->high - from->low; i++) {
		const struct max_span *span = &from->span[i % MAX_SERIES_SPANS];

		if (!span->used)
			continue;
		cover(to, span->first_ns);
		merge_span(&to->span[(span->first_ns >> to->shift) % MAX_SERIES_SPANS], span);
	}
}

struct columns_of {
	u64 from, to;
	u32 nr, at;		/* at: the last one that has a value */
	u64 *out;
};

static u32 column_of(const struct columns_of *c, u64 time_ns)
{
	u32 at;

	if (time_ns <= c->from || c->to <= c->from)
		return 0;
	if (time_ns >= c->to)
		return c->nr - 1;
	at = (u32)((double)(time_ns - c->from) / (double)(c->to - c->from) * c->nr);
	return at < c->nr ? at : c->nr - 1;
}

/* It stayed as it was until then. */
static void carry(struct columns_of *c, u32 to, u64 value)
{
	while (c->at < to)
		c->out[++c->at] = value;
}

static void raise_to(struct columns_of *c, u32 at, u64 value)
{
	if (c->out[at] == KVMW_NONE || (value != KVMW_NONE && value > c->out[at]))
		c->out[at] = value;
}

static bool max_series__within(const struct columns_of *c, u64 time_ns)
{
	return time_ns >= c->from && time_ns <= c->to;
}

static void max_series__put(struct columns_of *c, u64 time_ns, u64 before, u64 value)
{
	u32 at = column_of(c, time_ns);

	if (!max_series__within(c, time_ns))
		return;
	carry(c, at, before);
	raise_to(c, at, value);
}

void max_series__columns(const struct max_series *s, u64 from_ns, u64 to_ns, u32 nr, u64 *out)
{
	struct columns_of c = { .from = from_ns, .to = to_ns, .nr = nr, .out = out };
	u64 value = KVMW_NONE;

	out[0] = KVMW_NONE;
	for (u64 i = s->low; s->changes && i - s->low <= s->high - s->low; i++) {
		const struct max_span *span = &s->span[i % MAX_SERIES_SPANS];

		if (!span->used)
			continue;
		/* Before the first change the value was the old one of that change. */
		if (value == KVMW_NONE && !c.at)
			out[0] = value = span->old;
		if (span->first_ns > to_ns)
			break;
		max_series__put(&c, span->first_ns, value, span->old);
		max_series__put(&c, span->max_ns, value, span->max);
		value = span->last;
		max_series__put(&c, span->last_ns, value, value);
		if (span->last_ns < from_ns)
			out[0] = value;
	}
	carry(&c, nr - 1, value);
}

void max_series__cut(u64 from_ns, u64 to_ns, u64 until_ns, u32 nr, u64 *out)
{
	const struct columns_of c = { .from = from_ns, .to = to_ns, .nr = nr };

	for (u32 i = column_of(&c, until_ns) + 1; i < nr; i++)
		out[i] = KVMW_NONE;
}
