// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "util/array.h"
#include "util/error.h"
#include "util/search.h"
#include "util/symbols/regions.h"
#include "util/text.h"

#define NO_REGION	UINT32_MAX

/*
 * Prepared, an address space is cut at each point at which a region begins or has ended.  A piece
 * goes from its point to the next one, and belongs to one region or to none.
 */
struct space {
	struct region *region;
	u32 nr, room;
	u64 *point;
	u32 *owner;		/* of each piece: index of the region, or NO_REGION */
	u32 nr_points;
};

struct regions {
	struct space space[NR_REGION_SPACES];
};

struct regions *regions__new(void)
{
	return mem__calloc(1, sizeof(struct regions));
}

void regions__free(struct regions *r)
{
	for (u32 i = 0; r && i < NR_REGION_SPACES; i++) {
		struct space *s = &r->space[i];

		for (u32 k = 0; k < s->nr; k++)
			free(s->region[k].name);
		array__free(s->region, s->room, NULL);
		free(s->point);
		free(s->owner);
	}
	free(r);
}

u32 regions__number(const struct regions *r)
{
	return r->space[REGION_MEMORY].nr + r->space[REGION_PORTS].nr;
}

int regions__add(struct regions *r, enum region_space space, u64 from, u64 to, const char *name,
		 bool of_qemu)
{
	struct space *s = &r->space[space];
	struct region region = { .from = from, .to = to, .of_qemu = of_qemu };

	if (array__reserve(s->region, s->nr, s->room, NULL))
		return -1;
	region.name = text__clean(name, REGION_NAME_MAX);
	if (!region.name)
		return out_of_memory();
	s->region[s->nr++] = region;
	return 0;
}

static int compare_points(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static void make_points(struct space *s)
{
	u32 nr = 0;

	for (u32 i = 0; i < s->nr; i++) {
		s->point[nr++] = s->region[i].from;
		if (s->region[i].to != UINT64_MAX)
			s->point[nr++] = s->region[i].to + 1;
	}
	qsort(s->point, nr, sizeof(*s->point), compare_points);
	for (u32 i = 0; i < nr; i++)
		if (!i || s->point[i] != s->point[i - 1])
			s->point[s->nr_points++] = s->point[i];
}

/* Which region counts first: the narrower one, then the later one. */
static int compare_regions(const void *a, const void *b, void *arg)
{
	const struct region *list = arg;
	u32 i = *(const u32 *)a, k = *(const u32 *)b;
	u64 x = list[i].to - list[i].from, y = list[k].to - list[k].from;

	return x != y ? (x < y ? -1 : 1) : (i > k ? -1 : i < k);
}

/* The first piece from i on that has no owner yet; what was passed is skipped next time. */
static u32 next_free(u32 *next, u32 i)
{
	while (next[i] != i)
		i = next[i] = next[next[i]];
	return i;
}

static void make_owners(struct space *s, u32 *order, u32 *next)
{
	for (u32 i = 0; i < s->nr; i++)
		order[i] = i;
	qsort_r(order, s->nr, sizeof(*order), compare_regions, s->region);
	for (u32 i = 0; i < s->nr_points; i++)
		s->owner[i] = NO_REGION;
	for (u32 i = 0; i <= s->nr_points; i++)
		next[i] = i;
	for (u32 i = 0; i < s->nr; i++) {
		const struct region *region = &s->region[order[i]];
		u32 at = next_free(next, lower_bound_u64(region->from, s->point, s->nr_points));

		while (at < s->nr_points && s->point[at] <= region->to) {
			s->owner[at] = order[i];
			next[at] = at + 1;
			at = next_free(next, at);
		}
	}
}

static int space__prepare(struct space *s)
{
	u32 *order = mem__calloc(s->nr, sizeof(*order));
	u32 *next = mem__calloc(2UL * s->nr + 1, sizeof(*next));

	s->point = mem__calloc(2UL * s->nr, sizeof(*s->point));
	s->owner = mem__calloc(2UL * s->nr, sizeof(*s->owner));
	if (order && next && s->point && s->owner) {
		make_points(s);
		make_owners(s, order, next);
	}
	free(order);
	free(next);
	return order && next && s->point && s->owner ? 0 : -1;
}

int regions__prepare(struct regions *r)
{
	for (u32 i = 0; i < NR_REGION_SPACES; i++)
		if (r->space[i].nr && space__prepare(&r->space[i]))
			return -1;
	return 0;
}

const struct region *regions__find(const struct regions *r, enum region_space space, u64 address)
{
	const struct space *s = &r->space[space];
	size_t i = lower_bound_u64(address, s->point, s->nr_points);

	/* Between two points: the piece began at the one before. */
	if (i == s->nr_points || s->point[i] != address) {
		if (!i)
			return NULL;
		i--;
	}
	return s->owner[i] == NO_REGION ? NULL : &s->region[s->owner[i]];
}
