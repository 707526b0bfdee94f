// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/recording/timeline.h"
#include "util/array.h"
#include "util/error.h"
#include "util/memory.h"

#define SLICE_MAX	(4u << 20)	/* bytes; most frames fit as a whole */
#define SLICE_MIN	(4u << 10)
/*
 * Where very many frames overlap, few rows of each are held, and frames are decoded again and
 * again: rows that may be, in all and for each row of the recording.  Beyond that the rest of a
 * frame is delivered as if its turn had come.
 */
#define WORK_FREE	(32u << 20)
#define WORK_PER_ROW	4ULL

/* Rows that wait for their turn: either decoded, or a position in the file. */
struct place {
	u64 key;		/* ns; as far as known, none of its rows is earlier */
	u64 offset, end;	/* in the file; several frames if frames > 1 */
	u32 frames;
	u32 given;		/* rows delivered before those of open */
	struct open *open;	/* NULL: not decoded */
};

struct open {
	struct open *next, *prev;
	struct slice *slice;	/* NULL: evicted */
	u32 at;			/* its next row */
	bool hurry;		/* its turn is now, see WORK_FREE */
};

struct run {
	const struct timeline *t;
	struct data_reader *r;
	struct slicer *slicer;
	struct place *heap;		/* the next place comes first */
	u32 nr, room, max_nr;
	struct open open;		/* head of the list */
	u32 nr_open;
	size_t bytes, max_bytes;	/* held in slices */
	u64 work, max_work;		/* rows decoded */
	bool stream;
};

static bool before(const struct place *a, const struct place *b)
{
	return a->key != b->key ? a->key < b->key : a->offset < b->offset;
}

static void sift_up(struct run *run, u32 at)
{
	struct place place = run->heap[at];

	for (; at && before(&place, &run->heap[(at - 1) / 2]); at = (at - 1) / 2)
		run->heap[at] = run->heap[(at - 1) / 2];
	run->heap[at] = place;
}

static void sift_down(struct run *run, u32 at)
{
	struct place place = run->heap[at];
	u32 child;

	for (; (child = 2 * at + 1) < run->nr; at = child) {
		if (child + 1 < run->nr && before(&run->heap[child + 1], &run->heap[child]))
			child++;
		if (!before(&run->heap[child], &place))
			break;
		run->heap[at] = run->heap[child];
	}
	run->heap[at] = place;
}

/* Appends a place; the heap's order is restored later. */
static int timeline__append(struct run *run, struct place place)
{
	if (array__reserve(run->heap, run->nr, run->room, NULL))
		return -1;
	run->heap[run->nr++] = place;
	return 0;
}

static int push(struct run *run, struct place place)
{
	if (run->nr == TIMELINE_OVERLAP)
		return error("%s: more than %u frames overlap in time, so they cannot be put in "
			     "order; -e and --time select some of them", run->t->rec->path,
			     TIMELINE_OVERLAP);
	if (timeline__append(run, place))
		return -1;
	sift_up(run, run->nr - 1);
	return 0;
}

static void pop(struct run *run)
{
	run->heap[0] = run->heap[--run->nr];
	if (run->nr)
		sift_down(run, 0);
}

/* ---- decoded rows ------------------------------------------------------- */

static void drop_slice(struct run *run, struct open *open)
{
	if (open->slice)
		run->bytes -= open->slice->bytes;
	slice__put(open->slice);
	open->slice = NULL;
}

static void close_place(struct run *run, struct open *open)
{
	drop_slice(run, open);
	open->next->prev = open->prev;
	open->prev->next = open->next;
	run->nr_open--;
	free(open);
}

static struct open *new_open(struct run *run)
{
	struct open *open = calloc(1, sizeof(*open));

	if (!open) {
		out_of_memory();
		return NULL;
	}
	open->next = run->open.next;
	open->prev = &run->open;
	open->next->prev = open;
	run->open.next = open;
	run->nr_open++;
	return open;
}

static u64 next_time(const struct open *open)
{
	return slice__time(open->slice, open->at);
}

/* Evicts slices whose turn comes last, never the one whose turn it is. */
static void make_way(struct run *run)
{
	while (run->bytes > run->max_bytes) {
		struct open *last = NULL;

		for (struct open *o = run->open.next; o != &run->open; o = o->next)
			if (o->slice && o != run->heap[0].open &&
			    (!last || next_time(o) > next_time(last)))
				last = o;
		if (!last)
			return;
		drop_slice(run, last);
	}
}

/* The more frames overlap, the fewer rows are held of each. */
static size_t slice_bytes(const struct run *run)
{
	size_t share = run->max_bytes / 2 / (run->nr_open + 1);

	if (run->stream)
		return SIZE_MAX;
	return share > SLICE_MAX ? SLICE_MAX : share < SLICE_MIN ? SLICE_MIN : share;
}

/*
 * Decodes the next rows of the place's frame.  0, and place->key is theirs; 1: no rows
 * are left, or the frame is damaged; -1.
 */
static int timeline__decode(struct run *run, struct place *place, const struct data_frame *f)
{
	struct recording *rec = run->t->rec;
	bool hurry = !run->stream && run->work > run->max_work;
	struct slice *slice;
	const char *why;
	int ret;

	run->work += f->rows;
	ret = slicer__cut(run->slicer, data_reader__event(run->r, f->event), f, &rec->window,
			  place->given, hurry ? SLICE_MAX : slice_bytes(run), &slice, &why);
	if (ret > 0)
		return recording__damaged(rec, f, f->rows, why) ? -1 : 1;
	if (ret || !slice)
		return ret ? ret : 1;
	if (!place->open)
		place->open = new_open(run);
	if (!place->open) {
		free(slice);
		return -1;
	}
	place->open->slice = slice;
	place->open->at = 0;
	place->open->hurry = hurry;
	rec->unordered_rows += hurry ? slice->rows : 0;
	if (!hurry)
		place->key = next_time(place->open);
	run->bytes += slice->bytes;
	return 0;
}

/* ---- a file: noting places, returning to them -------------------------- */

static bool outside(const struct run *run, const struct data_frame *f)
{
	const struct time_window *w = &run->t->rec->window;

	return !f->rows || (w->active && (f->last_ns < w->from || f->first_ns > w->to));
}

/* 1: its rows are wanted; 0: not; -1: stop */
static int wants(struct run *run, const struct data_frame *f)
{
	if (f->type != DATA_EVENTS || outside(run, f))
		return 0;
	return run->t->wants(run->t->ctx, run->r, f);
}

static struct place timeline__place_of(const struct data_frame *f)
{
	return (struct place) { .key = f->first_ns, .offset = f->offset, .end = f->offset + 1,
				.frames = 1 };
}

/* Until they become a heap, places are in file order. */
static void join_neighbours(struct run *run)
{
	u32 to = 0;

	for (u32 i = 0; i < run->nr; i += 2) {
		struct place place = run->heap[i], *b = &run->heap[i + 1];

		if (i + 1 < run->nr) {
			place.key = b->key < place.key ? b->key : place.key;
			place.end = b->end;
			place.frames += b->frames;
		}
		run->heap[to++] = place;
	}
	run->nr = to;
}

static int find_places(struct run *run)
{
	struct recording *rec = run->t->rec;
	struct data_frame *f;
	int ret, wanted = 0;

	while ((ret = data_reader__next(run->r, &f)) > 0) {
		ret = recording__take(rec, run->r, f);
		wanted = ret ? -1 : wants(run, f);
		if (wanted > 0) {
			if (run->nr >= run->max_nr)
				join_neighbours(run);
			run->max_work += WORK_PER_ROW * f->rows;
			if (timeline__append(run, timeline__place_of(f)))
				wanted = -1;
		}
		data_frame__put(f);
		if (wanted < 0)
			return -1;
	}
	rec->read_error = ret < 0;
	if (ret == DATA_NO_MEMORY)
		return -1;
	for (u32 i = run->nr / 2; i--; )
		sift_down(run, i);
	return 0;
}

static int changed(struct run *run, const struct place *place)
{
	struct data_frame f = { .offset = place->offset };

	return recording__damaged(run->t->rec, &f, 0, "changed while it was read");
}

/* Splits a place that stands for several frames. */
static int split(struct run *run)
{
	struct place place = run->heap[0];
	struct data_frame *f;
	int ret, wanted = 0;

	pop(run);
	if (data_reader__seek(run->r, place.offset))
		return -1;
	while ((ret = data_reader__next(run->r, &f)) > 0 && f->offset < place.end) {
		wanted = wants(run, f);
		if (wanted > 0 && push(run, timeline__place_of(f)))
			wanted = -1;
		data_frame__put(f);
		if (wanted < 0)
			return -1;
	}
	if (ret > 0)
		data_frame__put(f);
	return ret == DATA_NO_MEMORY ? -1 : ret < 0 ? changed(run, &place) : 0;
}

/* Gets rows for the first place, or removes it. */
static int open_first(struct run *run)
{
	struct place *place = &run->heap[0];
	struct data_frame *f = NULL;
	int ret;

	if (place->frames > 1)
		return split(run);
	if (data_reader__seek(run->r, place->offset))
		return -1;
	ret = data_reader__next(run->r, &f);
	if (ret == DATA_NO_MEMORY)
		return -1;
	if (ret > 0 && f->offset == place->offset)
		ret = timeline__decode(run, place, f);
	else
		ret = changed(run, place) ? -1 : 1;
	data_frame__put(f);
	if (ret > 0) {
		if (place->open)
			close_place(run, place->open);
		pop(run);
		return 0;
	}
	if (!ret) {
		sift_down(run, 0);
		make_way(run);
	}
	return ret;
}

/* ---- in order ----------------------------------------------------------- */

/* Delivers rows of the first place that precede all others and are not after limit. */
static u32 rows_in_turn(const struct run *run, u64 limit)
{
	const struct place *first = &run->heap[0], *next = NULL;
	const struct slice *s = first->open->slice;
	u32 to = first->open->at;

	if (first->open->hurry)
		return s->rows;
	if (run->nr > 1)
		next = &run->heap[1];
	if (run->nr > 2 && before(&run->heap[2], next))
		next = &run->heap[2];
	if (next && next->key <= limit)
		limit = first->offset < next->offset ? next->key : next->key - !!next->key;
	while (to < s->rows && slice__time(s, to) <= limit)
		to++;
	/* Its key is the time of its first row: deliver at least that one. */
	return to > first->open->at ? to : first->open->at + 1;
}

static void advance(struct run *run, u32 to)
{
	struct place *first = &run->heap[0];
	struct open *open = first->open;
	bool last = open->slice->last;

	first->given += to - open->at;
	open->at = to;
	if (to < open->slice->rows) {
		first->key = next_time(open);
	} else if (last) {
		close_place(run, open);
		pop(run);
		return;
	} else {
		/* What follows is not earlier than this. */
		drop_slice(run, open);
	}
	sift_down(run, 0);
}

/* Delivers all rows up to limit. 0; 1: enough; -1 */
static int give(struct run *run, u64 limit)
{
	int ret = 0;

	while (!ret && run->nr && run->heap[0].key <= limit) {
		struct place *first = &run->heap[0];
		u32 to;

		if (!first->open || !first->open->slice) {
			ret = open_first(run);
			continue;
		}
		to = rows_in_turn(run, limit);
		ret = run->t->rows(run->t->ctx, first->open->slice, first->open->at, to);
		advance(run, to);
	}
	return ret;
}

/* ---- a stream ----------------------------------------------------------- */

static int hold(struct run *run, const struct data_frame *f)
{
	struct place place = timeline__place_of(f);
	int ret = timeline__decode(run, &place, f);

	if (ret)
		return ret > 0 ? 0 : -1;
	ret = push(run, place);
	if (ret)
		close_place(run, place.open);
	return ret;
}

static int give_and_pause(struct run *run, u64 limit)
{
	const struct timeline *t = run->t;
	int ret = give(run, limit);

	while (!ret && run->nr && run->bytes > run->max_bytes)
		ret = give(run, run->heap[0].key);
	return !ret && t->pause ? t->pause(t->ctx) : ret;
}

static int read_stream(struct run *run)
{
	struct recording *rec = run->t->rec;
	u64 newest = 0;
	int ret = 0;

	while (!ret) {
		struct data_frame *f;
		int wanted;

		if (!data_reader__ready(run->r,
					run->nr ? (int)(TIMELINE_DELAY_NS / 1000000) : -1)) {
			ret = give_and_pause(run, UINT64_MAX);
			continue;
		}
		ret = data_reader__next(run->r, &f);
		if (ret <= 0) {
			rec->read_error = ret < 0;
			return ret == DATA_NO_MEMORY ? -1 : give_and_pause(run, UINT64_MAX);
		}
		ret = recording__take(rec, run->r, f);
		wanted = ret ? -1 : wants(run, f);
		if (wanted > 0)
			ret = hold(run, f);
		if (f->type == DATA_EVENTS && f->rows && f->last_ns > newest)
			newest = f->last_ns;
		data_frame__put(f);
		if (wanted < 0)
			return -1;
		if (!ret && newest > TIMELINE_DELAY_NS)
			ret = give_and_pause(run, newest - TIMELINE_DELAY_NS);
	}
	return ret;
}

/* A quarter of what was granted for the first bytes of the recording, or less. */
static size_t share(const struct budget *b, size_t most)
{
	size_t part = b && b->max ? b->granted / 4 : most;

	return part < most ? part : most;
}

int timeline__read(const struct timeline *t, struct data_reader *r)
{
	struct run run = {
		.t = t,
		.r = r,
		.slicer = slicer__new(),
		.max_work = t->max_work ?: WORK_FREE,
		.max_bytes = t->max_bytes ?: share(t->rec->budget, TIMELINE_BYTES),
		.max_nr = t->max_entries ?:
			  share(t->rec->budget, TIMELINE_ENTRIES * sizeof(struct place)) /
			  sizeof(struct place),
		.open = { .next = &run.open, .prev = &run.open },
		.stream = t->stream || !data_reader__seekable(r),
	};
	int ret = -1;

	if (!run.slicer)
		goto out;
	if (run.stream)
		ret = read_stream(&run);
	else
		ret = find_places(&run) ? -1 : give(&run, UINT64_MAX);
out:
	while (run.open.next != &run.open)
		close_place(&run, run.open.next);
	free(run.heap);
	slicer__free(run.slicer);
	return ret;
}
