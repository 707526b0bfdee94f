// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/recording/tables.h"
#include "util/text.h"

int rec_comm(u64 first, u64 second, char *to)
{
	char raw[REC_COMM] = "", *clean;

	/* Unknown. */
	if (first == KVMW_NONE && second == KVMW_NONE) {
		*to = '\0';
		return 0;
	}
	for (u32 i = 0; i < 8; i++) {
		raw[i] = first >> 8 * i;
		raw[8 + i] = second >> 8 * i;
	}
	clean = text__clean(raw, sizeof(raw) - 1);
	if (!clean)
		return out_of_memory();
	/* What is cleaned gets no longer. */
	snprintf(to, REC_COMM, "%s", clean);
	free(clean);
	return 0;
}

void rec_table__columns(const struct event_desc *event, const char **names)
{
	for (u32 i = 0; i < event->nr_fields; i++)
		names[i] = event->fields[i].name;
	names[event->nr_fields] = NULL;
}

int rec_table__take(struct rec_table *table, const struct event_desc *event, u64 *const *col, u32 i)
{
	u8 *row;

	if (table->nr == REC_MAX_ROWS) {
		table->over_limit++;
		return 0;
	}
	if (table->nr == table->room) {
		size_t bytes = array__growth(table->room, event->size);
		void *grown;

		if (budget__take(table->budget, bytes)) {
			table->over_limit++;
			return 0;
		}
		grown = array__grow(table->rows, table->nr, 1, &table->room, event->size, NULL);
		if (!grown)
			return -1;
		table->rows = grown;
	}
	row = (u8 *)table->rows + (size_t)table->nr++ * event->size;
	memset(row, 0, event->size);
	event_desc__row(event, col, i, row);
	return 0;
}

void rec_table__free(struct rec_table *table)
{
	free(table->rows);
	memset(table, 0, sizeof(*table));
}
