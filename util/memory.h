/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory: how to run out of it, and budgets.
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

/* The pages of memory not written yet, now and not one by one: for what is not to grow later. */
void mem__take(void *p, size_t bytes);

/*
 * Whether so much is there: 0, or -1.  Asked before json-c is called, which crashes, or leaves out
 * values, when it gets no memory.
 */
int mem__expect(size_t bytes);

/*
 * How much memory a piece of work may use. Tables and arrays draw from the budget
 * they are given; NULL stands for one without a limit. Threads may share a budget.
 */
struct budget {
	size_t limit;		/* bytes; 0: no limit */
	size_t used;
	size_t max;		/* of what a recording is read into, see budget__read(); or 0 */
	bool fixed;		/* it is max, however little is read */
	bool refused;		/* something did not fit */
	size_t granted;		/* of max, for as much as was read */
};

/*
 * What is kept of a recording while it is read gets a share of max, so that enough is left for
 * what is made of that; and it takes many bytes of a file to be worth all of max: the budget
 * grows with what was read.  Not more than BUDGET_SMALL for the first BUDGET_SMALL_FILE bytes.
 */
#define BUDGET_DEFAULT	(256u << 20)
#define BUDGET_SMALL	(48u << 20)
#define BUDGET_SMALL_FILE (10u << 20)
#define BUDGET_GROWTH	20		/* bytes of memory for each byte beyond */
#define BUDGET_KEPT	25		/* percent of max for what is kept */

void budget__read(struct budget *b, u64 bytes);
/* All was read: what is made of it is in proportion, and must not fail. */
void budget__end(struct budget *b);

/* 0, or -1 if bytes more would exceed the limit; then nothing is taken. Silent. */
int budget__take(struct budget *b, size_t bytes);
/* The same even beyond the limit, for small things that are essential. */
void budget__hold(struct budget *b, size_t bytes);
/* Whether nothing is left; the caller has something more, and then drops it. */
bool budget__is_full(struct budget *b);
void budget__give(struct budget *b, size_t bytes);

/* As realloc(), from old to new bytes, within the budget; p stays valid if it fails. */
void *budget__realloc(struct budget *b, void *p, size_t old, size_t new);

/* As calloc(), within the budget. */
void *budget__calloc(struct budget *b, size_t nr, size_t size);

/* free() for what these two returned, or NULL. */
void budget__free(struct budget *b, void *p, size_t bytes);

#endif
