/* SPDX-License-Identifier: GPL-2.0 */
/* Order and binary search. */
#ifndef KVMW_SEARCH_H
#define KVMW_SEARCH_H

#include "util/types.h"

/* For comparison functions: returns if a and b differ. */
#define COMPARE(a, b) do { if ((a) != (b)) return (a) < (b) ? -1 : 1; } while (0)

/*
 * The index of the first of nr elements, in order, that is not less than key, nr if
 * all are less. compare is as for bsearch(): the key comes first; an element equal to
 * the key is the one found. Inline, so that compare is inlined too.
 */
static inline size_t lower_bound(const void *key, const void *base, size_t nr, size_t size,
				 int (*compare)(const void *key, const void *element))
{
	size_t first = 0;

	while (nr) {
		size_t half = nr / 2;

		if (compare(key, (const char *)base + (first + half) * size) > 0) {
			first += half + 1;
			nr -= half + 1;
		} else {
			nr = half;
		}
	}
	return first;
}

/* The same for plain numbers. */
static inline size_t lower_bound_u64(u64 key, const u64 *list, size_t nr)
{
	size_t first = 0;

	while (nr) {
		size_t half = nr / 2;

		if (list[first + half] < key) {
			first += half + 1;
			nr -= half + 1;
		} else {
			nr = half;
		}
	}
	return first;
}

#endif
