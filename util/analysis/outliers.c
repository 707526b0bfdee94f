// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "util/analysis/outliers.h"
#include "util/array.h"

/* Whether a is to be given up before b. */
static bool shorter(const struct outlier *a, const struct outlier *b)
{
	return a->length != b->length ? a->length < b->length : a->order > b->order;
}

static void outliers__sift_up(struct outliers *o, struct outlier row)
{
	u32 at = o->nr++;

	for (; at && shorter(&row, &o->list[(at - 1) / 2]); at = (at - 1) / 2)
		o->list[at] = o->list[(at - 1) / 2];
	o->list[at] = row;
}

/* In place of the shortest one. */
static void outliers__sift_down(struct outliers *o, struct outlier row)
{
	u32 at = 0, child;

	for (; (child = 2 * at + 1) < o->nr; at = child) {
		if (child + 1 < o->nr && shorter(&o->list[child + 1], &o->list[child]))
			child++;
		if (!shorter(&o->list[child], &row))
			break;
		o->list[at] = o->list[child];
	}
	o->list[at] = row;
}

bool outliers__takes(const struct outliers *o, u32 max, u64 length, u64 order)
{
	struct outlier row = { .length = length, .order = order };

	return o->nr < max || shorter(&o->list[0], &row);
}

int outliers__add(struct outliers *o, u32 max, struct outlier row)
{
	if (o->nr == max) {
		free(o->list[0].row);
		outliers__sift_down(o, row);
		return 0;
	}
	if (array__reserve(o->list, o->nr, o->room, NULL)) {
		free(row.row);
		return -1;
	}
	outliers__sift_up(o, row);
	return 0;
}

static int longest_first(const void *a, const void *b)
{
	return shorter(a, b) ? 1 : shorter(b, a) ? -1 : 0;
}

void outliers__sort(struct outliers *o)
{
	if (o->nr)
		qsort(o->list, o->nr, sizeof(*o->list), longest_first);
}

void outliers__free(struct outliers *o)
{
	for (u32 i = 0; i < o->nr; i++)
		free(o->list[i].row);
	array__free(o->list, o->room, NULL);
	o->nr = 0;
}
