/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Growing arrays. An array is a pointer to its elements, their number, and the number
 * there is room for, all zero in the beginning:
 *
 *	struct x *list; u32 nr, room;
 *
 *	if (array__reserve(list, nr, room, budget))
 *		return -1;
 *	list[nr++] = x;
 *	…
 *	array__free(list, room, budget);
 */
#ifndef KVMW_ARRAY_H
#define KVMW_ARRAY_H

#include "util/memory.h"

/* list with room for at least nr + more elements of size; NULL: out of memory, reported. */
void *array__grow(void *list, u32 nr, u32 more, u32 *room, size_t size, struct budget *b);

/*
 * Makes room for one more, or for more, elements behind the first nr. 0, or -1 with
 * the array as it was. The macros evaluate list and room more than once.
 */
#define array__reserve(list, nr, room, budget) array__reserve_many(list, nr, 1, room, budget)
#define array__reserve_many(list, nr, more, room, budget) ({				\
	u32 nr_ = (nr), more_ = (more);							\
	void *list_ = (list);								\
											\
	if (more_ > (room) - nr_) {							\
		list_ = array__grow(list_, nr_, more_, &(room), sizeof(*(list)), budget);\
		if (list_)								\
			(list) = list_;							\
	}										\
	more_ > (room) - nr_ ? -1 : 0;							\
})

/*
 * The same for an element that can be dropped: 1, silently, if the budget is used up.
 */
#define array__reserve_within(list, nr, room, from) ({					\
	struct budget *budget_ = (from);						\
	size_t bytes_ = (nr) < (room) ? 0 : array__growth(room, sizeof(*(list)));	\
	int ret_ = bytes_ && budget__take(budget_, bytes_) ? 1 : 0;			\
											\
	if (!ret_ && bytes_) {								\
		/* Drawn already, so that no other thread can take it in between. */	\
		ret_ = array__reserve(list, nr, room, NULL);				\
		if (ret_)								\
			budget__give(budget_, bytes_);					\
	}										\
	ret_;										\
})

/* The bytes by which an array grows next. */
size_t array__growth(u32 room, size_t size);

/* Frees the elements; list and room are 0 then. */
#define array__free(list, room, budget) ({						\
	budget__free(budget, list, (size_t)(room) * sizeof(*(list)));			\
	(list) = NULL;									\
	(room) = 0;									\
})

#endif
