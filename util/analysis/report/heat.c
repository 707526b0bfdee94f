// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "util/analysis/report/report.h"
#include "util/analysis/report/time_steps.h"

/* Where memory is short there is none. */
static int have_heat(struct heat **h, struct budget *budget)
{
	if (*h || budget__take(budget, sizeof(**h)))
		return 0;
	*h = calloc(1, sizeof(**h));
	if (!*h) {
		budget__give(budget, sizeof(**h));
		return out_of_memory();
	}
	(*h)->shift = TIME_SHIFT_MIN;
	(*h)->cells = HASH_TABLE(struct heat_cell, budget);
	return 0;
}

static int add_to_cell(struct heat *h, u32 step, u32 power, u64 count)
{
	const struct heat_cell key = { .key = { step, power } };
	bool full;
	struct heat_cell *cell = hash_table__get_limited(&h->cells, &key.key, UINT32_MAX, &full);

	if (cell)
		cell->count += count;
	return cell || full ? 0 : -1;
}

/* Its steps are longer by this shift. */
static int add_cells(struct heat *to, const struct hash_table *cells, u32 by)
{
	for (u32 i = 0; i < cells->nr; i++) {
		const struct heat_cell *cell = hash_table__at(cells, i);

		if (add_to_cell(to, by < 32 ? cell->key.step >> by : 0, cell->key.power,
				cell->count))
			return -1;
	}
	return 0;
}

int heat__fold(struct heat *h, u32 shift)
{
	struct hash_table cells = h->cells;
	u32 by = shift > h->shift ? shift - h->shift : 0;
	int ret;

	if (!by)
		return 0;
	h->cells = HASH_TABLE(struct heat_cell, cells.budget);
	h->shift = shift;
	ret = add_cells(h, &cells, by);
	hash_table__free(&cells);
	return ret;
}

int heat__add(struct heat **to, struct budget *budget, u64 at_ns, u64 span_ns)
{
	struct heat *h;

	if (have_heat(to, budget))
		return -1;
	h = *to;
	if (!h)
		return 0;
	if (at_ns >> h->shift >= HEAT_STEPS && heat__fold(h, time_steps__shift(at_ns, HEAT_STEPS)))
		return -1;
	return add_to_cell(h, at_ns >> h->shift, span_ns ? 63 - __builtin_clzll(span_ns) : 0, 1);
}

int heat__merge(struct heat **to, struct budget *budget, const struct heat *from)
{
	if (!from)
		return 0;
	if (have_heat(to, budget))
		return -1;
	if (!*to)
		return 0;
	if (heat__fold(*to, from->shift))
		return -1;
	return add_cells(*to, &from->cells, (*to)->shift - from->shift);
}

void heat__free(struct heat *h)
{
	struct budget *budget;

	if (!h)
		return;
	budget = h->cells.budget;
	hash_table__free(&h->cells);
	budget__free(budget, h, sizeof(*h));
}

/* The rows, then the total. */
static struct heat *heat_of(const struct report *rep, u32 i)
{
	return i < rep->nr_rows ? rep->row[i].heat : rep->total.heat;
}

/* Where the steps begin, as scan.h has it for rows. */
static u64 begin_ns(const struct recording *rec)
{
	u64 start = rec->meta.start_ns;

	return rec->window.active && rec->window.from > start ? rec->window.from : start;
}

int report__align_heat(struct report *rep)
{
	u64 covered = recording__covered(rep->rec);
	u32 shift = time_steps__shift(covered ? covered - 1 : 0, HEAT_STEPS);

	for (u32 i = 0; i <= rep->nr_rows; i++)
		if (heat_of(rep, i) && heat_of(rep, i)->shift > shift)
			shift = heat_of(rep, i)->shift;
	for (u32 i = 0; i <= rep->nr_rows; i++)
		if (heat_of(rep, i) && heat__fold(heat_of(rep, i), shift))
			return -1;
	rep->heat_shift = shift;
	return 0;
}

struct heat_axis report__heat_axis(const struct report *rep, u32 columns)
{
	struct heat_axis axis = { .from_ns = begin_ns(rep->rec), .shift = rep->heat_shift,
				  .steps = 1 };
	u64 covered = recording__covered(rep->rec);

	if (covered && (covered - 1) >> axis.shift < HEAT_STEPS)
		axis.steps = ((covered - 1) >> axis.shift) + 1;
	/* A recording that is wrong has events after its end. */
	for (u32 i = 0; rep->total.heat && i < rep->total.heat->cells.nr; i++) {
		const struct heat_cell *cell = hash_table__at(&rep->total.heat->cells, i);

		if (cell->key.step >= axis.steps)
			axis.steps = cell->key.step + 1;
	}
	axis.per_column = (axis.steps + columns - 1) / columns;
	axis.columns = (axis.steps + axis.per_column - 1) / axis.per_column;
	return axis;
}

int heat_map__make(struct heat_map *m, const struct report_row *row, const struct heat_axis *axis)
{
	const struct hash_table *cells = row->heat ? &row->heat->cells : NULL;

	*m = (struct heat_map) { .low = HIST_LOG2, .columns = axis->columns };
	for (u32 i = 0; cells && i < cells->nr; i++) {
		const struct heat_cell *cell = hash_table__at(cells, i);

		m->low = cell->key.power < m->low ? cell->key.power : m->low;
		m->high = cell->key.power > m->high ? cell->key.power : m->high;
	}
	if (m->low > m->high)
		return 0;
	m->count = mem__calloc((size_t)(m->high - m->low + 1) * m->columns, sizeof(*m->count));
	if (!m->count)
		return -1;
	for (u32 i = 0; i < cells->nr; i++) {
		const struct heat_cell *cell = hash_table__at(cells, i);
		u32 column = cell->key.step / axis->per_column;

		m->count[(size_t)(cell->key.power - m->low) * m->columns + column] += cell->count;
	}
	return 0;
}

int heat_maps__most(const struct report *rep, const struct heat_axis *axis, u64 *most)
{
	struct heat_map map;

	*most = 0;
	/* No row has more than the total. */
	if (heat_map__make(&map, &rep->total, axis))
		return -1;
	for (u32 i = 0; map.count && i < (map.high - map.low + 1) * map.columns; i++)
		*most = map.count[i] > *most ? map.count[i] : *most;
	free(map.count);
	return 0;
}
