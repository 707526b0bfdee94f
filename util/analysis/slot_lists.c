// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/hist.h"
#include "util/analysis/slot_lists.h"
#include "util/array.h"
#include "util/hash_table.h"

static int by_address(const void *a, const void *b)
{
	const struct kvmw_slot *x = *(const struct kvmw_slot **)a,
			       *y = *(const struct kvmw_slot **)b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->vm != y->vm)
		return x->vm < y->vm ? -1 : 1;
	if (x->gpa != y->gpa)
		return x->gpa < y->gpa ? -1 : 1;
	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

/* The recording's only VM of a process that has no other. */
static const struct rec_vm *only_vm_of(const struct recording *rec, u32 pid)
{
	const struct rec_vm *found = NULL;

	for (u32 i = 0; i < rec->nr_vms; i++) {
		if (rec->vm[i].pid != pid)
			continue;
		if (found)
			return NULL;
		found = &rec->vm[i];
	}
	return found;
}

static bool has_flag(const struct kvmw_slot *slot, u32 flag)
{
	return slot->flags != ~0U && slot->flags & flag;
}

static void slot_list__add(struct slot_list *list, const struct kvmw_slot *slot)
{
	u64 bytes = slot->size == KVMW_NONE ? 0 : slot->size;
	bool read_only = has_flag(slot, SLOT_READONLY), logged = slot->logging == 1;

	list->nr++;
	list->bytes = sat_add(list->bytes, bytes);
	list->read_only += read_only;
	list->read_only_bytes = sat_add(list->read_only_bytes, read_only ? bytes : 0);
	list->logged += logged;
	list->logged_bytes = sat_add(list->logged_bytes, logged ? bytes : 0);
}

static bool is_same_vm(const struct kvmw_slot *a, const struct kvmw_slot *b)
{
	return a->pid == b->pid && a->vm == b->vm;
}

static void fill_lists(struct slot_lists *lists, u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		const struct kvmw_slot *slot = lists->slot[i];

		if (!i || !is_same_vm(slot, lists->slot[i - 1]))
			lists->vm[lists->nr++] = (struct slot_list) {
				.pid = slot->pid, .number = slot->vm, .slot = &lists->slot[i],
			};
		slot_list__add(&lists->vm[lists->nr - 1], slot);
	}
}

struct known_pid { u32 key; };

/* The processes whose set-up was read, but not a slot. */
static int add_unknown(struct slot_lists *lists, const struct recording *rec)
{
	struct hash_table pids = HASH_TABLE(struct known_pid, NULL);
	int err = 0;

	for (u32 i = 0; i < lists->nr && !err; i++)
		err = hash_table__get(&pids, &lists->vm[i].pid) ? 0 : -1;
	for (u32 i = 0; i < rec->vm_configs.nr && !err; i++) {
		const struct kvmw_vm_config *row = rec_table__vm_config(&rec->vm_configs, i);
		u32 before = pids.nr;

		if (row->kind != KVMW_vm_config_START && row->kind != KVMW_vm_config_END)
			continue;	/* from a newer version */
		err = hash_table__get(&pids, &row->pid) ? 0 : -1;
		if (pids.nr > before)
			lists->vm[lists->nr++] = (struct slot_list) { .pid = row->pid };
	}
	hash_table__free(&pids);
	return err;
}

static int by_process(const void *a, const void *b)
{
	const struct slot_list *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

int slot_lists__make(struct slot_lists *lists, const struct recording *rec)
{
	u32 nr = 0;

	memset(lists, 0, sizeof(*lists));
	lists->slot = calloc(rec->slots.nr ?: 1, sizeof(*lists->slot));
	lists->vm = calloc(rec->slots.nr + rec->vm_configs.nr ?: 1, sizeof(*lists->vm));
	if (!lists->slot || !lists->vm)
		return out_of_memory();
	for (u32 i = 0; i < rec->slots.nr; i++)
		/* else from a newer version */
		if (rec_table__slot(&rec->slots, i)->kind == KVMW_slot_START)
			lists->slot[nr++] = rec_table__slot(&rec->slots, i);
	qsort(lists->slot, nr, sizeof(*lists->slot), by_address);
	fill_lists(lists, nr);
	if (add_unknown(lists, rec))
		return -1;
	qsort(lists->vm, lists->nr, sizeof(*lists->vm), by_process);
	for (u32 i = 0; i < lists->nr; i++) {
		struct slot_list *list = &lists->vm[i];

		list->alone = (!i || list[-1].pid != list->pid) &&
			      (i + 1 == lists->nr || list[1].pid != list->pid);
		list->vm = list->alone ? only_vm_of(rec, list->pid) : NULL;
	}
	return 0;
}

void slot_lists__free(struct slot_lists *lists)
{
	free(lists->slot);
	free(lists->vm);
	memset(lists, 0, sizeof(*lists));
}
