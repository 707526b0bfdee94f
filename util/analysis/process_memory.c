// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/process_memory.h"

#define WHY_MAX	200			/* it has to fit into a sentence */

static bool is_whole(const struct kvmw_vm_memory *row)
{
	return row->node == ~0U;
}

/* Of a process the end first, and of each moment the whole, then its nodes. */
static int by_pid_and_moment(const void *a, const void *b)
{
	const struct kvmw_vm_memory *x = *(const struct kvmw_vm_memory **)a;
	const struct kvmw_vm_memory *y = *(const struct kvmw_vm_memory **)b;
	u32 m = x->node + 1, n = y->node + 1;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind > y->kind ? -1 : 1;
	return m < n ? -1 : m > n;
}

static const char *why_unknown(const struct recording *rec, u32 text)
{
	const char *why = recording__text(rec, text) ?: "";

	return strlen(why) > WHY_MAX ? "" : why;
}

int process_memories__make(struct process_memories *list, const struct recording *rec)
{
	const struct rec_table *rows = &rec->vm_memories;
	struct process_memory *p = NULL;
	u32 nr = 0;

	memset(list, 0, sizeof(*list));
	list->row = calloc(rows->nr ?: 1, sizeof(*list->row));
	list->process = calloc(rows->nr ?: 1, sizeof(*list->process));
	if (!list->row || !list->process)
		return out_of_memory();
	for (u32 i = 0; i < rows->nr; i++) {
		const struct kvmw_vm_memory *row = rec_table__vm_memory(rows, i);

		/* Others are from a newer version. */
		if (row->kind == KVMW_vm_memory_START || row->kind == KVMW_vm_memory_END)
			list->row[nr++] = row;
	}
	qsort(list->row, nr, sizeof(*list->row), by_pid_and_moment);
	for (u32 i = 0; i < nr; i++) {
		const struct kvmw_vm_memory *row = list->row[i];

		if (is_whole(row) && (!p || p->row->pid != row->pid)) {
			p = &list->process[list->nr++];
			*p = (struct process_memory) {
				.row = row,
				.huge_unknown = why_unknown(rec, row->huge_unknown),
				.nodes_unknown = why_unknown(rec, row->nodes_unknown),
			};
		}
		if (is_whole(row) || !p || p->row->pid != row->pid || p->row->kind != row->kind)
			continue;
		if (!p->nr_nodes++)
			p->node = &list->row[i];
	}
	return 0;
}

void process_memories__free(struct process_memories *list)
{
	free(list->row);
	free(list->process);
	memset(list, 0, sizeof(*list));
}
