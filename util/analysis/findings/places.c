// SPDX-License-Identifier: GPL-2.0
/* What exit_places.c counts, whatever rows it comes from. */
#include "util/analysis/findings/exit_places.h"
#include "util/analysis/hist.h"

/* One that is neither known nor fits in costs all others as much as the least of them has. */
void places__add(struct place *place, u64 at, u64 gpa, u64 count)
{
	struct place *least = &place[0];
	u64 less;

	for (u32 i = 0; i < NR_PLACES; i++) {
		struct place *p = &place[i];

		if (p->count && p->at == at && p->gpa == gpa) {
			p->count += count;
			return;
		}
		if (p->count < least->count)
			least = p;
	}
	less = least->count < count ? least->count : count;
	for (u32 i = 0; less && i < NR_PLACES; i++)
		place[i].count -= less;
	if (count > less)
		*least = (struct place) { at, gpa, count - less };
}

const struct place *places__most(const struct place *place)
{
	static const struct place none;
	const struct place *most = place;

	if (!place)
		return &none;
	for (u32 i = 1; i < NR_PLACES; i++)
		if (place[i].count > most->count)
			most = &place[i];
	return most;
}

u64 vcpu_places__most(const struct vcpu_places *v, u64 *rip)
{
	const struct place *most = places__most(v->place);
	u64 beside = 0;

	for (u32 i = 0; v->place && i < NR_PLACES; i++)
		if ((v->place[i].at == most->at + 1 || v->place[i].at == most->at - 1) &&
		    v->place[i].count > beside)
			beside = v->place[i].count;
	*rip = most->at << PLACE_SHIFT;
	return most->count ? most->count + beside : 0;
}

u32 fault_range_pages__nr(const struct fault_range_pages *r)
{
	u32 nr = 0;

	for (u32 i = 0; i < ARRAY_SIZE(r->page); i++)
		nr += __builtin_popcountll(r->page[i]);
	return nr;
}

u64 fault_range_pages__first(const struct fault_range_pages *r)
{
	for (u32 i = 0; i < ARRAY_SIZE(r->page); i++)
		if (r->page[i])
			return (r->key.range << RANGE_SHIFT) +
			       (i * 64ULL + __builtin_ctzll(r->page[i])) * 4096;
	return r->key.range << RANGE_SHIFT;
}

void vcpu_places__add(struct vcpu_places *v, const struct vcpu_places *one)
{
	v->exits += one->exits;
	v->by_host += one->by_host;
	v->faults += one->faults;
	v->protect += one->protect;
	v->again += one->again;
	v->nested += one->nested;
	v->nested_ns = sat_add(v->nested_ns, one->nested_ns);
	v->nested_guest_ns = sat_add(v->nested_guest_ns, one->nested_guest_ns);
	v->enters += one->enters;
	v->enters_ns = sat_add(v->enters_ns, one->enters_ns);
	v->polls += one->polls;
	v->paid += one->paid;
	v->no_halt += one->no_halt;
	v->no_halt_vmm += one->no_halt_vmm;
	v->ipis += one->ipis;
	v->just_missed += one->just_missed;
	v->just_missed_ns = sat_add(v->just_missed_ns, one->just_missed_ns);
	for (u32 i = 0; i < NR_RUN_FAILURES; i++)
		v->failed[i] += one->failed[i];
}
