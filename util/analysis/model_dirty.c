// SPDX-License-Identifier: GPL-2.0
/* Turns counted marks into the numbers shown about dirty pages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/report/internal.h"
#include "util/analysis/migration_takes.h"
#include "util/analysis/model_dirty_rows.h"
#include "util/analysis/slot_lists.h"
#include "util/search.h"

#define MS	1000000ULL
#define PAGE_SHIFT 12
#define HOTTER	4	/* a page with this many times the marks is not of the same range */

struct maker {
	struct dirty_model *v;
	const struct report *rep;
	struct dirty_rows *rows;
	u32 *order;		/* entries shown, sorted */
	u32 nr;
	u32 *page;		/* of each entry; DIRTY_NO_PAGE: not shown */
	u32 pieces, per_piece;	/* per_piece: how many are taken for one */
	struct dirty_range range;	/* that is being made */
};

/* Whoever is of no VM worked for the only one, if there is only one. */
static u32 dirty_model__vm_of(const struct recording *rec, u32 vcpu_id)
{
	const struct rec_vcpu *vcpu = recording__vcpu(rec, vcpu_id);

	if (vcpu && vcpu->vm != REC_NO_VM)
		return vcpu->vm;
	return rec->nr_vms == 1 ? rec->vm[0].id : REC_NO_VM;
}

/* 0: the same page, whoever marked it. */
static int compare_pages(const struct dirty_entry *a, const struct dirty_entry *b)
{
	COMPARE(a->vm, b->vm);
	COMPARE(a->key.slot >> 16, b->key.slot >> 16);
	COMPARE(a->key.gfn, b->key.gfn);
	return 0;
}

static int by_page(const void *a, const void *b, void *arg)
{
	const struct dirty_entry *entry = arg, *x = &entry[*(u32 *)a], *y = &entry[*(u32 *)b];
	int order = compare_pages(x, y);

	if (order)
		return order;
	COMPARE(y->marks, x->marks);
	COMPARE(x->key.slot, y->key.slot);
	return 0;
}

/* The marks of a vCPU. */
struct by_entry {
	struct { u32 vcpu; } key;
	u64 marks;
};

static int by_vcpu(const void *a, const void *b)
{
	const struct by_entry *x = a, *y = b;

	COMPARE(x->key.vcpu, y->key.vcpu);
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct dirty_mark *x = a, *y = b;

	COMPARE(x->time_ns, y->time_ns);
	return 0;
}

static void choose(struct maker *m)
{
	for (u32 i = 0; i < m->rows->pages.nr; i++) {
		struct dirty_entry *e = hash_table__at(&m->rows->pages, i);

		m->page[i] = DIRTY_NO_PAGE;
		if (!report__selects(m->rep->rec, m->rep->opt, e->key.vcpu))
			continue;
		e->vm = dirty_model__vm_of(m->rep->rec, e->key.vcpu);
		m->v->marks += e->marks;
		m->order[m->nr++] = i;
	}
	for (u32 i = 0; i < span_table__nr(&m->rows->others); i++) {
		const struct dirty_other *other = span_table__at(&m->rows->others, i);

		if (!span_entry__selected(other, m->rep))
			continue;
		if (other->key.unlogged)
			m->v->unlogged += other->sum.rows;
		else
			m->v->unknown += other->sum.rows;
	}
}

/* The slot as it was when last set with this page in it. */
static void dirty_model__find_slot(const struct maker *m, struct dirty_range *r)
{
	u64 latest = 0;

	for (u32 i = 0; i < m->rows->nr_slots; i++) {
		const struct dirty_slot *slot = &m->rows->slot[i];
		u64 from = slot->gpa >> PAGE_SHIFT;

		if (slot->slot != r->slot || r->gfn < from ||
		    r->gfn - from >= slot->size >> PAGE_SHIFT || slot->time_ns < latest ||
		    dirty_model__vm_of(m->rep->rec, slot->vcpu) != r->vm)
			continue;
		latest = slot->time_ns;
		r->has_slot = true;
		r->slot_gpa = slot->gpa;
		r->slot_size = slot->size;
		r->slot_hva = slot->hva;
	}
}

static void end_range(struct maker *m)
{
	struct dirty_model *v = m->v;
	u32 at = v->nr_ranges;

	if (!m->range.pages)
		return;
	v->all_ranges++;
	while (at && v->range[at - 1].marks < m->range.marks)
		at--;
	if (at == DIRTY_RANGES)
		return;
	if (v->nr_ranges < DIRTY_RANGES)
		v->nr_ranges++;
	memmove(&v->range[at + 1], &v->range[at], (v->nr_ranges - 1 - at) * sizeof(m->range));
	v->range[at] = m->range;
}

/* Whether a page has about as many marks as those before it in the range, each for itself. */
static bool as_hot(const struct dirty_range *r, u64 marks)
{
	double mean = (double)r->marks / r->pages;

	return marks <= HOTTER * (mean + 1) && mean <= HOTTER * (marks + 1.0);
}

static void add_page(struct maker *m, const struct dirty_entry *e, u64 marks)
{
	struct dirty_range *r = &m->range;

	m->v->pages++;
	m->v->again += marks > 1;
	if (!r->pages || r->vm != e->vm || r->slot != e->key.slot ||
	    e->key.gfn - r->gfn != r->pages || !as_hot(r, marks)) {
		end_range(m);
		*r = (struct dirty_range) { .vm = e->vm, .slot = e->key.slot, .gfn = e->key.gfn };
	}
	r->pages++;
	r->marks += marks;
}

static bool same_piece(const struct dirty_entry *a, const struct dirty_entry *b)
{
	return a->vm == b->vm && a->key.slot >> 16 == b->key.slot >> 16 &&
	       a->key.gfn >> LOG_PIECE_SHIFT == b->key.gfn >> LOG_PIECE_SHIFT;
}

/* Pages are numbered in their order: VM, address space, gfn. */
static void make_pages(struct maker *m)
{
	struct dirty_entry *entry = m->rows->pages.entry;

	qsort_r(m->order, m->nr, sizeof(*m->order), by_page, m->rows->pages.entry);
	for (u32 i = 0, end; i < m->nr; i = end) {
		const struct dirty_entry *first = &entry[m->order[i]];
		u64 marks = 0;

		m->pieces += !i || !same_piece(first, &entry[m->order[i - 1]]);
		for (end = i; end < m->nr && !compare_pages(first, &entry[m->order[end]]); end++) {
			marks += entry[m->order[end]].marks;
			m->page[m->order[end]] = m->v->pages;
			entry[m->order[end]].piece = m->pieces - 1;
		}
		add_page(m, first, marks);
	}
	end_range(m);
	m->per_piece = m->pieces / LOG_PIECES_MAX + 1;
	for (u32 i = 0; i < m->v->nr_ranges; i++)
		dirty_model__find_slot(m, &m->v->range[i]);
}

static void add_by(struct dirty_model *v, u32 vcpu, u64 marks)
{
	struct dirty_by by = { .vcpu = vcpu, .marks = marks };
	u32 at = v->nr_by;

	while (at && v->by[at - 1].marks < marks)
		at--;
	if (v->nr_by == DIRTY_BY)
		v->by_others += at == DIRTY_BY ? marks : v->by[DIRTY_BY - 1].marks;
	if (at == DIRTY_BY)
		return;
	if (v->nr_by < DIRTY_BY)
		v->nr_by++;
	memmove(&v->by[at + 1], &v->by[at], (v->nr_by - 1 - at) * sizeof(by));
	v->by[at] = by;
}

static void label_by(struct maker *m)
{
	struct dirty_model *v = m->v;

	v->beyond_top = v->by_others;
	for (u32 i = DIRTY_TOP_BY; i < v->nr_by; i++)
		v->beyond_top += v->by[i].marks;
	for (u32 i = 0; i < v->nr_by; i++)
		report__vcpu_label(m->rep, v->by[i].vcpu, m->rep->rec->nr_vms > 1, v->by[i].label,
				   sizeof(v->by[i].label));
}

static int make_by(struct maker *m)
{
	struct hash_table vcpus = HASH_TABLE(struct by_entry, m->rows->budget);
	const struct dirty_entry *entry = m->rows->pages.entry;
	struct by_entry *by;
	int ret = -1;

	for (u32 i = 0; i < m->rows->pages.nr; i++) {
		const struct by_entry key = { .key = { .vcpu = entry[i].key.vcpu } };

		if (m->page[i] == DIRTY_NO_PAGE)
			continue;
		by = hash_table__get(&vcpus, &key.key);
		if (!by)
			goto out;
		by->marks += entry[i].marks;
	}
	/* Nothing is looked up any more. */
	by = vcpus.entry;
	if (vcpus.nr)
		qsort(by, vcpus.nr, sizeof(*by), by_vcpu);
	for (u32 i = 0; i < vcpus.nr; i++)
		add_by(m->v, by[i].key.vcpu, by[i].marks);
	label_by(m);
	ret = 0;
out:
	hash_table__free(&vcpus);
	return ret;
}

/* Drops the marks that are not selected; the others get their page, and an order. */
static void make_times(struct maker *m)
{
	const struct dirty_entry *entry = m->rows->pages.entry;
	struct dirty_mark *mark = m->rows->mark;
	struct dirty_model *v = m->v;

	for (u32 i = 0; i < m->rows->nr_marks; i++) {
		u32 page = m->page[mark[i].entry];

		if (page != DIRTY_NO_PAGE)
			mark[v->timed++] = (struct dirty_mark) {
				.time_ns = mark[i].time_ns, .entry = page,
				.piece = entry[mark[i].entry].piece / m->per_piece,
			};
	}
	m->rows->nr_marks = 0;
	v->mark = mark;
	if (!v->timed)
		return;
	qsort(mark, v->timed, sizeof(*mark), by_time);
	v->first_ns = mark[0].time_ns;
	v->last_ns = mark[v->timed - 1].time_ns;
}

/* last: for each page, the window in which it was last marked, plus 1. */
static void make_window(struct dirty_model *v, struct dirty_window *w, u64 *last)
{
	u64 now = 0, pages = 0, sum = 0;

	memset(last, 0, v->pages * sizeof(*last));
	w->whole = (v->last_ns - v->first_ns) / w->ns;
	for (u64 i = 0; i < v->timed; i++) {
		u64 nr = (v->mark[i].time_ns - v->first_ns) / w->ns;

		if (nr != now)
			pages = 0;
		now = nr;
		if (last[v->mark[i].entry] == nr + 1)
			continue;
		last[v->mark[i].entry] = nr + 1;
		pages++;
		w->max = pages > w->max ? pages : w->max;
		sum += nr < w->whole;
	}
	if (w->whole)
		w->mean = (double)sum / w->whole;
}

static int make_windows(struct dirty_model *v, struct budget *budget)
{
	static const u64 length[DIRTY_WINDOWS] = { 10 * MS, 100 * MS, 1000 * MS, 10000 * MS };
	u64 *last = budget__calloc(budget, v->pages + 1, sizeof(*last));

	if (!last)
		return -1;
	for (u32 i = 0; i < DIRTY_WINDOWS; i++) {
		v->window[i].ns = length[i];
		make_window(v, &v->window[i], last);
	}
	budget__free(budget, last, (v->pages + 1) * sizeof(*last));
	return 0;
}

/* The VM that has all the pages: its memory, without system-management mode's. */
static int find_memory(const struct maker *m, struct migration_replay *replay)
{
	const struct dirty_entry *entry = m->rows->pages.entry;
	const struct rec_vm *vm = NULL;
	struct slot_lists slots;
	int err;

	for (u32 i = 0; i < m->nr; i++) {
		const struct rec_vm *of = recording__vm(m->rep->rec, entry[m->order[i]].vm);

		if (vm && of != vm) {
			snprintf(replay->why_not, sizeof(replay->why_not),
				 "the marks are of several VMs; --vm chooses one");
			return 0;
		}
		vm = of;
	}
	err = slot_lists__make(&slots, m->rep->rec);
	for (u32 i = 0; i < slots.nr && !err && vm; i++)
		if (slots.vm[i].vm == vm)
			replay->memory_bytes = slots.vm[i].bytes;
	slot_lists__free(&slots);
	return err;
}

static int replay_migration(struct maker *m)
{
	struct migration_replay *replay = &m->v->migration;
	const struct dirty_log log = {
		.mark = m->v->mark, .nr = m->v->timed, .pages = m->v->pages,
		.pieces = m->pieces / m->per_piece + 1, .vcpus = m->v->nr_by,
	};

	if (!m->v->pages)
		return 0;
	if (m->v->no_page || m->v->no_time) {
		snprintf(replay->why_not, sizeof(replay->why_not),
			 "not all marks are known: more than kvmw keeps; --memory allows more");
		return 0;
	}
	return find_memory(m, replay) || migration_replay__make(replay, &log, m->rep->opt) ? -1 : 0;
}

static int dirty_model__finish(void *state, const struct report *rep)
{
	struct dirty_rows *rows = state;
	struct maker m = { .v = &rows->model, .rep = rep, .rows = rows };
	u32 room = rows->pages.nr + 1;
	int ret = -1;

	m.order = budget__calloc(rows->budget, room, sizeof(*m.order));
	m.page = budget__calloc(rows->budget, room, sizeof(*m.page));
	if (!m.order || !m.page)
		goto out;
	m.v->no_page = rows->no_page + rows->others.over_limit;
	m.v->no_time = rows->no_time;
	choose(&m);
	make_pages(&m);
	if (make_by(&m))
		goto out;
	make_times(&m);
	ret = make_windows(m.v, rows->budget) || replay_migration(&m) ? -1 : 0;
out:
	budget__free(rows->budget, m.order, room * sizeof(*m.order));
	budget__free(rows->budget, m.page, room * sizeof(*m.page));
	return ret;
}

const struct report_model dirty_report_model = {
	.event = KVMW_EVENT_DIRTY,
	.scan = {
		.events = dirty_rows_events,
		.nr_events = ARRAY_SIZE(dirty_rows_events),
		.new = dirty_rows__new,
		.take = dirty_rows__take,
		.merge = dirty_rows__merge,
		.free = dirty_rows__free,
	},
	.finish = dirty_model__finish,
};

u64 dirty_model__rates(const struct dirty_model *v, u64 *marks, u32 nr, u32 *used)
{
	u64 span = v->last_ns - v->first_ns, bucket = span / nr + 1;

	bucket = bucket < MS ? MS : bucket;
	*used = v->timed ? span / bucket + 1 : 0;
	memset(marks, 0, nr * sizeof(*marks));
	for (u64 i = 0; i < v->timed; i++)
		marks[(v->mark[i].time_ns - v->first_ns) / bucket]++;
	return bucket;
}
