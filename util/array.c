// SPDX-License-Identifier: GPL-2.0
#include "util/array.h"

#define ARRAY_FIRST	16	/* elements */

size_t array__growth(u32 room, size_t size)
{
	return (room ?: ARRAY_FIRST) * size;
}

void *array__grow(void *list, u32 nr, u32 more, u32 *room, size_t size, struct budget *b)
{
	u64 wanted = (u64)nr + more, new = *room ? *room : ARRAY_FIRST;
	void *grown;

	while (new < wanted)
		new *= 2;
	if (new > UINT32_MAX || new > SIZE_MAX / size) {
		out_of_memory();
		return NULL;
	}
	grown = budget__realloc(b, list, *room * size, new * size);
	if (grown)
		*room = new;
	return grown;
}
