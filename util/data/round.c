// SPDX-License-Identifier: GPL-2.0
/*
 * Rounds durations to a coarser resolution: what is left of their bits is mostly not noise.
 *
 * What rounding added so far is known of each vCPU and duration. A value becomes the nearest one of
 * the resolution, or its other neighbour where the sum would be too far from the truth: so sums
 * stay right however many rows there are. Times of a chain move with the durations before them, by
 * no more than these added, so they are still predicted without a difference.
 */
#include <stdlib.h>

#include "util/data/encode.h"
#include "util/memory.h"

#define ROUND_FIELDS	8u	/* durations of one event, at most */
/*
 * Of an event and a vCPU; only those in use take memory. If two share a place, each begins anew
 * whenever its turn comes, and sums drift: then there are 4,096 vCPUs.
 */
#define ROUND_STATES	65536u
#define ROUND_EVENTS	16u	/* ids of events that do not share a place */

struct round_state {
	u64 of;			/* event and vCPU, plus 1 */
	s64 gap_added;		/* by rounding, so far; likewise: */
	s64 added[ROUND_FIELDS];
};

struct rounding {
	struct resolution to;
	s64 limit;		/* of what was added */
	struct round_state state[ROUND_STATES];
};

/* A duration of an event. */
struct round_field {
	u64 *v;
	u32 field, like;	/* like: the field that it is a part of, if any */
	u32 nr_parts;		/* which ones are parts of it */
	u32 part[ROUND_FIELDS];
};

/* What is rounded of the rows at hand. */
struct round_rows {
	struct round_field field[ROUND_FIELDS];
	u32 nr;
	u32 nr_wholes;		/* fields that have parts */
	u32 whole[ROUND_FIELDS];
	u32 gap_field;
	u64 *time, *gap;	/* or NULL; times are a chain of gap and field[0] then */
};

struct rounding *rounding__new(const struct resolution *to)
{
	struct rounding *r = mem__calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->to = *to;
	/* Half of the longest step: one of both neighbours of a value always remains within it. */
	r->limit = (to->steps ? RESOLUTION_LONG_NS : to->ns) / 2;
	return r;
}

static struct round_state *round__state(struct rounding *r, u32 event, u64 vcpu)
{
	u64 of = vcpu * ROUND_EVENTS + event;
	struct round_state *s = &r->state[of % ROUND_STATES];

	if (s->of != of + 1) {
		memset(s, 0, sizeof(*s));
		s->of = of + 1;
	}
	return s;
}

/* How far v is above its neighbour below, or, if it is one, 0; *step: how far apart these are. */
static inline u64 above_neighbour(const struct rounding *r, bool steps, u64 v, u64 *step)
{
	if (!steps) {
		*step = r->to.ns;
		return v % r->to.ns;
	}
	*step = v >= 1ULL * RESOLUTION_STEPS * RESOLUTION_LONG_NS ? RESOLUTION_LONG_NS :
		(1ULL << (63 - __builtin_clzll(v | RESOLUTION_STEPS))) / RESOLUTION_STEPS;
	return v & (*step - 1);
}

static u64 round_down(const struct rounding *r, u64 v)
{
	u64 step;

	return v - above_neighbour(r, r->to.steps, v, &step);
}

static inline u64 round_one(const struct rounding *r, bool steps, s64 *added, u64 v)
{
	u64 step;
	s64 below = above_neighbour(r, steps, v, &step), above = step - below;

	/* Unknown, or no duration. */
	if (!below || v > INT64_MAX)
		return v;
	if (above <= below ? *added + above <= r->limit : *added - below < -r->limit) {
		*added += above;
		return v + above;
	}
	*added -= below;
	return v - below;
}

static void lower(u64 *v, u64 to, s64 *added, u64 *sum)
{
	*added -= (s64)(*v - to);
	*sum -= *v - to;
	*v = to;
}

/* Parts that are more than the whole after rounding, but were not before. */
static void fit_parts(const struct rounding *r, const struct round_rows *rows,
		      struct round_state *s, u32 i, const struct round_field *whole, u64 whole_was,
		      const u64 *was)
{
	u64 room = whole->v[i], sum = 0, sum_was = 0, *v;
	u32 largest = whole->part[0];

	for (u32 p = 0; p < whole->nr_parts; p++) {
		u32 k = whole->part[p];

		sum += captured(rows->field[k].v[i]);
		sum_was += captured(was[k]);
		if (captured(rows->field[k].v[i]) > captured(rows->field[largest].v[i]))
			largest = k;
	}
	if (sum_was > whole_was)
		return;
	for (u32 p = 0; p < whole->nr_parts && sum > room; p++) {
		u32 k = whole->part[p];

		v = &rows->field[k].v[i];
		if (*v != KVMW_NONE)
			lower(v, round_down(r, was[k]), &s->added[k], &sum);
	}
	/* All are below what they were, but so is the whole. */
	if (sum > room) {
		v = &rows->field[largest].v[i];
		lower(v, *v > sum - room ? round_down(r, *v - (sum - room)) : 0, &s->added[largest],
		      &sum);
	}
}

static inline bool parts_fit(const struct round_rows *rows, const struct round_field *whole, u32 i)
{
	u64 sum = 0;

	for (u32 p = 0; p < whole->nr_parts; p++)
		sum += captured(rows->field[whole->part[p]].v[i]);
	return sum <= whole->v[i];
}

static inline __attribute__((always_inline)) void round_row(const struct rounding *r, bool steps,
							    const struct round_rows *rows,
							    struct round_state *s, u32 i)
{
	u64 was[ROUND_FIELDS];

	/* A time is that of the end of the gap, before the span. */
	if (rows->gap) {
		rows->gap[i] = round_one(r, steps, &s->gap_added, rows->gap[i]);
		rows->time[i] += s->gap_added + s->added[0];
	}
	for (u32 k = 0; k < rows->nr; k++) {
		u64 *v = &rows->field[k].v[i];

		was[k] = *v;
		*v = round_one(r, steps, &s->added[k], *v);
	}
	for (u32 w = 0; w < rows->nr_wholes; w++) {
		const struct round_field *whole = &rows->field[rows->whole[w]];

		if (!parts_fit(rows, whole, i))
			fit_parts(r, rows, s, i, whole, was[rows->whole[w]], was);
	}
}

static inline __attribute__((always_inline)) void round_rows(struct rounding *r, bool steps,
							     const struct round_rows *rows,
							     u32 event, const u64 *vcpu, u32 nr)
{
	struct round_state *s = NULL;

	for (u32 i = 0; i < nr; i++) {
		if (!i || (vcpu && vcpu[i] != vcpu[i - 1]))
			s = round__state(r, event, vcpu ? vcpu[i] : 0);
		round_row(r, steps, rows, s, i);
	}
}

/* Its values, to be changed. */
static u64 *values_of(struct layout *l, u32 field)
{
	layout__column(l, field);
	return l->values + (size_t)field * l->nr;
}

static void round__add(struct round_rows *rows, struct layout *l, u32 field, u32 like)
{
	if (rows->nr == ROUND_FIELDS)
		return;
	rows->field[rows->nr++] = (struct round_field) { .v = values_of(l, field), .field = field,
							 .like = like };
}

static void find_parts(struct round_rows *rows)
{
	for (u32 w = 0; w < rows->nr; w++) {
		struct round_field *whole = &rows->field[w];

		for (u32 k = 0; k < rows->nr; k++)
			if (k != w && rows->field[k].like == whole->field)
				whole->part[whole->nr_parts++] = k;
		if (whole->nr_parts)
			rows->whole[rows->nr_wholes++] = w;
	}
}

static void find_fields(struct round_rows *rows, struct layout *l, const struct event_desc *event)
{
	u8 refs[COLUMN_NR_REFS];
	u32 span = COLUMN_NO_REF;

	*rows = (struct round_rows) { .gap_field = COLUMN_NO_REF };
	for (u32 i = 0; i < event->nr_fields; i++) {
		if (event->fields[i].encoding != ENC_CHAIN)
			continue;
		find_refs(refs, event, event->fields[i].ref);
		rows->gap_field = refs[1];
		rows->time = values_of(l, i);
		rows->gap = values_of(l, refs[1]);
		span = refs[2];
		round__add(rows, l, span, span);
	}
	for (u32 i = 0; i < event->nr_fields; i++) {
		u64 one = layout__first(l, i);

		/* What is nothing in all rows, or unknown, stays so. */
		if (event->fields[i].encoding != ENC_TOKENS || i == span || i == rows->gap_field ||
		    (l->same[i] && (!one || one == KVMW_NONE)))
			continue;
		find_refs(refs, event, event->fields[i].ref);
		round__add(rows, l, i, refs[1]);
	}
	find_parts(rows);
}

static void find_same_values(struct layout *l, u32 field)
{
	l->same[field] = !data_difference(layout__column(l, field), l->nr, layout__first(l, field));
}

void rounding__apply(struct rounding *r, struct layout *l, const struct event_desc *event)
{
	int vcpu = event_desc__field(event, "vcpu", strlen("vcpu"));
	const u64 *of = vcpu < 0 ? NULL : layout__column(l, vcpu);
	struct round_rows rows;

	find_fields(&rows, l, event);
	if (r->to.steps)
		round_rows(r, true, &rows, event->id, of, l->nr);
	else
		round_rows(r, false, &rows, event->id, of, l->nr);
	for (u32 k = 0; k < rows.nr; k++)
		find_same_values(l, rows.field[k].field);
	if (rows.gap)
		find_same_values(l, rows.gap_field);
	for (u32 i = 0; rows.time && i < event->nr_fields; i++)
		if (event->fields[i].encoding == ENC_CHAIN)
			find_same_values(l, i);
}
