// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "util/analysis/report/time_slices.h"
#include "util/analysis/report/time_steps.h"
#include "util/events.h"
#include "util/memory.h"

/* Where memory is short there are none; who asks for them has to do without. */
static int have(struct time_slices **s, struct budget *budget)
{
	if (*s || budget__take(budget, sizeof(**s)))
		return 0;
	*s = calloc(1, sizeof(**s));
	if (!*s) {
		budget__give(budget, sizeof(**s));
		return out_of_memory();
	}
	(*s)->shift = TIME_SHIFT_MIN;
	for (u32 i = 0; i < SLICE_GROUPS; i++)
		(*s)->span[i].budget = budget;
	return 0;
}

static int fold_once(struct time_slices *s)
{
	for (u32 i = 0; i < SLICES; i++) {
		u64 count = s->count[i], cost_ns = s->cost_ns[i];

		s->count[i] = s->cost_ns[i] = 0;
		s->count[i / 2] += count;
		s->cost_ns[i / 2] = sat_add(s->cost_ns[i / 2], cost_ns);
	}
	for (u32 i = 1; i < SLICE_GROUPS; i++) {
		struct hist moved = s->span[i];
		int err;

		s->span[i] = (struct hist) { .budget = moved.budget };
		err = hist__merge(&s->span[i / 2], &moved);
		hist__free(&moved);
		if (err)
			return -1;
	}
	s->shift++;
	return 0;
}

int time_slices__fold(struct time_slices *s, u32 shift)
{
	while (s->shift < shift)
		if (fold_once(s))
			return -1;
	return 0;
}

int time_slices__add(struct time_slices **to, struct budget *budget, u64 at_ns, u64 cost_ns,
		     u64 span_ns)
{
	struct time_slices *s;
	u64 i;

	if (have(to, budget))
		return -1;
	s = *to;
	if (!s)
		return 0;
	if (at_ns >> s->shift >= SLICES && time_slices__fold(s, time_steps__shift(at_ns, SLICES)))
		return -1;
	i = at_ns >> s->shift;
	s->count[i]++;
	if (span_ns == KVMW_NONE)
		return 0;
	s->cost_ns[i] = sat_add(s->cost_ns[i], cost_ns);
	return hist__add(&s->span[i / SLICE_GROUP], span_ns);
}

int time_slices__merge(struct time_slices **to, struct budget *budget,
		       const struct time_slices *from)
{
	struct time_slices *s;
	u32 by;

	if (!from)
		return 0;
	if (have(to, budget))
		return -1;
	s = *to;
	if (!s)
		return 0;
	if (time_slices__fold(s, from->shift))
		return -1;
	by = s->shift - from->shift;
	for (u32 i = 0; i < SLICES; i++) {
		u32 k = by < 32 ? i >> by : 0;

		s->count[k] += from->count[i];
		s->cost_ns[k] = sat_add(s->cost_ns[k], from->cost_ns[i]);
	}
	for (u32 i = 0; i < SLICE_GROUPS; i++)
		if (hist__merge(&s->span[by < 32 ? i >> by : 0], &from->span[i]))
			return -1;
	return 0;
}

void time_slices__free(struct time_slices *s, struct budget *budget)
{
	if (!s)
		return;
	for (u32 i = 0; i < SLICE_GROUPS; i++)
		hist__free(&s->span[i]);
	budget__free(budget, s, sizeof(*s));
}
