// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/memory.h"

#define PAGE	4096	/* at least, of any architecture */

int out_of_memory(void)
{
	return error("out of memory");
}

void *mem__calloc(size_t nr, size_t size)
{
	void *p = calloc(nr, size);

	if (!p)
		out_of_memory();
	return p;
}

void mem__take(void *p, size_t bytes)
{
	volatile u8 *at = p;

	/* All zero, as what was not written yet is. */
	for (size_t i = 0; i < bytes; i += PAGE)
		at[i] = 0;
}

int mem__expect(size_t bytes)
{
	/* volatile: a compiler may leave out malloc() and free() */
	void *volatile p = malloc(bytes);

	if (!p)
		return out_of_memory();
	free(p);
	return 0;
}

char *mem__strdup(const char *s)
{
	char *copy = strdup(s);

	if (!copy)
		out_of_memory();
	return copy;
}

void budget__read(struct budget *b, u64 bytes)
{
	u64 more = bytes > BUDGET_SMALL_FILE ? bytes - BUDGET_SMALL_FILE : 0, max;

	if (!b || !b->max)
		return;
	max = more > b->max / BUDGET_GROWTH ? b->max : BUDGET_SMALL + more * BUDGET_GROWTH;
	if (b->fixed || max > b->max)
		max = b->max;
	b->granted = max;
	max = max * BUDGET_KEPT / 100;
	if (max > b->limit)
		__atomic_store_n(&b->limit, max, __ATOMIC_RELAXED);
}

void budget__end(struct budget *b)
{
	if (b)
		b->limit = 0;
}

bool budget__is_full(struct budget *b)
{
	size_t limit = b ? __atomic_load_n(&b->limit, __ATOMIC_RELAXED) : 0;

	if (!limit || __atomic_load_n(&b->used, __ATOMIC_RELAXED) < limit)
		return false;
	b->refused = true;
	return true;
}

int budget__take(struct budget *b, size_t bytes)
{
	size_t used, limit;

	if (!b)
		return 0;
	limit = __atomic_load_n(&b->limit, __ATOMIC_RELAXED);
	used = __atomic_load_n(&b->used, __ATOMIC_RELAXED);
	do {
		if (limit && (used > limit || bytes > limit - used)) {
			__atomic_store_n(&b->refused, true, __ATOMIC_RELAXED);
			return -1;
		}
	} while (!__atomic_compare_exchange_n(&b->used, &used, used + bytes, true,
					      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return 0;
}

void budget__hold(struct budget *b, size_t bytes)
{
	if (b)
		__atomic_add_fetch(&b->used, bytes, __ATOMIC_RELAXED);
}

void budget__give(struct budget *b, size_t bytes)
{
	if (b)
		__atomic_sub_fetch(&b->used, bytes, __ATOMIC_RELAXED);
}

void *budget__realloc(struct budget *b, void *p, size_t old, size_t new)
{
	void *grown;

	if (new > old && budget__take(b, new - old)) {
		out_of_memory();
		return NULL;
	}
	grown = realloc(p, new);
	if (!grown) {
		budget__give(b, new > old ? new - old : 0);
		out_of_memory();
		return NULL;
	}
	if (old > new)
		budget__give(b, old - new);
	return grown;
}

void *budget__calloc(struct budget *b, size_t nr, size_t size)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(nr, size, &bytes) || budget__take(b, bytes)) {
		out_of_memory();
		return NULL;
	}
	p = calloc(1, bytes);
	if (!p) {
		budget__give(b, bytes);
		out_of_memory();
	}
	return p;
}

void budget__free(struct budget *b, void *p, size_t bytes)
{
	if (!p)
		return;
	free(p);
	budget__give(b, bytes);
}
