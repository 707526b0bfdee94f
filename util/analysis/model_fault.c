// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/model_fault.h"
#include "util/error.h"

#define PAGE_BITS	12
#define RANGE_BITS	21

enum { KIND, SPAN, VCPU, GPA, ACCESS, MMIO, LEVEL, PFN };

static const char *const fault_columns[] = {
	[KIND] = "kind", [SPAN] = "span_ns", [VCPU] = "vcpu", [GPA] = "gpa", [ACCESS] = "access",
	[MMIO] = "mmio", [LEVEL] = "level", [PFN] = "pfn", NULL,
};

enum { SLOT_VCPU, SLOT_TIME, SLOT_SLOT, SLOT_GPA, SLOT_SIZE, SLOT_RESULT };

static const char *const slot_columns[] = {
	[SLOT_VCPU] = "vcpu", [SLOT_TIME] = "time_ns", [SLOT_SLOT] = "slot", [SLOT_GPA] = "gpa",
	[SLOT_SIZE] = "size", [SLOT_RESULT] = "result", NULL,
};

static const struct scan_event events[] = {
	{ .id = KVMW_EVENT_FAULT, .columns = fault_columns },
	{ .id = KVMW_EVENT_MEMSLOT, .columns = slot_columns },
};

/* How the keys of agg.h are used here. */
#define KEY_ACCESS	detail_kind
#define KEY_MMIO	isa
#define KEY_GPA		detail		/* where the range, the slot begins */
#define KEY_LEVEL	cpu
#define KEY_SLOT	user
#define KEY_PAGES	reason		/* of a slot: its size */

static u16 fault_model__narrow(u64 value)
{
	return value == KVMW_NONE ? FAULT_UNTOLD : value < FAULT_UNTOLD ? value : FAULT_UNTOLD - 1;
}

/* NULL: out of memory, or, with *full, one key too many, which is counted. */
static struct agg *fault_model__count(struct agg_table *t, const struct agg_key *key, bool *full)
{
	struct agg *agg = agg_table__get(t, key, full);

	if (agg)
		agg->rows++;
	else if (*full)
		t->over_limit++;
	return agg;
}

/* -1: out of memory. */
static int fault_model__add(struct agg_table *t, const struct agg_key *key, u64 span)
{
	bool full;
	struct agg *agg = fault_model__count(t, key, &full);

	if (!agg)
		return full ? 0 : -1;
	return span == KVMW_NONE ? 0 : hist__add(&agg->span, span);
}

static int take_fault(struct fault_model *v, u64 *const *col, u32 i)
{
	u64 gpa = col[GPA][i], span = col[SPAN][i];
	struct agg_key key = { .vcpu = col[VCPU][i], .KEY_MMIO = fault_model__narrow(col[MMIO][i]) };
	u32 bits = key.KEY_MMIO == 1 ? PAGE_BITS : RANGE_BITS;

	key.KEY_GPA = gpa == KVMW_NONE ? KVMW_NONE : gpa >> bits << bits;
	if (fault_model__add(&v->ranges, &key, span))
		return -1;
	key.KEY_GPA = 0;
	key.KEY_ACCESS = fault_model__narrow(col[ACCESS][i]);
	return fault_model__add(&v->accesses, &key, span);
}

static int take_level(struct fault_model *v, u64 *const *col, u32 i)
{
	bool spte = col[KIND][i] == KVMW_fault_SET_SPTE;
	struct agg_key key = {
		.vcpu = col[VCPU][i],
		.reason = col[KIND][i],
		.KEY_LEVEL = fault_model__narrow(col[LEVEL][i]),
	};

	/* Without a page it is no mapping: 5.10 tells of the entries that mark MMIO too. */
	if (spte ? col[PFN][i] == KVMW_NONE : col[MMIO][i] == 1)
		return 0;
	return fault_model__add(&v->levels, &key, KVMW_NONE);
}

static int take_slot(struct fault_model *v, u64 *const *col, u32 i)
{
	u64 size = col[SLOT_SIZE][i], pages = size >> PAGE_BITS, slot = col[SLOT_SLOT][i];
	struct agg_key key = {
		.vcpu = col[SLOT_VCPU][i], .KEY_GPA = col[SLOT_GPA][i], .KEY_SLOT = slot,
		.KEY_PAGES = pages < UINT32_MAX ? pages : UINT32_MAX,
	};
	u64 time = col[SLOT_TIME][i], result = col[SLOT_RESULT][i];
	struct agg *agg;
	bool full;

	/* Deleted, not told, or refused. */
	if (!pages || size == KVMW_NONE || key.KEY_GPA == KVMW_NONE || slot >= UINT32_MAX ||
	    (result && result != KVMW_NONE))
		return 0;
	agg = fault_model__count(&v->slots, &key, &full);
	if (!agg)
		return full ? 0 : -1;
	/* When it was last set: merging keeps the latest. */
	if (time != KVMW_NONE && time > agg->open_since)
		agg->open_since = time;
	return 0;
}

static int fault_model__take(void *state, const struct scan_batch *b)
{
	struct fault_model *v = state;
	int ret = 0;

	for (u32 i = 0; i < b->rows && !ret; i++) {
		if (b->event->id == KVMW_EVENT_MEMSLOT)
			ret = take_slot(v, b->col, i);
		else if (b->col[KIND][i] == KVMW_fault_PAGE_FAULT)
			ret = take_fault(v, b->col, i) ?: take_level(v, b->col, i);
		else if (b->col[KIND][i] == KVMW_fault_SET_SPTE)
			ret = take_level(v, b->col, i);
	}
	return ret;
}

static void *fault_model__new_view(void *arg)
{
	struct fault_model *v = calloc(1, sizeof(*v));

	if (!v)
		error("out of memory");
	else
		v->opt = arg;
	return v;
}

static int fault_model__merge(void *to, const void *from)
{
	struct fault_model *t = to;
	const struct fault_model *f = from;

	return agg_table__merge(&t->accesses, &f->accesses) ||
	       agg_table__merge(&t->ranges, &f->ranges) ||
	       agg_table__merge(&t->slots, &f->slots) ||
	       agg_table__merge(&t->levels, &f->levels) ? -1 : 0;
}

static void fault_model__free_view(void *state)
{
	struct fault_model *v = state;

	for (u32 i = 0; i < v->nr_accesses; i++)
		hist__free(&v->access[i].span);
	for (u32 i = 0; i < v->nr_ranges; i++)
		hist__free(&v->range[i].span);
	free(v->access);
	free(v->range);
	agg_table__free(&v->accesses);
	agg_table__free(&v->ranges);
	agg_table__free(&v->slots);
	agg_table__free(&v->levels);
	free(v);
}

const struct scan_consumer fault_consumer = {
	.events = events,
	.nr_events = ARRAY_SIZE(events),
	.new = fault_model__new_view,
	.take = fault_model__take,
	.merge = fault_model__merge,
	.free = fault_model__free_view,
};

#define COMPARE(a, b) do { if ((a) != (b)) return (a) < (b) ? -1 : 1; } while (0)

static int access_most(const void *a, const void *b)
{
	const struct fault_access *x = a, *y = b;

	COMPARE(y->count, x->count);
	COMPARE(x->mmio, y->mmio);
	COMPARE(x->access, y->access);
	return 0;
}

static int range_place(const void *a, const void *b)
{
	const struct fault_range *x = a, *y = b;

	COMPARE(x->vm, y->vm);
	COMPARE(x->gpa, y->gpa);
	COMPARE(x->mmio, y->mmio);
	return 0;
}

static int range_most(const void *a, const void *b)
{
	const struct fault_range *x = a, *y = b;

	COMPARE(y->count, x->count);
	return range_place(a, b);
}

static u32 fault_model__vm_of(const struct recording *rec, u32 vcpu_id)
{
	const struct rec_vcpu *vcpu = recording__vcpu(rec, vcpu_id);

	return vcpu ? vcpu->vm : REC_NO_VM;
}

static struct fault_access *find_access(struct fault_model *v, const struct agg_key *key)
{
	for (u32 i = 0; i < v->nr_accesses; i++)
		if (v->access[i].access == key->KEY_ACCESS && v->access[i].mmio == key->KEY_MMIO)
			return &v->access[i];
	return NULL;
}

#define MAX_ACCESSES	64	/* there are 9 accesses and 3 kinds of memory; the rest is nonsense */

static int finish_accesses(struct fault_model *v, const struct recording *rec)
{
	v->access = calloc(MAX_ACCESSES, sizeof(*v->access));
	if (!v->access)
		return error("out of memory");
	for (u32 i = 0; i < v->accesses.nr; i++) {
		const struct agg *agg = &v->accesses.entry[i];
		struct fault_access *to = find_access(v, &agg->key);

		if (!report__selects(rec, v->opt, agg->key.vcpu))
			continue;
		v->count += agg->rows;
		v->span_ns = sat_add(v->span_ns, agg->span.sum);
		if (!to && v->nr_accesses == MAX_ACCESSES) {
			v->over_limit += agg->rows;
			continue;
		}
		if (!to) {
			to = &v->access[v->nr_accesses++];
			to->access = agg->key.KEY_ACCESS;
			to->mmio = agg->key.KEY_MMIO;
		}
		to->count += agg->rows;
		if (hist__merge(&to->span, &agg->span))
			return -1;
	}
	qsort(v->access, v->nr_accesses, sizeof(*v->access), access_most);
	return 0;
}

/* Ranges of several vCPUs become one of their VM: the histograms move along. */
static int join_ranges(struct fault_model *v)
{
	u32 nr = 0;

	for (u32 i = 0; i < v->nr_ranges; i++) {
		struct fault_range *to = nr ? &v->range[nr - 1] : NULL, *from = &v->range[i];

		if (!to || range_place(to, from)) {
			struct fault_range moved = *from;

			from->span = (struct hist) { 0 };
			v->range[nr++] = moved;
			continue;
		}
		to->count += from->count;
		if (hist__merge(&to->span, &from->span))
			return -1;
		hist__free(&from->span);
	}
	v->nr_ranges = nr;
	return 0;
}

static int finish_ranges(struct fault_model *v, const struct recording *rec)
{
	v->range = calloc(v->ranges.nr + 1, sizeof(*v->range));
	if (!v->range)
		return error("out of memory for %u ranges", v->ranges.nr);
	for (u32 i = 0; i < v->ranges.nr; i++) {
		struct agg *agg = &v->ranges.entry[i];
		const struct agg_key *key = &agg->key;

		if (!report__selects(rec, v->opt, key->vcpu))
			continue;
		if (key->KEY_GPA == KVMW_NONE) {
			v->no_gpa += agg->rows;
			continue;
		}
		v->range[v->nr_ranges++] = (struct fault_range) {
			.vm = fault_model__vm_of(rec, key->vcpu),
			.mmio = key->KEY_MMIO,
			.gpa = key->KEY_GPA,
			.size = 1ULL << (key->KEY_MMIO == 1 ? PAGE_BITS : RANGE_BITS),
			.count = agg->rows,
			.span = agg->span,
			.slot = KVMW_NONE,
		};
		agg->span = (struct hist) { 0 };
	}
	qsort(v->range, v->nr_ranges, sizeof(*v->range), range_place);
	if (join_ranges(v))
		return -1;
	for (u32 i = 1; i < v->nr_ranges; i++)
		v->several_vms |= v->range[i].vm != v->range[0].vm;
	qsort(v->range, v->nr_ranges, sizeof(*v->range), range_most);
	return 0;
}

static u64 overlap(u64 a, u64 a_size, u64 b, u64 b_size)
{
	u64 from = a > b ? a : b, a_end = sat_add(a, a_size), b_end = sat_add(b, b_size);
	u64 end = a_end < b_end ? a_end : b_end;

	return end > from ? end - from : 0;
}

/*
 * Where several slots cover it: the greatest part, then the lower address space (1 is that
 * of system management mode), then the one that was set last.
 */
void fault_model__find_slot(const struct fault_model *v, const struct recording *rec,
			   struct fault_range *r)
{
	u64 most = 0, last = 0;

	for (u32 i = 0; i < v->slots.nr; i++) {
		const struct agg *agg = &v->slots.entry[i];
		u64 size = (u64)agg->key.KEY_PAGES << PAGE_BITS;
		u64 part = overlap(r->gpa, r->size, agg->key.KEY_GPA, size);
		u64 space = agg->key.KEY_SLOT >> 16;

		if (!part || part < most || fault_model__vm_of(rec, agg->key.vcpu) != r->vm)
			continue;
		if (part == most && (space > r->slot >> 16 ||
				     (space == r->slot >> 16 && agg->open_since < last)))
			continue;
		most = part;
		last = agg->open_since;
		r->slot = agg->key.KEY_SLOT;
		r->slot_gpa = agg->key.KEY_GPA;
		r->slot_size = size;
	}
}

static void finish_levels(struct fault_model *v, const struct recording *rec)
{
	for (u32 i = 0; i < v->levels.nr; i++) {
		const struct agg *agg = &v->levels.entry[i];
		u32 level = agg->key.KEY_LEVEL <= FAULT_LEVELS ? agg->key.KEY_LEVEL : 0;

		if (!report__selects(rec, v->opt, agg->key.vcpu))
			continue;
		if (agg->key.reason == KVMW_fault_SET_SPTE)
			v->mapped[level] += agg->rows;
		else
			v->faults[level] += agg->rows;
	}
}

int fault_model__finish(struct fault_model *v, const struct recording *rec)
{
	v->over_limit += v->accesses.over_limit + v->levels.over_limit + v->ranges.over_limit;
	v->slots_over_limit = v->slots.over_limit;
	finish_levels(v, rec);
	return finish_accesses(v, rec) || finish_ranges(v, rec) ? -1 : 0;
}
