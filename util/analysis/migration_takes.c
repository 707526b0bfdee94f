// SPDX-License-Identifier: GPL-2.0
/*
 * When the VMM took the dirty log, by the marks: a page that has one is marked again only after
 * that. So if one is, the log was taken in between, and as most pages that are written all the time
 * are marked again at once, it was just then.
 */
#include <stdlib.h>

#include "util/analysis/migration_takes.h"
#include "util/analysis/model_dirty_rows.h"
#include "util/array.h"
#include "util/search.h"

/*
 * What KVM itself writes (clock, steal time, pv-EOI, asynchronous page faults: each a page of a
 * vCPU, at most) it marks every time.
 */
#define OWN_PAGES	4

/* The marks of the page that has most, without nr pages; UINT32_MAX: these are all there are. */
static u32 most_marks(const u32 *marks, u64 pages, u32 nr)
{
	u32 top[OWN_PAGES * DIRTY_BY + 1] = { 0 };

	if (pages <= nr)
		return UINT32_MAX;
	for (u64 i = 0; i < pages; i++) {
		u32 at = nr;

		if (marks[i] <= top[nr])
			continue;
		for (; at && top[at - 1] < marks[i]; at--)
			top[at] = top[at - 1];
		top[at] = marks[i];
	}
	return top[nr];
}

static int add_take(struct log_takes *t, u32 piece, u64 time_ns)
{
	if (array__reserve_within(t->take, t->nr, t->room, t->budget))
		return -1;
	t->take[t->nr++] = (struct log_take) { .piece = piece, .time_ns = time_ns };
	return 0;
}

static int compare_takes(const void *a, const void *b)
{
	const struct log_take *x = a, *y = b;

	COMPARE(x->piece, y->piece);
	COMPARE(x->time_ns, y->time_ns);
	return 0;
}

/* The times between two of a piece. */
static int find_usual(struct log_takes *t)
{
	struct hist between = { .budget = t->budget };
	int err = 0;

	for (u32 i = 1; i < t->nr && !err; i++)
		if (t->take[i].piece == t->take[i - 1].piece)
			err = hist__add(&between, t->take[i].time_ns - t->take[i - 1].time_ns);
	t->usual_ns = between.count ? hist__percentile(&between, 500) : KVMW_NONE;
	hist__free(&between);
	return err;
}

static int index_pieces(struct log_takes *t)
{
	if (t->nr)
		qsort(t->take, t->nr, sizeof(*t->take), compare_takes);
	t->first = budget__calloc(t->budget, t->pieces + 1, sizeof(*t->first));
	if (!t->first)
		return -1;
	for (u32 i = 0, nr = 0; i <= t->pieces; i++) {
		t->first[i] = nr;
		while (nr < t->nr && t->take[nr].piece == i)
			nr++;
	}
	return 0;
}

int log_takes__find(struct log_takes *t, const struct dirty_mark *mark, u64 nr, u64 pages,
		    u32 vcpus)
{
	u32 *marks = budget__calloc(t->budget, pages + 1, sizeof(*marks));
	/* takes of its piece before its last mark, plus 1 */
	u32 *since = budget__calloc(t->budget, pages + 1, sizeof(*since));
	u32 *takes = budget__calloc(t->budget, t->pieces + 1, sizeof(*takes)), most;
	int ret = -1;

	if (!marks || !since || !takes)
		goto out;
	for (u64 i = 0; i < nr; i++)
		marks[mark[i].entry] += marks[mark[i].entry] < UINT32_MAX;
	most = most_marks(marks, pages, OWN_PAGES * (vcpus < DIRTY_BY ? vcpus : DIRTY_BY));
	for (u64 i = 0; i < nr; i++) {
		u32 page = mark[i].entry, piece = mark[i].piece;

		if (marks[page] > most)
			continue;
		if (since[page] == takes[piece] + 1) {
			takes[piece]++;
			if (add_take(t, piece, mark[i].time_ns))
				goto out;
		}
		since[page] = takes[piece] + 1;
	}
	ret = index_pieces(t) || find_usual(t) ? -1 : 0;
out:
	budget__free(t->budget, marks, (pages + 1) * sizeof(*marks));
	budget__free(t->budget, since, (pages + 1) * sizeof(*since));
	budget__free(t->budget, takes, (t->pieces + 1) * sizeof(*takes));
	return ret;
}

u64 log_takes__since(const struct log_takes *t, u32 piece, u64 time_ns, u64 span_ns)
{
	const struct log_take *take = t->take + t->first[piece];
	u32 nr = t->first[piece + 1] - t->first[piece], low = 0, high = nr;
	u64 since;

	if (!nr)
		return 0;
	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (take[middle].time_ns <= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	since = low ? time_ns - take[low - 1].time_ns : time_ns + span_ns - take[nr - 1].time_ns;
	return since / 2 <= t->usual_ns ? since : 0;
}

void log_takes__free(struct log_takes *t)
{
	array__free(t->take, t->room, t->budget);
	budget__free(t->budget, t->first, (t->pieces + 1) * sizeof(*t->first));
}
