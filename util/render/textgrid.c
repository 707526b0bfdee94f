// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/render/textgrid.h"
#include "util/render/units.h"

#define MIN_LEFT	8	/* columns that text is not cut below */
#define ROOM_LEFT	48	/* above which it is cut sooner than columns are dropped */

void textgrid__init(struct textgrid *g, const struct textgrid_col *col, u32 nr_cols)
{
	*g = (struct textgrid) { .col = col, .nr_cols = nr_cols };
}

void textgrid__add(struct textgrid *g, const char *fmt, ...)
{
	va_list args;

	g->failed = g->failed || array__reserve(g->cell, g->nr_cells, g->room, NULL);
	if (g->failed)
		return;
	va_start(args, fmt);
	vsnprintf(g->cell[g->nr_cells++], TEXTGRID_CELL, fmt, args);
	va_end(args);
}

void textgrid__ns(struct textgrid *g, u64 ns)
{
	char buf[UNITS_MAX];

	textgrid__add(g, "%s", units__ns(ns, UNITS_5, buf));
}

void textgrid__count(struct textgrid *g, u64 count)
{
	textgrid__add(g, "%llu", (unsigned long long)count);
}

void textgrid__percent(struct textgrid *g, u64 part, u64 whole)
{
	char buf[UNITS_MAX];

	textgrid__add(g, "%s", whole ? units__percent(100.0 * part / whole, UNITS_4, buf) : "-");
}

static bool same_group(const struct textgrid *g, u32 a, u32 b)
{
	return g->col[a].group && g->col[b].group && !strcmp(g->col[a].group, g->col[b].group);
}

/* Columns that are shown of the group that begins with col; *end: the last one. */
static u32 group_width(const struct textgrid *g, const u32 *width, u32 col, u32 *end)
{
	u32 total = 0;

	for (u32 i = col; i < g->nr_cols && (i == col || same_group(g, col, i)); i++) {
		if (!width[i])
			continue;
		total += width[i] + !!total;
		*end = i;
	}
	return total;
}

static u32 line_width(const struct textgrid *g, const u32 *width)
{
	u32 total = 0;

	for (u32 i = 0; i < g->nr_cols; i++)
		if (width[i])
			total += width[i] + !!total;
	return total;
}

/* Those of a rank go before text is cut below this. */
static void drop_by_rank(const struct textgrid *g, const struct screen *s, u32 *width)
{
	u32 over = width[0] > ROOM_LEFT ? width[0] - ROOM_LEFT : 0;

	while (line_width(g, width) - over > s->width) {
		u32 worst = 0;

		for (u32 i = 0; i < g->nr_cols; i++)
			if (width[i] && g->drop[i] > (width[worst] ? g->drop[worst] : 0))
				worst = i;
		if (!g->drop[worst] || !width[worst])
			return;
		width[worst] = 0;
	}
}

static void fit(const struct textgrid *g, const struct screen *s, u32 *width)
{
	u32 total, i = 0;

	if (g->drop)
		drop_by_rank(g, s, width);
	total = line_width(g, width);
	while (i < g->nr_cols && !(g->col[i].give && width[i] > MIN_LEFT))
		i++;
	if (i == g->nr_cols)
		for (i = 0; i < g->nr_cols && !(g->col[i].left && width[i] > MIN_LEFT);)
			i++;
	if (i < g->nr_cols && total > s->width) {
		u32 over = total - s->width, most = width[i] - MIN_LEFT;

		width[i] -= over < most ? over : most;
	}
	for (i = g->nr_cols; i-- > 1 && line_width(g, width) > s->width;)
		width[i] = 0;
}

/* 0: the column is not shown. */
static void textgrid__measure(const struct textgrid *g, const struct screen *s, u32 *width)
{
	u32 end = 0;

	for (u32 i = 0; i < g->nr_cols; i++) {
		width[i] = 0;
		if (s->width < g->col[i].from)
			continue;
		width[i] = screen__width(s, g->col[i].head);
		for (u32 k = i; k < g->nr_cells; k += g->nr_cols) {
			u32 need = screen__width(s, g->cell[k]);

			width[i] = need > width[i] ? need : width[i];
		}
	}
	for (u32 i = 0; i < g->nr_cols; i++) {
		u32 have = group_width(g, width, i, &end), need;

		if (!have || (i && same_group(g, i - 1, i)))
			continue;
		need = g->col[i].group ? screen__width(s, g->col[i].group) : 0;
		if (need > have)
			width[end] += need - have;
	}
	fit(g, s, width);
}

static void textgrid__print_groups(const struct textgrid *g, const struct screen *s,
				   const u32 *width)
{
	u32 pending = 0, end = 0;
	bool any = false;

	/* Blanks are printed when something comes behind them. */
	for (u32 i = 0; i < g->nr_cols; i++) {
		u32 span = group_width(g, width, i, &end);

		if (!span || (i && same_group(g, i - 1, i)))
			continue;
		if (g->col[i].group) {
			fprintf(s->out, "%*s", (int)pending, "");
			screen__field(s, g->col[i].group, span, false);
			pending = 1;
			any = true;
		} else {
			pending += span + 1;
		}
	}
	if (any)
		fputc('\n', s->out);
}

/* cell NULL: the headings. */
static void textgrid__print_line(const struct textgrid *g, const struct screen *s, const u32 *width,
				 const char (*cell)[TEXTGRID_CELL])
{
	bool first = true;
	u32 last = 0;

	for (u32 i = 0; i < g->nr_cols; i++)
		if (width[i])
			last = i;
	for (u32 i = 0; i < g->nr_cols; i++) {
		const char *text = cell ? cell[i] : g->col[i].head;
		u32 has = screen__width(s, text);
		/* No blanks at the end of lines. */
		u32 room = i == last && g->col[i].left && has < width[i] ? has : width[i];

		if (!width[i])
			continue;
		if (!first)
			fputc(' ', s->out);
		screen__field(s, text, room, g->col[i].left);
		first = false;
	}
	fputc('\n', s->out);
}

int textgrid__finish(struct textgrid *g, const struct screen *s)
{
	u32 width[TEXTGRID_MAX];

	if (!g->failed && g->nr_cols <= TEXTGRID_MAX) {
		textgrid__measure(g, s, width);
		textgrid__print_groups(g, s, width);
		textgrid__print_line(g, s, width, NULL);
		for (u32 i = 0; i + g->nr_cols <= g->nr_cells; i += g->nr_cols)
			textgrid__print_line(g, s, width,
					     (const char(*)[TEXTGRID_CELL]) & g->cell[i]);
	}
	free(g->cell);
	g->cell = NULL;
	return g->failed ? -1 : 0;
}
