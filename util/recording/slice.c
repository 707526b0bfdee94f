// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/recording/slice.h"
#include "util/memory.h"
#include "util/search.h"

#define RUN	16	/* rows sorted by insertion before runs are merged */

struct timed {
	u64 time_ns;
	u32 row;
};

struct slicer {
	struct data_decoder *dec;
	u32 rows;		/* that there is room for in each of the following */
	u64 *col[DATA_MAX_FIELDS];
	int field[DATA_MAX_FIELDS];
	/* code: NULL where col has the values, or nothing, as all have the same one */
	struct data_facts facts[DATA_MAX_FIELDS];
	struct timed *order, *aside;
	u32 *row;		/* the same order */
	u64 nr_cut;
};

struct slicer *slicer__new(void)
{
	struct slicer *s = mem__calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	for (u32 i = 0; i < DATA_MAX_FIELDS; i++)
		s->field[i] = i;
	s->dec = data_decoder__new();
	if (s->dec)
		return s;
	free(s);
	return NULL;
}

static void slicer__free_rows(struct slicer *s)
{
	for (u32 i = 0; i < DATA_MAX_FIELDS; i++) {
		free(s->col[i]);
		s->col[i] = NULL;
	}
	free(s->order);
	free(s->aside);
	free(s->row);
	s->order = s->aside = NULL;
	s->row = NULL;
	s->rows = 0;
}

void slicer__free(struct slicer *s)
{
	if (!s)
		return;
	data_decoder__free(s->dec);
	slicer__free_rows(s);
	free(s);
}

static int slice__make_room(struct slicer *s, u32 nr, u32 rows)
{
	if (rows > s->rows) {
		slicer__free_rows(s);
		s->order = malloc(data_row_room(rows) * sizeof(*s->order));
		s->aside = malloc(data_row_room(rows) * sizeof(*s->aside));
		s->row = malloc(data_row_room(rows) * sizeof(*s->row));
		if (!s->order || !s->aside || !s->row)
			return out_of_memory();
		s->rows = data_row_room(rows);
	}
	for (u32 i = 0; i < nr; i++) {
		if (!s->col[i])
			s->col[i] = malloc(s->rows * sizeof(u64));
		if (!s->col[i])
			return out_of_memory();
	}
	return 0;
}

static void sort_run(struct timed *t, u32 nr)
{
	for (u32 i = 1; i < nr; i++) {
		struct timed row = t[i];
		u32 at = i;

		for (; at && t[at - 1].time_ns > row.time_ns; at--)
			t[at] = t[at - 1];
		t[at] = row;
	}
}

/*
 * Only rows that are not in order already are moved: the end of the first run and the beginning of
 * the second, where they overlap.
 */
static void slice__merge(struct timed *from, struct timed *mid, struct timed *end,
			 struct timed *aside)
{
	u64 first = mid->time_ns, last = mid[-1].time_ns;
	const struct timed *a = aside, *b = mid;
	struct timed *to = mid;
	size_t nr;

	while (to > from && to[-1].time_ns > first)
		to--;
	while (end > mid && end[-1].time_ns >= last)
		end--;
	nr = mid - to;
	memcpy(aside, to, nr * sizeof(*aside));
	while (a < aside + nr && b < end)
		*to++ = b->time_ns < a->time_ns ? *b++ : *a++;
	memcpy(to, a, (aside + nr - a) * sizeof(*to));
}

/* Stable. Rows of one vCPU are mostly in order already, those of a few vCPUs nearly so. */
static void sort(struct slicer *s, u32 nr)
{
	for (u32 i = 0; i < nr; i += RUN)
		sort_run(s->order + i, nr - i < RUN ? nr - i : RUN);
	for (u32 len = RUN; len < nr; len *= 2)
		for (u32 mid = len; mid < nr; mid += 2 * len)
			slice__merge(s->order + mid - len, s->order + mid,
				     s->order + (nr - mid < len ? nr : mid + len), s->aside);
}

static void slice__put_in_order(struct slicer *s, const struct data_frame *f, int time)
{
	bool in_order = true;

	for (u32 i = 0; i < f->rows; i++) {
		s->order[i] = (struct timed) {
			.time_ns = time < 0 ? f->first_ns : s->col[time][i],
			.row = i,
		};
		in_order &= !i || s->order[i - 1].time_ns <= s->order[i].time_ns;
	}
	if (!in_order)
		sort(s, f->rows);
}

static int compare_time(const void *key, const void *element)
{
	u64 time_ns = *(const u64 *)key;
	const struct timed *row = element;

	return time_ns > row->time_ns ? 1 : -1;
}

/* The first row, in order, that is not before time_ns. */
static u32 row_at(const struct slicer *s, u32 rows, u64 time_ns)
{
	return lower_bound(&time_ns, s->order, rows, sizeof(*s->order), compare_time);
}

/* Values are stored plus one: "unknown" becomes 0, which takes no more room than others. */
static void slice__measure(const u64 *v, u32 nr, struct slice_column *c)
{
	u64 least = v[0] + 1, most = least, span;

	for (u32 i = 1; i < nr; i++) {
		u64 x = v[i] + 1;

		least = x < least ? x : least;
		most = x > most ? x : most;
	}
	span = most - least;
	c->base = least;
	c->width = !span ? 0 : span <= UINT8_MAX ? 1 : span <= UINT16_MAX ? 2 :
		   span <= UINT32_MAX ? 4 : 8;
	c->mask = c->width ? UINT64_MAX >> (64 - 8 * c->width) : 0;
}

#define FILL(width, value)						\
	for (u32 i = 0; i < nr; i++)					\
		((u##width *)to)[i] = (value)

#define FILL_COLUMN(value)						\
	switch (c->width) {						\
	case 1:								\
		FILL(8, value);						\
		break;							\
	case 2:								\
		FILL(16, value);					\
		break;							\
	case 4:								\
		FILL(32, value);					\
		break;							\
	case 8:								\
		FILL(64, value);					\
		break;							\
	}

static void fill_values(const struct slice_column *c, const u32 *row, u32 nr, const u64 *v,
			void *to)
{
	FILL_COLUMN(v[row[i]] + 1 - c->base)
}

static void fill_codes(const struct slice_column *c, const u32 *row, u32 nr,
		       const struct data_facts *facts, void *to)
{
	u64 value[256];

	for (u32 i = 0; i < facts->nr_values; i++)
		value[i] = facts->value[i] + 1 - c->base;
	FILL_COLUMN(value[facts->code[row[i]]])
}

struct slice *slice__copy(const struct slice *s, u32 i)
{
	static const u8 none[sizeof(u64)];
	u32 nr = s->event->nr_fields;
	struct slice *copy = mem__calloc(1, sizeof(*copy) + nr * sizeof(copy->column[0]));

	if (!copy)
		return NULL;
	*copy = *s;
	copy->number = 0;
	copy->rows = 1;
	copy->last = true;
	copy->bytes = sizeof(*copy) + nr * sizeof(copy->column[0]);
	/* Columns without data: all of the value is in the base. */
	for (u32 k = 0; k < nr; k++)
		copy->column[k] = (struct slice_column) {
			.base = slice__get(s, k, i) + 1, .data = none,
		};
	return copy;
}

static int time_field(const struct data_event *event)
{
	int field = data_event__field(event, "time_ns");

	for (u32 i = 0; field < 0 && i < event->nr_fields; i++)
		if (!strcmp(event->fields[i].unit, "time"))
			field = i;
	return field;
}

/* Makes a slice of rows [first, first + nr) in order; columns gives each one's layout. */
static struct slice *cut(struct slicer *s, const struct data_event *event, u32 first, u32 nr,
			 const struct slice_column *columns, size_t row_bytes)
{
	/*
	 * Widest first would save nothing: each column begins at a multiple of 8.  It takes at
	 * most 7 bytes more than its values, so eight bytes of the last one can be read, too.
	 */
	size_t head = sizeof(struct slice) + event->nr_fields * sizeof(*columns);
	size_t bytes = head + nr * row_bytes + 8UL * event->nr_fields;
	struct slice *slice = malloc(bytes);
	u8 *at;

	if (!slice) {
		out_of_memory();
		return NULL;
	}
	memset(slice, 0, sizeof(*slice));
	slice->event = event;
	slice->number = ++s->nr_cut;
	slice->rows = nr;
	slice->bytes = bytes;
	at = (u8 *)slice + head;
	for (u32 i = 0; i < nr; i++)
		s->row[i] = s->order[first + i].row;
	for (u32 i = 0; i < event->nr_fields; i++) {
		slice->column[i] = columns[i];
		slice->column[i].data = at;
		if (s->facts[i].code)
			fill_codes(&columns[i], s->row, nr, &s->facts[i], at);
		else
			fill_values(&columns[i], s->row, nr, s->col[i], at);
		at += (nr * columns[i].width + 7) & ~7u;
	}
	return slice;
}

/*
 * Decodes the columns that vary, some of them to codes, and measures all; the values of the times
 * are decoded in any case.  0; 1: damaged, *why says how; -1 after error().
 */
static int slicer__decode(struct slicer *s, const struct data_event *event,
			  const struct data_frame *f, int time, struct slice_column *columns,
			  const char **why)
{
	u64 value[64], same, codes = 0, *col[DATA_MAX_FIELDS];
	u32 nr = event->nr_fields, left = 0;
	int field[DATA_MAX_FIELDS], ret;

	same = data_decoder__constants(s->dec, event, f, s->field, nr < 64 ? nr : 64, value);
	if (time >= 0 && time < 64)
		same &= ~BIT(time);
	for (u32 i = 0; i < nr; i++) {
		if (i < 64 && same >> i & 1)
			continue;
		if (left < 64 && (int)i != time)
			codes |= BIT(left);
		field[left] = s->field[i];
		col[left++] = s->col[i];
	}
	data_decoder__codes(s->dec, codes);
	ret = data_decoder__columns(s->dec, event, f, field, left, col, why);
	for (u32 i = 0, at = 0; !ret && i < nr; i++) {
		struct data_facts *facts = &s->facts[i];

		*facts = (struct data_facts) { .code = NULL };
		if (i < 64 && same >> i & 1) {
			columns[i] = (struct slice_column) { .base = value[i] + 1 };
			continue;
		}
		if (at < 64 && codes >> at & 1)
			data_decoder__facts(s->dec, i, f->rows, facts);
		at++;
		if (facts->code)
			slice__measure(facts->value, facts->nr_values, &columns[i]);
		else
			slice__measure(s->col[i], f->rows, &columns[i]);
	}
	return ret;
}

int slicer__cut(struct slicer *s, const struct data_event *event, const struct data_frame *f,
		const struct time_window *window, u32 skip, size_t max_bytes, struct slice **out,
		const char **why)
{
	struct slice_column columns[DATA_MAX_FIELDS];
	u32 first = 0, end = f->rows, nr;
	size_t row_bytes = 0;
	int time, ret;

	*out = NULL;
	*why = "event without a schema";
	if (!event)
		return 1;
	if (slice__make_room(s, event->nr_fields, f->rows))
		return -1;
	time = time_field(event);
	ret = slicer__decode(s, event, f, time, columns, why);
	if (ret)
		return ret;
	slice__put_in_order(s, f, time);
	if (window->active) {
		first = row_at(s, f->rows, window->from);
		end = window->to == UINT64_MAX ? f->rows : row_at(s, f->rows, window->to + 1);
	}
	if (first >= end || skip >= end - first)
		return 0;
	first += skip;
	for (u32 i = 0; i < event->nr_fields; i++)
		row_bytes += columns[i].width;
	nr = end - first;
	if (row_bytes && nr > max_bytes / row_bytes)
		nr = max_bytes / row_bytes ?: 1;
	*out = cut(s, event, first, nr, columns, row_bytes);
	if (!*out)
		return -1;
	(*out)->last = nr == end - first;
	(*out)->time = time;
	(*out)->frame_ns = f->first_ns;
	return 0;
}
