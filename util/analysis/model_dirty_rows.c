// SPDX-License-Identifier: GPL-2.0
/* Reading the marks of dirty pages: counted by page and vCPU, their times kept. */
#include <stdlib.h>

#include "util/analysis/model_dirty_rows.h"
#include "util/array.h"
#include "util/cpus.h"

enum { KIND, VCPU, SLOT, TIME, GFN, LOGGING };
enum { SLOT_GPA = TIME + 1, SLOT_SIZE, SLOT_HVA, SLOT_RESULT };

static const char *const page_columns[] = {
	[KIND] = "kind", [VCPU] = "vcpu", [SLOT] = "slot", [TIME] = "time_ns", [GFN] = "gfn",
	[LOGGING] = "logging", NULL
};

static const char *const slot_columns[] = {
	[KIND] = "kind", [VCPU] = "vcpu", [SLOT] = "slot", [TIME] = "time_ns",
	[SLOT_GPA] = "gpa", [SLOT_SIZE] = "size", [SLOT_HVA] = "hva", [SLOT_RESULT] = "result", NULL
};

const struct scan_event dirty_rows_events[2] = {
	{ .id = KVMW_EVENT_DIRTY, .columns = page_columns },
	{ .id = KVMW_EVENT_MEMSLOT, .columns = slot_columns },
};

/* 0: counted, *entry says where, DIRTY_NO_PAGE: one too many; -1 out of memory. */
static int dirty_rows__add(struct dirty_rows *rows, const struct dirty_entry *page, u32 *entry)
{
	bool full;
	struct dirty_entry *e = hash_table__get_limited(&rows->pages, &page->key, rows->max_entries,
							&full);

	if (!e && !full)
		return -1;
	if (!e) {
		*entry = DIRTY_NO_PAGE;
		rows->no_page += page->marks;
		return 0;
	}
	e->marks += page->marks;
	*entry = hash_table__index(&rows->pages, e);
	return 0;
}

static int add_mark(struct dirty_rows *rows, u64 time_ns, u32 entry)
{
	int ret = 1;

	if (rows->nr_marks < rows->max_marks && entry != DIRTY_NO_PAGE && time_ns != KVMW_NONE)
		ret = array__reserve_within(rows->mark, rows->nr_marks, rows->room_marks,
					    rows->budget);
	if (!ret)
		rows->mark[rows->nr_marks++] = (struct dirty_mark) { .time_ns = time_ns,
								     .entry = entry };
	rows->no_time += ret > 0;
	return ret < 0 ? -1 : 0;
}

static int add_slot(struct dirty_rows *rows, const struct dirty_slot *slot)
{
	int ret;

	if (rows->nr_slots == DIRTY_MAX_SLOTS)
		return 0;
	ret = array__reserve_within(rows->slot, rows->nr_slots, rows->room_slots, rows->budget);
	if (!ret)
		rows->slot[rows->nr_slots++] = *slot;
	return ret < 0 ? -1 : 0;
}

static int take_slots(struct dirty_rows *rows, const struct scan_batch *b)
{
	u64 *const *col = b->col;

	for (u32 i = 0; i < b->rows; i++) {
		const struct dirty_slot slot = {
			.time_ns = col[TIME][i], .gpa = col[SLOT_GPA][i], .size = col[SLOT_SIZE][i],
			.hva = col[SLOT_HVA][i], .vcpu = col[VCPU][i], .slot = col[SLOT][i],
		};
		u64 result = col[SLOT_RESULT][i];

		/* A slot that was deleted, or refused, holds no page. */
		if (!slot.size || slot.size == KVMW_NONE || slot.gpa == KVMW_NONE ||
		    (result && result != KVMW_NONE))
			continue;
		if (add_slot(rows, &slot))
			return -1;
	}
	return 0;
}

static int take_mark(struct dirty_rows *rows, u64 *const *col, u32 i)
{
	const struct dirty_entry page = {
		.key = { .gfn = col[GFN][i], .vcpu = col[VCPU][i], .slot = col[SLOT][i] },
		.marks = 1,
	};
	u64 logging = col[LOGGING][i];
	const struct dirty_other other = { .key = { .vcpu = col[VCPU][i], .unlogged = !logging } };
	u32 entry;

	if (!logging || logging == KVMW_NONE || col[GFN][i] == KVMW_NONE)
		return span_table__add(&rows->others, &other.key, KVMW_NONE);
	return dirty_rows__add(rows, &page, &entry) || add_mark(rows, col[TIME][i], entry) ? -1 : 0;
}

int dirty_rows__take(void *state, const struct scan_batch *b)
{
	if (b->event->id == KVMW_EVENT_MEMSLOT)
		return take_slots(state, b);
	for (u32 i = 0; i < b->rows; i++)
		if (b->col[KIND][i] == KVMW_dirty_PAGE && take_mark(state, b->col, i))
			return -1;
	return 0;
}

int dirty_rows__merge(void *to, const void *from)
{
	const struct dirty_rows *rows = from;
	struct dirty_rows *all = to;
	u32 *entry = mem__calloc(rows->pages.nr + 1, sizeof(*entry));
	int ret = -1;

	if (!entry)
		return -1;
	all->max_entries = DIRTY_MAX_PAGES;
	all->max_marks = DIRTY_MAX_MARKS;
	for (u32 i = 0; i < rows->pages.nr; i++)
		if (dirty_rows__add(all, hash_table__at(&rows->pages, i), &entry[i]))
			goto out;
	for (u32 i = 0; i < rows->nr_marks; i++)
		if (add_mark(all, rows->mark[i].time_ns, entry[rows->mark[i].entry]))
			goto out;
	for (u32 i = 0; i < rows->nr_slots; i++)
		if (add_slot(all, &rows->slot[i]))
			goto out;
	all->no_page += rows->no_page;
	all->no_time += rows->no_time;
	ret = span_table__merge(&all->others, &rows->others);
out:
	free(entry);
	return ret;
}

/* Together, the workers of a scan stay within about the limits. */
void *dirty_rows__new(void *arg)
{
	struct dirty_rows *rows = mem__calloc(1, sizeof(*rows));
	const struct report_options *opt = arg;
	u32 workers = cpus__workers(16);

	if (!rows)
		return NULL;
	rows->budget = opt->budget;
	rows->pages = HASH_TABLE(struct dirty_entry, opt->budget);
	rows->others = SPAN_TABLE(struct dirty_other, opt->budget);
	rows->max_marks = DIRTY_MAX_MARKS / workers;
	/* Several of them meet the same page. */
	rows->max_entries = workers > 1 ? 2 * (DIRTY_MAX_PAGES / workers) : DIRTY_MAX_PAGES;
	return rows;
}

void dirty_rows__free(void *state)
{
	struct dirty_rows *rows = state;

	hash_table__free(&rows->pages);
	span_table__free(&rows->others);
	array__free(rows->mark, rows->room_marks, rows->budget);
	array__free(rows->slot, rows->room_slots, rows->budget);
	free(rows);
}
