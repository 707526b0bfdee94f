// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/memory.h"

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

char *mem__strdup(const char *s)
{
	char *copy = strdup(s);

	if (!copy)
		out_of_memory();
	return copy;
}

int budget__take(struct budget *b, size_t bytes)
{
	size_t used;

	if (!b)
		return 0;
	used = __atomic_load_n(&b->used, __ATOMIC_RELAXED);
	do {
		if (b->limit && (used > b->limit || bytes > b->limit - used))
			return -1;
	} while (!__atomic_compare_exchange_n(&b->used, &used, used + bytes, true,
					      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return 0;
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
