// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "util/analysis/span_table.h"

static struct span_sum *span_table__sum(const struct span_table *t, void *entry)
{
	return (struct span_sum *)((char *)entry + t->sum_offset);
}

/* The sum of key, made if there is none; NULL in *sum: too many keys.  0, or -1 */
static int span_table__get(struct span_table *t, const void *key, struct span_sum **sum)
{
	bool full;
	void *entry = hash_table__get_limited(&t->table, key, SPAN_TABLE_MAX, &full);

	*sum = entry ? span_table__sum(t, entry) : NULL;
	if (*sum)
		(*sum)->span.budget = t->table.budget;
	return entry || full ? 0 : -1;
}

int span_table__count(struct span_table *t, const void *key, struct span_sum **sum)
{
	if (span_table__get(t, key, sum))
		return -1;
	if (*sum)
		(*sum)->rows++;
	else
		t->over_limit++;
	return 0;
}

int span_table__merge(struct span_table *to, const struct span_table *from)
{
	to->over_limit += from->over_limit;
	for (u32 i = 0; i < from->table.nr; i++) {
		void *entry = span_table__at(from, i);
		const struct span_sum *sum = span_table__sum(from, entry);
		struct span_sum *all;

		if (span_table__get(to, entry, &all))
			return -1;
		if (!all) {
			to->over_limit += sum->rows;
			continue;
		}
		all->rows += sum->rows;
		all->before_ns = sat_add(all->before_ns, sum->before_ns);
		if (sum->last_ns > all->last_ns)
			all->last_ns = sum->last_ns;
		if (hist__merge(&all->span, &sum->span))
			return -1;
	}
	return 0;
}

void span_table__free(struct span_table *t)
{
	for (u32 i = 0; i < t->table.nr; i++)
		hist__free(&span_table__sum(t, span_table__at(t, i))->span);
	hash_table__free(&t->table);
}

const void **span_table__select(const struct span_table *t, const struct report *rep,
				int (*order)(const void *, const void *), u32 *nr)
{
	const void **list;

	*nr = 0;
	for (u32 i = 0; i < t->table.nr; i++)
		*nr += span_entry__selected(span_table__at(t, i), rep);
	list = budget__calloc(rep->opt->budget, *nr + 1, sizeof(*list));
	if (!list)
		return NULL;
	*nr = 0;
	for (u32 i = 0; i < t->table.nr; i++)
		if (span_entry__selected(span_table__at(t, i), rep))
			list[(*nr)++] = span_table__at(t, i);
	qsort(list, *nr, sizeof(*list), order);
	return list;
}
