/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory: one way to be out of it, and budgets.
 *
 * All that return memory here have reported it where they return NULL.
 */
#ifndef KVMW_MEMORY_H
#define KVMW_MEMORY_H

#include "util/types.h"

/*
 * Prints "kvmw: out of memory"; always returns -1. Whoever meets it unwinds, and the
 * program exits with KVMW_FAILED.
 */
int out_of_memory(void);

/* As calloc() and strdup(). */
void *mem__calloc(size_t nr, size_t size);
char *mem__strdup(const char *s);

/*
 * How much memory a piece of work may use. Tables and arrays draw from the budget
 * they are given; NULL stands for one without a limit. Threads may share a budget.
 */
struct budget {
	size_t limit;		/* bytes; 0: no limit */
	size_t used;
};

/* 0, or -1 if bytes more would exceed the limit; then nothing is taken. Silent. */
int budget__take(struct budget *b, size_t bytes);
void budget__give(struct budget *b, size_t bytes);

/* As realloc(), from old to new bytes, within the budget; p stays valid where it fails. */
void *budget__realloc(struct budget *b, void *p, size_t old, size_t new);

/* As calloc(), within the budget. */
void *budget__calloc(struct budget *b, size_t nr, size_t size);

/* free() for what these two returned, or NULL. */
void budget__free(struct budget *b, void *p, size_t bytes);

#endif
