// SPDX-License-Identifier: GPL-2.0
#include "util/analysis/hist.h"
#include "util/recording/memslots.h"
#include "util/recording/recording.h"

enum { TIME = MEMSLOT_TIME, VCPU, SLOT, GPA, SIZE, RESULT, HVA };

const char *const memslot_columns[] = {
	[TIME] = "time_ns", [VCPU] = "vcpu", [SLOT] = "slot", [GPA] = "gpa", [SIZE] = "size",
	[RESULT] = "result", [HVA] = "hva", NULL,
};

int memslots__take(struct memslots *m, u64 *const *col, u32 row)
{
	struct memslot wanted = { .key = {
		.vcpu = col[VCPU][row], .slot = col[SLOT][row], .gpa = col[GPA][row],
		.size = col[SIZE][row] == KVMW_NONE ? 0 : col[SIZE][row] & ~0xfffULL,
	} }, *slot;
	u64 time_ns = col[TIME][row], result = col[RESULT][row];
	bool full;

	/* Deleted, unknown, or rejected. */
	if (!wanted.key.size || wanted.key.gpa == KVMW_NONE ||
	    col[SLOT][row] >= UINT32_MAX || (result && result != KVMW_NONE))
		return 0;
	if (!m->table.entry_size)
		m->table = HASH_TABLE(struct memslot, NULL);
	slot = hash_table__get_limited(&m->table, &wanted.key, MEMSLOTS_MAX, &full);
	m->over_limit += full;
	if (!slot)
		return full ? 0 : -1;
	if (!slot->time_ns || (time_ns != KVMW_NONE && time_ns > slot->time_ns)) {
		slot->time_ns = time_ns == KVMW_NONE ? 0 : time_ns;
		slot->hva = col[HVA][row];
	}
	return 0;
}

/* The id of a vCPU, or other thread, of the only VM of a process; KVMW_NONE: more, or none. */
static u64 id_of_pid(const struct recording *rec, u32 pid)
{
	const struct rec_vm *vm = NULL;

	for (u32 i = 0; i < rec->nr_vms; i++) {
		if (rec->vm[i].pid != pid)
			continue;
		if (vm)
			return KVMW_NONE;
		vm = &rec->vm[i];
	}
	for (u32 i = 0; vm && i < rec->nr_vcpus; i++)
		if (rec->vcpu[i].vm == vm->id)
			return rec->vcpu[i].id;
	return KVMW_NONE;
}

/* A process with several VMs has rows with numbers above 0: which is which is not known. */
static bool is_only_vm(const struct recording *rec, u32 pid)
{
	for (u32 i = 0; i < rec->slots.nr; i++)
		if (rec_table__slot(&rec->slots, i)->pid == pid &&
		    rec_table__slot(&rec->slots, i)->vm)
			return false;
	return true;
}

static int memslots__take_one(struct memslots *m, const struct kvmw_slot *from, u64 id)
{
	u64 none = KVMW_NONE, slot = from->slot, gpa = from->gpa, size = from->size,
	    hva = from->hva, zero = 0;
	u64 *const col[] = {
		/* Whatever is set later is newer. */
		[TIME] = &none, [VCPU] = &id, [SLOT] = &slot, [GPA] = &gpa, [SIZE] = &size,
		[RESULT] = &zero, [HVA] = &hva,
	};

	return memslots__take(m, col, 0);
}

int memslots__take_first(struct recording *rec)
{
	u32 pid = 0;
	u64 id = KVMW_NONE;
	int ret = 0;

	for (u32 i = 0; i < rec->slots.nr && !ret; i++) {
		const struct kvmw_slot *from = rec_table__slot(&rec->slots, i);

		if (from->kind != KVMW_slot_START)
			continue;	/* from a newer version */
		if (!i || from->pid != pid)
			id = is_only_vm(rec, from->pid) ? id_of_pid(rec, from->pid) : KVMW_NONE;
		pid = from->pid;
		if (id != KVMW_NONE)
			ret = memslots__take_one(&rec->memslots, from, id);
	}
	return ret;
}

void memslots__free(struct memslots *m)
{
	hash_table__free(&m->table);
}

const struct memslot *memslots__find(const struct recording *rec, u32 vm, u64 gpa, u64 size)
{
	const struct hash_table *t = &rec->memslots.table;
	const struct memslot *best = NULL;
	u64 most = 0;

	for (u32 i = 0; i < t->nr; i++) {
		const struct memslot *slot = hash_table__at(t, i);
		u64 part = overlap(gpa, size, slot->key.gpa, slot->key.size);
		u32 space = slot->key.slot >> 16;
		const struct rec_vcpu *vcpu;

		if (!part || part < most)
			continue;
		vcpu = recording__vcpu(rec, slot->key.vcpu);
		if ((vcpu ? vcpu->vm : REC_NO_VM) != vm)
			continue;
		if (part == most && (space > best->key.slot >> 16 ||
				     (space == best->key.slot >> 16 &&
				      slot->time_ns < best->time_ns)))
			continue;
		most = part;
		best = slot;
	}
	return best;
}
