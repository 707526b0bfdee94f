// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "util/analysis/span_table.h"
#include "util/analysis/taken_pages.h"
#include "util/array.h"
#include "util/search.h"

/* ---- memory slots ----------------------------------------------------------- */

struct vmm_slot {
	u32 vm;
	u64 gfn, pages, hva, time_ns;
};

static int vmm_slots__compare(const void *a, const void *b)
{
	const struct vmm_slot *x = a, *y = b;

	COMPARE(x->vm, y->vm);
	COMPARE(x->gfn, y->gfn);
	COMPARE(x->time_ns, y->time_ns);
	return 0;
}

int vmm_slots__make(struct vmm_slots *s, const struct recording *rec)
{
	const struct hash_table *t = &rec->memslots.table;

	for (u32 i = 0; i < t->nr; i++) {
		const struct memslot *slot = hash_table__at(t, i);
		const struct rec_vcpu *vcpu = recording__vcpu(rec, slot->key.vcpu);

		if (slot->key.slot >> 16 || slot->hva == KVMW_NONE || !vcpu)
			continue;
		if (array__reserve(s->slot, s->nr, s->room, s->budget))
			return -1;
		s->slot[s->nr++] = (struct vmm_slot) {
			.vm = vcpu->vm, .gfn = slot->key.gpa >> TAKEN_PAGE_SHIFT,
			.pages = slot->key.size >> TAKEN_PAGE_SHIFT, .hva = slot->hva,
			.time_ns = slot->time_ns,
		};
	}
	if (s->nr)
		qsort(s->slot, s->nr, sizeof(*s->slot), vmm_slots__compare);
	return 0;
}

struct place {
	u32 vm;
	u64 gfn;
};

static int compare_place(const void *key, const void *element)
{
	const struct place *p = key;
	const struct vmm_slot *s = element;

	COMPARE(p->vm, s->vm);
	return p->gfn < s->gfn ? -1 : 1;
}

/* Slots that lie below may be stale ones: a few are looked at. */
#define STALE_SLOTS	8

u64 vmm_slots__page(const struct vmm_slots *slots, u32 vm, u64 gfn)
{
	struct place place = { .vm = vm, .gfn = gfn };
	u32 i = lower_bound(&place, slots->slot, slots->nr, sizeof(*slots->slot), compare_place);

	for (u32 back = 0; i && back < STALE_SLOTS; back++) {
		const struct vmm_slot *s = &slots->slot[--i];

		if (s->vm != vm)
			break;
		if (gfn - s->gfn < s->pages)
			return (s->hva >> TAKEN_PAGE_SHIFT) + gfn - s->gfn;
	}
	return KVMW_NONE;
}

void vmm_slots__free(struct vmm_slots *s)
{
	array__free(s->slot, s->room, s->budget);
}

/* ---- pages ------------------------------------------------------------------ */

struct taken_page {
	u32 pid, pad;
	u64 page;
};

int taken_pages__add(struct taken_pages *p, u32 pid, u64 page)
{
	if (array__reserve(p->page, p->nr, p->room, p->budget))
		return -1;
	p->page[p->nr++] = (struct taken_page) { .pid = pid, .page = page };
	return 0;
}

static int taken_pages__compare(const void *a, const void *b)
{
	const struct taken_page *x = a, *y = b;

	COMPARE(x->pid, y->pid);
	COMPARE(x->page, y->page);
	return 0;
}

static u32 first_page(const struct taken_pages *p, u32 pid, u64 page)
{
	struct taken_page key = { .pid = pid, .page = page };

	return lower_bound(&key, p->page, p->nr, sizeof(key), taken_pages__compare);
}

int taken_pages__sort(struct taken_pages *p)
{
	u32 nr = 0;

	if (p->nr)
		qsort(p->page, p->nr, sizeof(*p->page), taken_pages__compare);
	for (u32 i = 0; i < p->nr; i++)
		if (!nr || taken_pages__compare(&p->page[nr - 1], &p->page[i]))
			p->page[nr++] = p->page[i];
	p->nr = nr;
	p->nodes = 2 * (size_t)nr + 1;
	p->latest = budget__calloc(p->budget, p->nodes, sizeof(*p->latest));
	return p->latest ? 0 : -1;
}

/* A row covers pages from, to - 1: each node of the tree knows the last that covered all of it. */
static void cover_pages(struct taken_pages *p, u32 from, u32 to, u32 row)
{
	for (from += p->nr, to += p->nr; from < to; from /= 2, to /= 2) {
		if (from & 1)
			p->latest[from++] = row;
		if (to & 1)
			p->latest[--to] = row;
	}
}

void taken_pages__cover(struct taken_pages *p, u32 pid, u64 start, u64 end, u32 row)
{
	bool odd = end & ((1 << TAKEN_PAGE_SHIFT) - 1);
	u32 any = first_page(p, pid, TAKEN_ANY_PAGE);

	cover_pages(p, first_page(p, pid, start >> TAKEN_PAGE_SHIFT),
		    first_page(p, pid, (end >> TAKEN_PAGE_SHIFT) + odd), row);
	if (any < p->nr && p->page[any].pid == pid && p->page[any].page == TAKEN_ANY_PAGE)
		cover_pages(p, any, any + 1, row);
}

u32 taken_pages__last(const struct taken_pages *p, u32 pid, u64 page)
{
	u32 latest = 0;

	for (u32 i = first_page(p, pid, page) + p->nr; i; i /= 2)
		latest = p->latest[i] > latest ? p->latest[i] : latest;
	return latest;
}

void taken_pages__free(struct taken_pages *p)
{
	budget__free(p->budget, p->latest, p->nodes * sizeof(*p->latest));
	array__free(p->page, p->room, p->budget);
}
