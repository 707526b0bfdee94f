// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "util/analysis/model_fault.h"
#include "util/analysis/span_table.h"
#include "util/search.h"

#define PAGE_BITS	12
#define RANGE_BITS	21

struct class_entry {
	struct { u32 vcpu; u16 value, mmio; } key;
	struct span_sum sum;
};

struct range_entry {
	struct { u32 vcpu, mmio; u64 gpa; } key;
	struct span_sum sum;
};

struct level_entry {
	struct { u32 vcpu, kind, level; } key;
	struct span_sum sum;
};

struct fault_state {
	struct fault_model model;
	struct span_table accesses, results, ranges, levels;
	struct refault_rows rows;
};

enum { KIND, SPAN, VCPU, GPA, ACCESS, MMIO, LEVEL, PFN, NESTED, RET_PF, TIME };

static const char *const fault_columns[] = {
	[KIND] = "kind", [SPAN] = "span_ns", [VCPU] = "vcpu", [GPA] = "gpa", [ACCESS] = "access",
	[MMIO] = "mmio", [LEVEL] = "level", [PFN] = "pfn", [NESTED] = "nested",
	[RET_PF] = "ret_pf", [TIME] = "time_ns", NULL,
};

static const struct scan_event events[] = {
	{ .id = KVMW_EVENT_FAULT, .columns = fault_columns },
	{ .id = KVMW_EVENT_MMU, .columns = refault_taken_columns },
};

static int take_fault(struct fault_state *st, u64 *const *col, u32 i)
{
	/* Where an address of a nested guest is in its VM is unknown. */
	u64 gpa = col[NESTED][i] == 1 ? KVMW_NONE : col[GPA][i], span = col[SPAN][i];
	u16 mmio = narrow(col[MMIO][i], FAULT_UNKNOWN);
	u32 bits = mmio == 1 ? PAGE_BITS : RANGE_BITS;
	struct range_entry range = { .key = {
		.vcpu = col[VCPU][i],
		.mmio = mmio,
		.gpa = gpa == KVMW_NONE ? KVMW_NONE : gpa >> bits << bits,
	} };
	struct class_entry access = { .key = {
		.vcpu = col[VCPU][i],
		.mmio = mmio,
		.value = narrow(col[ACCESS][i], FAULT_UNKNOWN),
	} };
	struct class_entry result = { .key = {
		.vcpu = col[VCPU][i],
		.mmio = mmio,
		.value = narrow(col[RET_PF][i], FAULT_UNKNOWN),
	} };

	return span_table__add(&st->ranges, &range.key, span) ||
	       span_table__add(&st->accesses, &access.key, span) ||
	       span_table__add(&st->results, &result.key, span) ? -1 : 0;
}

static int take_level(struct fault_state *st, u64 *const *col, u32 i)
{
	bool spte = col[KIND][i] == KVMW_fault_SET_SPTE;
	struct level_entry level = { .key = {
		.vcpu = col[VCPU][i],
		.kind = col[KIND][i],
		.level = narrow(col[LEVEL][i], FAULT_UNKNOWN),
	} };

	/* Not a mapping unless there is a page: 5.10 also reports entries that mark MMIO. */
	if (spte ? col[PFN][i] == KVMW_NONE : col[MMIO][i] == 1)
		return 0;
	return span_table__add(&st->levels, &level.key, KVMW_NONE);
}

/*
 * A page was mapped: it may be a re-fault, and the next fault of the page will be one.  Or it was
 * not, and the guest has to try again.
 */
static int take_mapping(struct fault_state *st, u64 *const *col, u32 i)
{
	bool placed = col[GPA][i] != KVMW_NONE && col[NESTED][i] != 1;
	u64 ret_pf = col[RET_PF][i];
	const struct refault_fault fault = {
		.time_ns = col[TIME][i], .span_ns = col[SPAN][i],
		.gfn = placed ? col[GPA][i] >> PAGE_BITS : KVMW_NONE,
		.vcpu = col[VCPU][i], .level = narrow(col[LEVEL][i], FAULT_UNKNOWN),
		.retried = ret_pf == KVMW_RET_PF_RETRY,
	};

	if (col[MMIO][i] == 1)
		return 0;
	/* A spurious one found the page mapped. */
	if (!fault.retried && (!fault.level || fault.level > FAULT_LEVELS || !placed ||
			       (ret_pf != KVMW_NONE && ret_pf != KVMW_RET_PF_FIXED)))
		return 0;
	return refault_rows__fault(&st->rows, &fault);
}

static int fault_model__take(void *state, const struct scan_batch *b)
{
	struct fault_state *st = state;
	int ret = 0;

	if (b->event->id == KVMW_EVENT_MMU)
		return refault_rows__take(&st->rows, b, true);
	for (u32 i = 0; i < b->rows && !ret; i++) {
		if (b->col[KIND][i] == KVMW_fault_PAGE_FAULT)
			ret = take_fault(st, b->col, i) ?: take_level(st, b->col, i) ?:
			      take_mapping(st, b->col, i);
		else if (b->col[KIND][i] == KVMW_fault_SET_SPTE)
			ret = take_level(st, b->col, i);
	}
	return ret;
}

static void *fault_model__new_state(void *arg)
{
	const struct report_options *opt = arg;
	struct fault_state *st = mem__calloc(1, sizeof(*st));

	if (!st)
		return NULL;
	st->accesses = SPAN_TABLE(struct class_entry, opt->budget);
	st->results = SPAN_TABLE(struct class_entry, opt->budget);
	st->ranges = SPAN_TABLE(struct range_entry, opt->budget);
	st->levels = SPAN_TABLE(struct level_entry, opt->budget);
	st->rows.budget = opt->budget;
	st->rows.kept = opt->kept;
	return st;
}

static int fault_model__merge(void *to, const void *from)
{
	struct fault_state *t = to;
	const struct fault_state *f = from;

	return span_table__merge(&t->accesses, &f->accesses) ||
	       span_table__merge(&t->results, &f->results) ||
	       span_table__merge(&t->ranges, &f->ranges) ||
	       span_table__merge(&t->levels, &f->levels) ||
	       refault_rows__merge(&t->rows, &f->rows) ? -1 : 0;
}

static void fault_model__free_state(void *state)
{
	struct fault_state *st = state;

	free(st->model.access);
	free(st->model.result);
	free(st->model.range);
	span_table__free(&st->accesses);
	span_table__free(&st->results);
	span_table__free(&st->ranges);
	span_table__free(&st->levels);
	refault_rows__free(&st->rows);
	free(st);
}

/* ---- the model ---------------------------------------------------------- */

/* A range and the histogram behind its durations. */
struct range_sum {
	struct fault_range range;
	struct hist span;
};

static int class_most(const void *a, const void *b)
{
	const struct fault_class *x = a, *y = b;

	COMPARE(y->count, x->count);
	COMPARE(x->mmio, y->mmio);
	COMPARE(x->value, y->value);
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

/* There are 9 accesses, 11 results and 3 kinds of memory; the rest is invalid. */
#define MAX_CLASSES	64

/* The index of an entry's class, made if there is none; MAX_CLASSES: too many. */
static u32 find_class(struct fault_class *class, u32 *nr, const struct class_entry *e)
{
	u32 i = 0;

	while (i < *nr && (class[i].value != e->key.value || class[i].mmio != e->key.mmio))
		i++;
	if (i < *nr || i == MAX_CLASSES)
		return i;
	class[i].value = e->key.value;
	class[i].mmio = e->key.mmio;
	(*nr)++;
	return i;
}

/* The classes of a table, to be freed; over_limit: faults of excess ones. NULL: out of memory */
static struct fault_class *make_classes(const struct span_table *table, const struct report *rep,
					u32 *nr, u64 *over_limit)
{
	struct fault_class *class = mem__calloc(MAX_CLASSES, sizeof(*class));
	struct hist span[MAX_CLASSES] = { 0 };
	int ret = class ? 0 : -1;

	for (u32 i = 0; !ret && i < span_table__nr(table); i++) {
		const struct class_entry *e = span_table__at(table, i);
		u32 to;

		if (!span_entry__selected(e, rep))
			continue;
		to = find_class(class, nr, e);
		if (to == MAX_CLASSES) {
			*over_limit += e->sum.rows;
			continue;
		}
		class[to].count += e->sum.rows;
		ret = hist__merge(&span[to], &e->sum.span);
	}
	for (u32 i = 0; class && i < *nr; i++) {
		class[i].span = hist__stats(&span[i]);
		hist__free(&span[i]);
	}
	if (ret) {
		free(class);
		return NULL;
	}
	qsort(class, *nr, sizeof(*class), class_most);
	return class;
}

static int finish_classes(struct fault_state *st, const struct report *rep)
{
	struct fault_model *m = &st->model;
	u64 ignored = 0;

	for (u32 i = 0; i < span_table__nr(&st->accesses); i++) {
		const struct class_entry *e = span_table__at(&st->accesses, i);

		if (!span_entry__selected(e, rep))
			continue;
		m->count += e->sum.rows;
		m->span_ns = sat_add(m->span_ns, e->sum.span.sum);
	}
	m->access = make_classes(&st->accesses, rep, &m->nr_accesses, &m->over_limit);
	if (!m->access)
		return -1;
	m->result = make_classes(&st->results, rep, &m->nr_results, &ignored);
	return m->result ? 0 : -1;
}

/* The selected ranges, one for each vCPU; the histograms move along. */
static u32 take_ranges(struct fault_state *st, const struct report *rep, struct range_sum *sum)
{
	u32 nr = 0;

	for (u32 i = 0; i < span_table__nr(&st->ranges); i++) {
		struct range_entry *e = span_table__at(&st->ranges, i);

		if (!span_entry__selected(e, rep))
			continue;
		if (e->key.gpa == KVMW_NONE) {
			st->model.no_gpa += e->sum.rows;
			continue;
		}
		sum[nr++] = (struct range_sum) {
			.range = {
				.vm = fault_model__vm_of(rep->rec, e->key.vcpu),
				.mmio = e->key.mmio,
				.gpa = e->key.gpa,
				.size = 1ULL << (e->key.mmio == 1 ? PAGE_BITS : RANGE_BITS),
				.count = e->sum.rows,
				.slot = KVMW_NONE,
			},
			.span = e->sum.span,
		};
		e->sum.span = (struct hist) { 0 };
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
	m->range = mem__calloc(m->nr_ranges + 1, sizeof(*m->range));
	if (!m->range)
		return -1;
	for (u32 i = 0; i < m->nr_ranges; i++) {
		struct fault_range *r = &m->range[i];
		const struct memslot *slot;

		*r = sum[i].range;
		r->span = hist__stats(&sum[i].span);
		slot = memslots__find(rep->rec, r->vm, r->gpa, r->size);
		if (slot) {
			r->slot = slot->key.slot;
			r->slot_gpa = slot->key.gpa;
			r->slot_size = slot->key.size;
		}
	}
	return 0;
}

static int finish_ranges(struct fault_state *st, const struct report *rep)
{
	u32 nr, nr_taken, room = span_table__nr(&st->ranges) + 1;
	struct budget *budget = rep->opt->budget;
	struct range_sum *sum = budget__calloc(budget, room, sizeof(*sum));
	int ret;

	if (!sum)
		return -1;
	nr = nr_taken = take_ranges(st, rep, sum);
	ret = join_ranges(sum, &nr);
	if (!ret)
		ret = show_ranges(st, rep, sum, nr);
	for (u32 i = 0; i < nr_taken; i++)
		hist__free(&sum[i].span);
	budget__free(budget, sum, room * sizeof(*sum));
	return ret;
}

static void finish_levels(struct fault_state *st, const struct report *rep)
{
	struct fault_model *m = &st->model;

	for (u32 i = 0; i < span_table__nr(&st->levels); i++) {
		const struct level_entry *e = span_table__at(&st->levels, i);
		u32 level = e->key.level <= FAULT_LEVELS ? e->key.level : 0;

		if (!span_entry__selected(e, rep))
			continue;
		if (e->key.kind == KVMW_fault_SET_SPTE)
			m->mapped[level] += e->sum.rows;
		else
			m->faults[level] += e->sum.rows;
	}
}

static int fault_model__finish(void *state, const struct report *rep)
{
	struct fault_state *st = state;

	st->model.over_limit = st->accesses.over_limit + st->levels.over_limit +
			       st->ranges.over_limit;
	st->model.slots_over_limit = rep->rec->memslots.over_limit;
	finish_levels(st, rep);
	st->model.no_refault = st->rows.no_fault;
	st->model.no_taken = st->rows.no_taken;
	st->model.taken = st->rows.nr_taken;
	return refaults__find(&st->model.refaults, &st->model.retries, &st->rows, rep) ||
	       finish_classes(st, rep) || finish_ranges(st, rep) ? -1 : 0;
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
