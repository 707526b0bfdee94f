// SPDX-License-Identifier: GPL-2.0
/* Reading the marks of dirty pages: counted by page and vCPU, their times kept. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/model_dirty_rows.h"
#include "util/error.h"

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

/* Room for one more of *nr in *list. 0, or -1 */
static int dirty_rows__make_room(void **list, u32 nr, u32 *room, size_t size)
{
	u32 more = *room ? *room * 2 : 256;
	void *grown;

	if (nr < *room)
		return 0;
	grown = realloc(*list, more * size);
	if (!grown)
		return error("out of memory for %u pages made dirty", more);
	*list = grown;
	*room = more;
	return 0;
}

static u64 mix(u64 h)
{
	h = (h ^ h >> 33) * 0xff51afd7ed558ccdULL;
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53ULL;
	return h ^ h >> 33;
}

static u32 *dirty_rows__find(const struct dirty_rows *rows, const struct dirty_entry *key)
{
	u64 h = mix(key->gfn + mix(((u64)key->vcpu << 32 | key->slot) ^ (u64)key->class << 62));
	u32 mask = rows->nr_index - 1, i = h & mask;

	while (rows->index[i]) {
		const struct dirty_entry *e = &rows->entry[rows->index[i] - 1];

		if (e->gfn == key->gfn && e->vcpu == key->vcpu && e->slot == key->slot &&
		    e->class == key->class)
			break;
		i = (i + 1) & mask;
	}
	return &rows->index[i];
}

/* At most half of the index is taken. */
static int dirty_rows__grow(struct dirty_rows *rows)
{
	u32 nr = rows->nr_index ? rows->nr_index * 2 : 1024;
	u32 *index = calloc(nr, sizeof(*index));

	if (!index)
		return error("out of memory for %u pages made dirty", nr / 2);
	free(rows->index);
	rows->index = index;
	rows->nr_index = nr;
	for (u32 i = 0; i < rows->nr; i++)
		*dirty_rows__find(rows, &rows->entry[i]) = i + 1;
	return 0;
}

/* 0: counted, *entry says where, DIRTY_NO_PAGE: one too many; -1 out of memory. */
static int dirty_rows__add(struct dirty_rows *rows, const struct dirty_entry *key, u32 *entry)
{
	u32 *at;

	if (rows->nr >= rows->nr_index / 2 && dirty_rows__grow(rows))
		return -1;
	at = dirty_rows__find(rows, key);
	if (!*at && rows->nr == rows->max_entries) {
		*entry = DIRTY_NO_PAGE;
		rows->no_page += key->marks;
		return 0;
	}
	if (!*at) {
		if (dirty_rows__make_room((void **)&rows->entry, rows->nr, &rows->room,
					  sizeof(*key)))
			return -1;
		rows->entry[rows->nr] = *key;
		rows->entry[rows->nr].marks = 0;
		*at = ++rows->nr;
	}
	*entry = *at - 1;
	rows->entry[*entry].marks += key->marks;
	return 0;
}

static int add_mark(struct dirty_rows *rows, u64 time_ns, u32 entry)
{
	if (rows->nr_marks == rows->max_marks || entry == DIRTY_NO_PAGE || time_ns == KVMW_NONE) {
		rows->no_time++;
		return 0;
	}
	if (dirty_rows__make_room((void **)&rows->mark, rows->nr_marks, &rows->room_marks,
				  sizeof(*rows->mark)))
		return -1;
	rows->mark[rows->nr_marks++] = (struct dirty_mark) { .time_ns = time_ns, .entry = entry };
	return 0;
}

static int add_slot(struct dirty_rows *rows, const struct dirty_slot *slot)
{
	if (rows->nr_slots == DIRTY_MAX_SLOTS)
		return 0;
	if (dirty_rows__make_room((void **)&rows->slot, rows->nr_slots, &rows->room_slots,
				  sizeof(*slot)))
		return -1;
	rows->slot[rows->nr_slots++] = *slot;
	return 0;
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

int dirty_rows__take(void *state, const struct scan_batch *b)
{
	struct dirty_rows *rows = state;
	u64 *const *col = b->col;

	if (b->event->id == KVMW_EVENT_MEMSLOT)
		return take_slots(rows, b);
	for (u32 i = 0; i < b->rows; i++) {
		struct dirty_entry key = { .vcpu = col[VCPU][i], .marks = 1 };
		u64 logging = col[LOGGING][i];
		u32 entry;

		if (col[KIND][i] != KVMW_dirty_PAGE)
			continue;
		key.class = !logging ? DIRTY_UNLOGGED :
			    logging == KVMW_NONE || col[GFN][i] == KVMW_NONE ? DIRTY_UNKNOWN :
			    DIRTY_LOGGED;
		if (key.class == DIRTY_LOGGED) {
			key.gfn = col[GFN][i];
			key.slot = col[SLOT][i];
		}
		if (dirty_rows__add(rows, &key, &entry) ||
		    (key.class == DIRTY_LOGGED && add_mark(rows, col[TIME][i], entry)))
			return -1;
	}
	return 0;
}

int dirty_rows__merge(void *to, const void *from)
{
	const struct dirty_rows *rows = from;
	struct dirty_rows *all = to;
	u32 *entry = malloc((rows->nr + 1) * sizeof(*entry));
	int ret = -1;

	if (!entry)
		return error("out of memory for %u pages made dirty", rows->nr);
	all->max_entries = DIRTY_MAX_PAGES;
	all->max_marks = DIRTY_MAX_MARKS;
	for (u32 i = 0; i < rows->nr; i++)
		if (dirty_rows__add(all, &rows->entry[i], &entry[i]))
			goto out;
	for (u32 i = 0; i < rows->nr_marks; i++)
		if (add_mark(all, rows->mark[i].time_ns, entry[rows->mark[i].entry]))
			goto out;
	for (u32 i = 0; i < rows->nr_slots; i++)
		if (add_slot(all, &rows->slot[i]))
			goto out;
	all->no_page += rows->no_page;
	all->no_time += rows->no_time;
	ret = 0;
out:
	free(entry);
	return ret;
}

/* Together, the workers of a scan stay in the order of the limits. */
void *dirty_rows__new(void *arg)
{
	struct dirty_rows *rows = calloc(1, sizeof(*rows));
	cpu_set_t cpus;
	u32 workers;

	if (!rows) {
		error("out of memory");
		return NULL;
	}
	workers = sched_getaffinity(0, sizeof(cpus), &cpus) ? 1 : CPU_COUNT(&cpus);
	workers = workers > 16 ? 16 : workers;
	rows->max_marks = DIRTY_MAX_MARKS / workers;
	/* The same page is met by several of them. */
	rows->max_entries = workers > 1 ? 2 * (DIRTY_MAX_PAGES / workers) : DIRTY_MAX_PAGES;
	return rows;
}

void dirty_rows__free(void *state)
{
	struct dirty_rows *rows = state;

	free(rows->entry);
	free(rows->index);
	free(rows->mark);
	free(rows->slot);
	free(rows);
}
