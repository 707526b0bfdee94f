// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/model_fault.h"
#include "util/error.h"

#define PAGE_BITS	12
#define RANGE_BITS	21

struct fault_state {
	struct fault_model model;
	struct agg_table accesses, ranges, slots, levels;
};

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
	return value == KVMW_NONE ? FAULT_UNKNOWN : value < FAULT_UNKNOWN ? value : FAULT_UNKNOWN - 1;
}

/* NULL: out of memory; or, with *full, one key too many, which is counted. */
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

static int take_fault(struct fault_state *st, u64 *const *col, u32 i)
{
	u64 gpa = col[GPA][i], span = col[SPAN][i];
	struct agg_key key = { .vcpu = col[VCPU][i], .KEY_MMIO = fault_model__narrow(col[MMIO][i]) };
	u32 bits = key.KEY_MMIO == 1 ? PAGE_BITS : RANGE_BITS;

	key.KEY_GPA = gpa == KVMW_NONE ? KVMW_NONE : gpa >> bits << bits;
	if (fault_model__add(&st->ranges, &key, span))
		return -1;
	key.KEY_GPA = 0;
	key.KEY_ACCESS = fault_model__narrow(col[ACCESS][i]);
	return fault_model__add(&st->accesses, &key, span);
}

static int take_level(struct fault_state *st, u64 *const *col, u32 i)
{
	bool spte = col[KIND][i] == KVMW_fault_SET_SPTE;
	struct agg_key key = {
		.vcpu = col[VCPU][i],
		.reason = col[KIND][i],
		.KEY_LEVEL = fault_model__narrow(col[LEVEL][i]),
	};

	/* Without a page it is no mapping: 5.10 reports the entries that mark MMIO too. */
	if (spte ? col[PFN][i] == KVMW_NONE : col[MMIO][i] == 1)
		return 0;
	return fault_model__add(&st->levels, &key, KVMW_NONE);
}

static int take_slot(struct fault_state *st, u64 *const *col, u32 i)
{
	u64 size = col[SLOT_SIZE][i], pages = size >> PAGE_BITS, slot = col[SLOT_SLOT][i];
	struct agg_key key = {
		.vcpu = col[SLOT_VCPU][i], .KEY_GPA = col[SLOT_GPA][i], .KEY_SLOT = slot,
		.KEY_PAGES = pages < UINT32_MAX ? pages : UINT32_MAX,
	};
	u64 time = col[SLOT_TIME][i], result = col[SLOT_RESULT][i];
	struct agg *agg;
	bool full;

	/* Deleted, unknown, or refused. */
	if (!pages || size == KVMW_NONE || key.KEY_GPA == KVMW_NONE || slot >= UINT32_MAX ||
	    (result && result != KVMW_NONE))
		return 0;
	agg = fault_model__count(&st->slots, &key, &full);
	if (!agg)
		return full ? 0 : -1;
	/* When it was last set: merging keeps the latest. */
	if (time != KVMW_NONE && time > agg->open_since)
		agg->open_since = time;
	return 0;
}

static int fault_model__take(void *state, const struct scan_batch *b)
{
	struct fault_state *st = state;
	int ret = 0;

	for (u32 i = 0; i < b->rows && !ret; i++) {
		if (b->event->id == KVMW_EVENT_MEMSLOT)
			ret = take_slot(st, b->col, i);
		else if (b->col[KIND][i] == KVMW_fault_PAGE_FAULT)
			ret = take_fault(st, b->col, i) ?: take_level(st, b->col, i);
		else if (b->col[KIND][i] == KVMW_fault_SET_SPTE)
			ret = take_level(st, b->col, i);
	}
	return ret;
}

static void *fault_model__new_state(void *arg)
{
	struct fault_state *st = calloc(1, sizeof(*st));

	if (!st)
		error("out of memory");
	return st;
}

static int fault_model__merge(void *to, const void *from)
{
	struct fault_state *t = to;
	const struct fault_state *f = from;

	return agg_table__merge(&t->accesses, &f->accesses) ||
	       agg_table__merge(&t->ranges, &f->ranges) ||
	       agg_table__merge(&t->slots, &f->slots) ||
	       agg_table__merge(&t->levels, &f->levels) ? -1 : 0;
}

static void fault_model__free_state(void *state)
{
	struct fault_state *st = state;

	free(st->model.access);
	free(st->model.range);
	agg_table__free(&st->accesses);
	agg_table__free(&st->ranges);
	agg_table__free(&st->slots);
	agg_table__free(&st->levels);
	free(st);
}

/* ---- the model ---------------------------------------------------------- */

/* A range and the histogram behind its durations. */
struct range_sum {
	struct fault_range range;
	struct hist span;
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
	const struct fault_range *x = &((const struct range_sum *)a)->range;
	const struct fault_range *y = &((const struct range_sum *)b)->range;

	COMPARE(x->vm, y->vm);
	COMPARE(x->gpa, y->gpa);
	COMPARE(x->mmio, y->mmio);
	return 0;
}

static int range_most(const void *a, const void *b)
{
	const struct range_sum *x = a, *y = b;

	COMPARE(y->range.count, x->range.count);
	return range_place(a, b);
}

static u32 fault_model__vm_of(const struct recording *rec, u32 vcpu_id)
{
	const struct rec_vcpu *vcpu = recording__vcpu(rec, vcpu_id);

	return vcpu ? vcpu->vm : REC_NO_VM;
}

#define MAX_ACCESSES	64	/* there are 9 accesses and 3 kinds of memory; the rest is invalid */

/* The index of the access of this key, made if there is none; MAX_ACCESSES: too many. */
static u32 find_access(struct fault_model *m, const struct agg_key *key)
{
	u32 i = 0;

	while (i < m->nr_accesses && (m->access[i].access != key->KEY_ACCESS ||
				      m->access[i].mmio != key->KEY_MMIO))
		i++;
	if (i < m->nr_accesses || i == MAX_ACCESSES)
		return i;
	m->access[i].access = key->KEY_ACCESS;
	m->access[i].mmio = key->KEY_MMIO;
	return m->nr_accesses++;
}

static int finish_accesses(struct fault_state *st, const struct report *rep)
{
	struct hist span[MAX_ACCESSES] = { 0 };
	struct fault_model *m = &st->model;
	int ret = 0;

	m->access = calloc(MAX_ACCESSES, sizeof(*m->access));
	if (!m->access)
		return error("out of memory");
	for (u32 i = 0; !ret && i < st->accesses.nr; i++) {
		const struct agg *agg = &st->accesses.entry[i];
		u32 to;

		if (!report__selects(rep->rec, rep->opt, agg->key.vcpu))
			continue;
		m->count += agg->rows;
		m->span_ns = sat_add(m->span_ns, agg->span.sum);
		to = find_access(m, &agg->key);
		if (to == MAX_ACCESSES) {
			m->over_limit += agg->rows;
			continue;
		}
		m->access[to].count += agg->rows;
		ret = hist__merge(&span[to], &agg->span);
	}
	for (u32 i = 0; i < m->nr_accesses; i++) {
		m->access[i].span = hist__stats(&span[i]);
		hist__free(&span[i]);
	}
	qsort(m->access, m->nr_accesses, sizeof(*m->access), access_most);
	return ret;
}

static u64 overlap(u64 a, u64 a_size, u64 b, u64 b_size)
{
	u64 from = a > b ? a : b, a_end = sat_add(a, a_size), b_end = sat_add(b, b_size);
	u64 end = a_end < b_end ? a_end : b_end;

	return end > from ? end - from : 0;
}

/*
 * Where several slots cover it: the greatest part, then the lower address space (1 is that
 * of system management mode), then the one set last.
 */
static void fault_model__find_slot(const struct fault_state *st, const struct recording *rec,
				   struct fault_range *r)
{
	u64 most = 0, last = 0;

	for (u32 i = 0; i < st->slots.nr; i++) {
		const struct agg *agg = &st->slots.entry[i];
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

/* The selected ranges, one for each vCPU; the histograms move along. */
static u32 take_ranges(struct fault_state *st, const struct report *rep, struct range_sum *sum)
{
	u32 nr = 0;

	for (u32 i = 0; i < st->ranges.nr; i++) {
		struct agg *agg = &st->ranges.entry[i];
		const struct agg_key *key = &agg->key;

		if (!report__selects(rep->rec, rep->opt, key->vcpu))
			continue;
		if (key->KEY_GPA == KVMW_NONE) {
			st->model.no_gpa += agg->rows;
			continue;
		}
		sum[nr++] = (struct range_sum) {
			.range = {
				.vm = fault_model__vm_of(rep->rec, key->vcpu),
				.mmio = key->KEY_MMIO,
				.gpa = key->KEY_GPA,
				.size = 1ULL << (key->KEY_MMIO == 1 ? PAGE_BITS : RANGE_BITS),
				.count = agg->rows,
				.slot = KVMW_NONE,
			},
			.span = agg->span,
		};
		agg->span = (struct hist) { 0 };
	}
	return nr;
}

/* Ranges of several vCPUs become one of their VM. -1: out of memory */
static int join_ranges(struct range_sum *sum, u32 *nr)
{
	u32 joined = 0;

	qsort(sum, *nr, sizeof(*sum), range_place);
	for (u32 i = 0; i < *nr; i++) {
		struct range_sum *to = joined ? &sum[joined - 1] : NULL, moved = sum[i];

		sum[i].span = (struct hist) { 0 };
		if (!to || range_place(to, &moved)) {
			sum[joined++] = moved;
			continue;
		}
		to->range.count += moved.range.count;
		if (hist__merge(&to->span, &moved.span)) {
			sum[i].span = moved.span;
			return -1;
		}
		hist__free(&moved.span);
	}
	*nr = joined;
	return 0;
}

static int show_ranges(struct fault_state *st, const struct report *rep, struct range_sum *sum,
		       u32 nr)
{
	struct fault_model *m = &st->model;
	u32 top = rep->opt->top ?: FAULT_RANGES;

	for (u32 i = 1; i < nr; i++)
		m->several_vms |= sum[i].range.vm != sum[0].range.vm;
	qsort(sum, nr, sizeof(*sum), range_most);
	m->nr_ranges = nr < top ? nr : top;
	m->hidden = nr - m->nr_ranges;
	m->range = calloc(m->nr_ranges + 1, sizeof(*m->range));
	if (!m->range)
		return error("out of memory for %u ranges", m->nr_ranges);
	for (u32 i = 0; i < m->nr_ranges; i++) {
		m->range[i] = sum[i].range;
		m->range[i].span = hist__stats(&sum[i].span);
		fault_model__find_slot(st, rep->rec, &m->range[i]);
	}
	return 0;
}

static int finish_ranges(struct fault_state *st, const struct report *rep)
{
	struct range_sum *sum = calloc(st->ranges.nr + 1, sizeof(*sum));
	u32 nr, nr_taken;
	int ret;

	if (!sum)
		return error("out of memory for %u ranges", st->ranges.nr);
	nr = nr_taken = take_ranges(st, rep, sum);
	ret = join_ranges(sum, &nr);
	if (!ret)
		ret = show_ranges(st, rep, sum, nr);
	for (u32 i = 0; i < nr_taken; i++)
		hist__free(&sum[i].span);
	free(sum);
	return ret;
}

static void finish_levels(struct fault_state *st, const struct report *rep)
{
	struct fault_model *m = &st->model;

	for (u32 i = 0; i < st->levels.nr; i++) {
		const struct agg *agg = &st->levels.entry[i];
		u32 level = agg->key.KEY_LEVEL <= FAULT_LEVELS ? agg->key.KEY_LEVEL : 0;

		if (!report__selects(rep->rec, rep->opt, agg->key.vcpu))
			continue;
		if (agg->key.reason == KVMW_fault_SET_SPTE)
			m->mapped[level] += agg->rows;
		else
			m->faults[level] += agg->rows;
	}
}

static int fault_model__finish(void *state, const struct report *rep)
{
	struct fault_state *st = state;

	st->model.over_limit = st->accesses.over_limit + st->levels.over_limit +
			       st->ranges.over_limit;
	st->model.slots_over_limit = st->slots.over_limit;
	finish_levels(st, rep);
	return finish_accesses(st, rep) || finish_ranges(st, rep) ? -1 : 0;
}

const struct report_model fault_report_model = {
	.event = KVMW_EVENT_FAULT,
	.scan = {
		.events = events,
		.nr_events = ARRAY_SIZE(events),
		.new = fault_model__new_state,
		.take = fault_model__take,
		.merge = fault_model__merge,
		.free = fault_model__free_state,
	},
	.finish = fault_model__finish,
};
