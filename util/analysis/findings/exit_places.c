// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "util/analysis/findings/exit_places.h"
#include "util/arch/access.h"
#include "util/event_desc.h"

enum { COL_VCPU, COL_ISA, COL_REASON, COL_RIP, COL_KIND, COL_INFO1 };

static const char *const columns[] = { "vcpu", "isa", "reason", "rip", "detail_kind", "info1", NULL };
static const struct scan_event events[] = { { .id = KVMW_EVENT_EXIT, .columns = columns } };

static void *exit_places__new(void *arg)
{
	struct exit_places *places = mem__calloc(1, sizeof(*places));

	(void)arg;
	if (places)
		places->vcpus = HASH_TABLE(struct vcpu_places, NULL);
	return places;
}

static void exit_places__free(void *state)
{
	struct exit_places *places = state;

	hash_table__free(&places->vcpus);
	free(places);
}

/* One that is neither known nor fits in costs all others as much as the least of them has. */
static void add_place(struct vcpu_places *v, u64 at, u64 count)
{
	struct place *least = &v->place[0];
	u64 less;

	for (u32 i = 0; i < NR_PLACES; i++) {
		struct place *p = &v->place[i];

		if (p->count && p->at == at) {
			p->count += count;
			return;
		}
		if (p->count < least->count)
			least = p;
	}
	less = least->count < count ? least->count : count;
	for (u32 i = 0; less && i < NR_PLACES; i++)
		v->place[i].count -= less;
	if (count > less)
		*least = (struct place) { at, count - less };
}

/* Of a guest whose registers are protected (SEV-ES), the host sees 0, or where a vCPU is reset to. */
static bool is_place(u64 rip)
{
	return rip && rip != 0xfff0 && rip != KVMW_NONE;
}

/* NULL: out of memory, or, with *full, one too many. */
static struct vcpu_places *places_of(struct exit_places *places, u32 vcpu, bool *full)
{
	struct vcpu_places *v = hash_table__find(&places->vcpus, &vcpu);

	*full = !v && places->vcpus.nr >= REC_MAX_IDS;
	return v || *full ? v : hash_table__get(&places->vcpus, &vcpu);
}

static int exit_places__take(void *state, const struct scan_batch *b)
{
	struct exit_places *places = state;
	u64 *const *col = b->col, reason = KVMW_NONE;
	enum exit_class class = EXIT_OTHER;
	struct vcpu_places *v = NULL;
	u32 of_isa = KVMW_ISA_NONE;
	bool full;

	for (u32 i = 0; i < b->rows; i++) {
		u32 vcpu = col[COL_VCPU][i], isa = col[COL_ISA][i];

		if (!v || v->key.vcpu != vcpu) {
			v = places_of(places, vcpu, &full);
			if (!v && !full)
				return -1;
			if (!v)
				continue;
		}
		if (col[COL_REASON][i] != reason || isa != of_isa) {
			reason = col[COL_REASON][i];
			of_isa = isa;
			class = exit_class(isa, reason);
		}
		v->exits++;
		if (class == EXIT_BY_HOST) {
			v->by_host++;
			if (is_place(col[COL_RIP][i]))
				add_place(v, col[COL_RIP][i] >> PLACE_SHIFT, 1);
		}
		if (detail_is_fault(col[COL_KIND][i])) {
			v->faults++;
			v->protect += fault_is_of_protection(isa, col[COL_INFO1][i]);
		}
	}
	return 0;
}

static int exit_places__merge(void *to, const void *from)
{
	const struct exit_places *more = from;
	struct exit_places *all = to;

	for (u32 i = 0; i < more->vcpus.nr; i++) {
		const struct vcpu_places *one = hash_table__at(&more->vcpus, i);
		bool full;
		struct vcpu_places *v = places_of(all, one->key.vcpu, &full);

		if (!v && !full)
			return -1;
		if (!v)
			continue;
		v->exits += one->exits;
		v->by_host += one->by_host;
		v->faults += one->faults;
		v->protect += one->protect;
		for (u32 k = 0; k < NR_PLACES; k++)
			if (one->place[k].count)
				add_place(v, one->place[k].at, one->place[k].count);
	}
	return 0;
}

const struct scan_consumer exit_places__scan = {
	.events = events, .nr_events = 1,
	.new = exit_places__new, .take = exit_places__take,
	.merge = exit_places__merge, .free = exit_places__free,
};

u64 vcpu_places__most(const struct vcpu_places *v, u64 *rip)
{
	const struct place *most = &v->place[0];
	u64 beside = 0;

	for (u32 i = 1; i < NR_PLACES; i++)
		if (v->place[i].count > most->count)
			most = &v->place[i];
	for (u32 i = 0; i < NR_PLACES; i++)
		if ((v->place[i].at == most->at + 1 || v->place[i].at == most->at - 1) &&
		    v->place[i].count > beside)
			beside = v->place[i].count;
	*rip = most->at << PLACE_SHIFT;
	return most->count ? most->count + beside : 0;
}
