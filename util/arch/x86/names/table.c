// SPDX-License-Identifier: GPL-2.0
#include "util/arch/x86/names/table.h"
#include "util/search.h"

/* The first range that does not end before the number is the only one that may have it. */
static int name__compare(const void *key, const void *element)
{
	u64 number = *(const u64 *)key, to = ((const struct name *)element)->to;

	return number < to ? -1 : number > to;
}

const char *name_table__find(const struct name_table *table, u64 number, bool written)
{
	size_t i =
		lower_bound(&number, table->name, table->nr, sizeof(*table->name), name__compare);
	const struct name *name = &table->name[i];

	if (i == table->nr || number < name->from)
		return NULL;
	return written && name->written ? name->written : name->read;
}
