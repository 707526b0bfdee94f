// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/capture/iterator.h"
#include "util/capture/vm_slots.h"

_Static_assert(sizeof(struct kvmw_vm_slot) <= ITERATOR_ROW, "no row would arrive");

static int vm_slots__add(void *arg, const void *row)
{
	struct vm_slots *slots = arg;

	if (slots->nr == VM_SLOTS_MAX)
		return 0;
	if (array__reserve(slots->slot, slots->nr, slots->room, NULL))
		return -1;
	slots->slot[slots->nr++] = *(const struct kvmw_vm_slot *)row;
	return 0;
}

static int compare_vm_slots(const void *a, const void *b)
{
	const struct kvmw_vm_slot *x = a, *y = b;

	if (x->tgid != y->tgid)
		return x->tgid < y->tgid ? -1 : 1;
	if (x->kvm != y->kvm)
		return x->kvm < y->kvm ? -1 : 1;
	return x->base_gfn < y->base_gfn ? -1 : x->base_gfn > y->base_gfn;
}

int vm_slots__read(struct vm_slots *slots, const struct session *session)
{
	slots->time_ns = monotonic_ns();
	if (iterator__read(session__vm_slots(session), sizeof(*slots->slot), vm_slots__add, slots) <
	    0)
		return -1;
	if (slots->nr)
		qsort(slots->slot, slots->nr, sizeof(*slots->slot), compare_vm_slots);
	return 0;
}

static bool is_one_of(const u32 *pids, u32 nr, u32 pid)
{
	for (u32 i = 0; i < nr; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

int vm_slots__send(const struct vm_slots *slots, const u32 *pids, u32 nr_pids, struct sink *sink)
{
	struct sink_rows rows = { sink, DATA_STATS, event_desc__by_id(KVMW_EVENT_SLOT), NULL };
	const struct kvmw_vm_slot *last = NULL;
	struct kvmw_slot *row;
	u32 vm = 0;

	for (u32 i = 0; i < slots->nr; i++) {
		const struct kvmw_vm_slot *s = &slots->slot[i];

		/* A file may be listed for several threads, and have several descriptors. */
		if (last && !memcmp(last, s, sizeof(*s)))
			continue;
		if (last && last->tgid == s->tgid)
			vm += last->kvm != s->kvm;
		else
			vm = 0;
		last = s;
		if (!is_one_of(pids, nr_pids, s->tgid))
			continue;
		row = sink__row(&rows);
		if (!row)
			return -1;
		*row = (struct kvmw_slot) {
			.time_ns = slots->time_ns, .kind = KVMW_slot_START, .pid = s->tgid,
			.vm = vm,
			.slot = s->slot, .flags = s->flags, .gpa = s->base_gfn << 12,
			.size = s->npages << 12, .hva = s->hva, .logging = s->logging,
		};
	}
	sink__end_rows(&rows);
	return 0;
}

void vm_slots__free(struct vm_slots *slots)
{
	free(slots->slot);
	memset(slots, 0, sizeof(*slots));
}
