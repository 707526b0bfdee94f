// SPDX-License-Identifier: GPL-2.0
/* Stacks that are the same, or have the same functions. */
#include <stdlib.h>
#include <string.h>

#include "util/hash_table.h"
#include "util/recording/recording.h"
#include "util/text.h"

/* How a thread leaves its CPU: the same for all of them. */
static bool of_scheduler(const char *frame)
{
	static const char *const prefixes[] = {
		"__schedule+", "schedule+", "preempt_schedule", "__cond_resched+",
	};

	return text__begins(frame, prefixes, ARRAY_SIZE(prefixes));
}

u32 rec_stack__first(const struct rec_stack *stack)
{
	u32 first = 0;

	while (first + 1 < stack->nr && of_scheduler(stack->frame[first]))
		first++;
	return first;
}

size_t rec_frame__function(const char *frame, bool exact, const char **file)
{
	const char *at = NULL, *bracket = strrchr(frame, '[');

	*file = bracket > frame && bracket[-1] == ' ' ? bracket - 1 : frame + strlen(frame);
	for (const char *p = frame; (p = strstr(p, "+0x")) && p < *file; p++)
		at = p;
	/* If a file has no names, only the place in it distinguishes callers. */
	return !at || (exact && !**file) ? (size_t)(*file - frame) : (size_t)(at - frame);
}

/* ---- equal stacks --------------------------------------------------------- */

static int compare_frames(const struct rec_stack *x, const struct rec_stack *y)
{
	if (x->nr != y->nr)
		return x->nr < y->nr ? -1 : 1;
	for (u32 i = 0; i < x->nr; i++) {
		int order = strcmp(x->frame[i], y->frame[i]);

		if (order)
			return order;
	}
	return 0;
}

static int by_frames(const void *a, const void *b)
{
	const struct rec_stack *x = *(struct rec_stack *const *)a,
			       *y = *(struct rec_stack *const *)b;

	return compare_frames(x, y) ?: (x->id > y->id) - (x->id < y->id);
}

static int stacks__find_same(struct recording *rec)
{
	struct rec_stack **list = calloc(rec->nr_stacks ?: 1, sizeof(*list));

	if (!list)
		return out_of_memory();
	for (u32 i = 0; i < rec->nr_stacks; i++)
		list[i] = &rec->stack[i];
	qsort(list, rec->nr_stacks, sizeof(*list), by_frames);
	for (u32 i = 0; i < rec->nr_stacks; i++)
		list[i]->same = i && !compare_frames(list[i - 1], list[i]) ? list[i - 1]->same :
				list[i]->id;
	free(list);
	return 0;
}

struct same_functions {
	struct { u64 hash; } key;
	u32 id;
};

/* Of one frame, or all from there on. */
static u64 hash_functions(const struct rec_stack *stack, u32 first, u32 nr, bool vmm,
			  const u64 seed[2])
{
	u64 hash[2] = { seed[0], seed[1] };

	for (u32 i = first; i < first + nr; i++) {
		const char *file;
		size_t len = rec_frame__function(stack->frame[i], vmm && i > first, &file);

		/* With its end: that of nothing at all is 0, whatever came before. */
		hash[0] = len ? hash_bytes(hash, stack->frame[i], len) : hash[0];
		hash[0] = hash_bytes(hash, file, strlen(file) + 1);
	}
	return hash[0];
}

/* The first of those with this hash, which are in the order of their ids. 0, or -1. */
static int stacks__join(struct hash_table *t, u64 hash, u32 id, u32 *to)
{
	u32 nr = t->nr;
	struct same_functions *entry = hash_table__get(t, &hash);

	if (!entry)
		return -1;
	if (t->nr > nr)
		entry->id = id;
	*to = entry->id;
	return 0;
}

static int stacks__find_functions(struct recording *rec)
{
	enum { KERNEL, VMM, INNERMOST, NR };
	struct hash_table table[NR];
	u64 seed[2];
	int ret = 0;

	hash_seed(seed);
	for (u32 i = 0; i < NR; i++)
		table[i] = HASH_TABLE(struct same_functions, NULL);
	for (u32 i = 0; i < rec->nr_stacks && !ret; i++) {
		struct rec_stack *s = &rec->stack[i];
		u32 first = rec_stack__first(s);

		ret = stacks__join(&table[KERNEL], hash_functions(s, 0, s->nr, false, seed), s->id,
				   &s->functions) ||
		      stacks__join(&table[VMM], hash_functions(s, 0, s->nr, true, seed), s->id,
				   &s->vmm_functions) ||
		      stacks__join(&table[INNERMOST],
				   hash_functions(s, first, s->nr > first, false, seed), s->id,
				   &s->innermost) ? -1 : 0;
	}
	for (u32 i = 0; i < NR; i++)
		hash_table__free(&table[i]);
	return ret;
}

int recording__same_stacks(struct recording *rec)
{
	return stacks__find_same(rec) ?: stacks__find_functions(rec);
}
