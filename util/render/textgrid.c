// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/events.h"
#include "util/memory.h"
#include "util/render/textgrid.h"
#include "util/render/units.h"

#define MIN_LEFT	8	/* columns that text is not cut below */
#define ROOM_LEFT	48	/* above which it is cut sooner than columns are dropped */
#define GROUP_MAX	80	/* bytes of a group's name with the unit */

/* What becomes of the columns: on this screen, with these cells. */
struct grid_layout {
	struct textgrid_col col[TEXTGRID_MAX];
	struct unit_scale scale[TEXTGRID_MAX];
	char group[TEXTGRID_MAX][GROUP_MAX];
	u32 width[TEXTGRID_MAX];	/* 0: not shown */
};

void textgrid__init(struct textgrid *g, const struct textgrid_col *col, u32 nr_cols)
{
	*g = (struct textgrid) { .col = col, .nr_cols = nr_cols };
}

static void add_cell(struct textgrid *g, char *text, u64 ns)
{
	g->failed = g->failed || array__reserve(g->cell, g->nr_cells, g->room, NULL);
	if (g->failed)
		free(text);
	else
		g->cell[g->nr_cells++] = (struct textgrid_cell) { text, ns };
}

void textgrid__add(struct textgrid *g, const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0) {
		text = NULL;
		if (!g->failed)
			out_of_memory();
		g->failed = true;
	}
	va_end(args);
	if (text)
		add_cell(g, text, 0);
}

void textgrid__ns(struct textgrid *g, u64 ns)
{
	add_cell(g, NULL, ns);
}

void textgrid__count(struct textgrid *g, u64 count)
{
	textgrid__add(g, "%llu", (unsigned long long)count);
}

void textgrid__percent(struct textgrid *g, u64 part, u64 whole)
{
	char buf[UNITS_MAX];

	textgrid__add(g, "%s", whole ? units__percent(100.0 * part / whole, UNITS_2, buf) : "-");
}

static const char *cell_text(const struct textgrid *g, const struct grid_layout *l, u32 cell,
			     char *buf)
{
	const struct textgrid_cell *c = &g->cell[cell];

	return c->text ?: units__scaled(c->ns, &l->scale[cell % g->nr_cols], buf);
}

static bool same_name(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool has_durations(const struct textgrid *g, u32 col)
{
	for (u32 i = col; i < g->nr_cells; i += g->nr_cols)
		if (!g->cell[i].text)
			return true;
	return false;
}

static bool same_unit(const struct textgrid *g, u32 a, u32 b)
{
	return g->col[a].sum == g->col[b].sum && same_name(g->col[a].group, g->col[b].group) &&
	       has_durations(g, b);
}

/* Of columns [from, to), which have the same. */
static struct unit_scale choose_unit(const struct textgrid *g, u32 from, u32 to)
{
	u64 least = KVMW_NONE, greatest = 0;

	for (u32 i = 0; i < g->nr_cells; i++) {
		u64 ns = g->cell[i].ns;

		if (i % g->nr_cols < from || i % g->nr_cols >= to || g->cell[i].text ||
		    ns == KVMW_NONE)
			continue;
		least = ns < least ? ns : least;
		greatest = ns > greatest ? ns : greatest;
	}
	return g->col[from].sum ? units__of_sums(greatest) : units__common(least, greatest);
}

static void choose_units(const struct textgrid *g, struct grid_layout *l)
{
	for (u32 i = 0, end; i < g->nr_cols; i = end) {
		const struct textgrid_col *col = &g->col[i];
		struct unit_scale scale;

		end = i + 1;
		if (!has_durations(g, i))
			continue;
		while (end < g->nr_cols && same_unit(g, i, end))
			end++;
		scale = choose_unit(g, i, end);
		for (u32 k = i; k < end; k++) {
			snprintf(l->group[k], sizeof(l->group[k]), "%s%s%s", col->group ?: "",
				 col->group ? ", " : "", scale.name);
			l->col[k].group = l->group[k];
			l->scale[k] = scale;
		}
	}
}

static bool has_news(const struct textgrid *g, const struct grid_layout *l, u32 col)
{
	char buf[UNITS_MAX];

	for (u32 i = col; i < g->nr_cells; i += g->nr_cols) {
		const char *text = cell_text(g, l, i, buf);

		if (text[strspn(text, "0.%- ")])
			return true;
	}
	return false;
}

static bool same_group(const struct grid_layout *l, u32 a, u32 b)
{
	return l->col[a].group && same_name(l->col[a].group, l->col[b].group);
}

/* Columns that are shown of the group that begins with col; *first: the first one of them. */
static u32 group_width(const struct textgrid *g, const struct grid_layout *l, u32 col, u32 *first)
{
	u32 total = 0;

	for (u32 i = col; i < g->nr_cols && (i == col || same_group(l, col, i)); i++) {
		if (!l->width[i])
			continue;
		if (!total)
			*first = i;
		total += l->width[i] + !!total;
	}
	return total;
}

/* A name that is wider than its columns gets room in the first one. */
static void widen_groups(const struct textgrid *g, const struct screen *s, struct grid_layout *l)
{
	u32 first = 0;

	for (u32 i = 0; i < g->nr_cols; i++) {
		u32 have = group_width(g, l, i, &first), need;

		if (!have || (i && same_group(l, i - 1, i)))
			continue;
		need = l->col[i].group ? screen__width(s, l->col[i].group) : 0;
		if (need > have)
			l->width[first] += need - have;
	}
}

static u32 line_width(const struct textgrid *g, const struct screen *s, const struct grid_layout *l)
{
	struct grid_layout wide = *l;
	u32 total = 0;

	widen_groups(g, s, &wide);
	for (u32 i = 0; i < g->nr_cols; i++)
		if (wide.width[i])
			total += wide.width[i] + !!total;
	return total;
}

/* The column that shrinks first: nr_cols: none. */
static u32 giving(const struct textgrid *g, const struct grid_layout *l)
{
	for (u32 i = 0; i < g->nr_cols; i++)
		if (l->col[i].give && l->width[i] > MIN_LEFT)
			return i;
	for (u32 i = 0; i < g->nr_cols; i++)
		if (l->col[i].left && l->width[i] > MIN_LEFT)
			return i;
	return g->nr_cols;
}

/* With those before that it belongs to. */
static void drop_column(const struct textgrid *g, struct grid_layout *l, u32 col)
{
	l->width[col] = 0;
	while (col && g->col[col].with_last)
		l->width[--col] = 0;
}

/* Those of a rank go before text is cut below ROOM_LEFT. */
static void drop_by_rank(const struct textgrid *g, const struct screen *s, struct grid_layout *l)
{
	u32 give = giving(g, l);
	u32 over = give < g->nr_cols && l->width[give] > ROOM_LEFT ? l->width[give] - ROOM_LEFT : 0;

	while (line_width(g, s, l) - over > s->width) {
		u32 worst = g->nr_cols;

		for (u32 i = 0; i < g->nr_cols; i++)
			if (l->width[i] && g->drop[i] &&
			    (worst == g->nr_cols || g->drop[i] >= g->drop[worst]))
				worst = i;
		if (worst == g->nr_cols)
			return;
		drop_column(g, l, worst);
	}
}

static void fit(const struct textgrid *g, const struct screen *s, struct grid_layout *l)
{
	u32 total, give;

	if (g->drop)
		drop_by_rank(g, s, l);
	total = line_width(g, s, l);
	give = giving(g, l);
	if (give < g->nr_cols && total > s->width) {
		u32 over = total - s->width, most = l->width[give] - MIN_LEFT;

		l->width[give] -= over < most ? over : most;
	}
	for (u32 i = g->nr_cols; i-- > 1 && line_width(g, s, l) > s->width;)
		drop_column(g, l, i);
	widen_groups(g, s, l);
}

static void textgrid__measure(const struct textgrid *g, const struct screen *s,
			      struct grid_layout *l)
{
	char buf[UNITS_MAX];

	for (u32 i = 0; i < g->nr_cols; i++) {
		l->width[i] = 0;
		if (s->width < g->col[i].from ||
		    (g->col[i].dull && !(g->parts && g->parts->width[i]) && !has_news(g, l, i)))
			continue;
		l->width[i] = screen__width(s, g->col[i].head);
		if (g->parts && g->parts->width[i] > l->width[i])
			l->width[i] = g->parts->width[i];
		for (u32 k = i; k < g->nr_cells; k += g->nr_cols) {
			u32 need = screen__width(s, cell_text(g, l, k, buf));

			l->width[i] = need > l->width[i] ? need : l->width[i];
		}
	}
	fit(g, s, l);
}

static void textgrid__print_groups(const struct textgrid *g, const struct screen *s,
				   const struct grid_layout *l)
{
	u32 pending = 0, first = 0;
	bool any = false;

	/* Blanks are printed when something comes behind them. */
	for (u32 i = 0; i < g->nr_cols; i++) {
		u32 span = group_width(g, l, i, &first);

		if (!span || (i && same_group(l, i - 1, i)))
			continue;
		if (l->col[i].group) {
			fprintf(s->out, "%*s", (int)pending, "");
			if (l->col[i].left) {
				screen__text(s, l->col[i].group);
				pending = 1 + span - screen__width(s, l->col[i].group);
			} else {
				screen__field(s, l->col[i].group, span, false);
				pending = 1;
			}
			any = true;
		} else {
			pending += span + 1;
		}
	}
	if (any)
		fputc('\n', s->out);
}

/* The row that begins with this cell; nr_cells: the headings. */
static void textgrid__print_line(const struct textgrid *g, const struct screen *s,
				 const struct grid_layout *l, u32 cell)
{
	bool first = true;
	char buf[UNITS_MAX];
	u32 last = 0;

	for (u32 i = 0; i < g->nr_cols; i++)
		if (l->width[i] &&
		    *(cell < g->nr_cells ? cell_text(g, l, cell + i, buf) : g->col[i].head))
			last = i;
	for (u32 i = 0; i <= last; i++) {
		const char *text =
			cell < g->nr_cells ? cell_text(g, l, cell + i, buf) : g->col[i].head;
		u32 has = screen__width(s, text);
		/* No blanks at the end of lines. */
		u32 room = i == last && g->col[i].left && has < l->width[i] ? has : l->width[i];

		if (!l->width[i] || (i == last && !room))
			continue;
		if (!first)
			fputc(' ', s->out);
		screen__field(s, text, room, g->col[i].left);
		first = false;
	}
	fputc('\n', s->out);
}

/* Whether the headings above do for this part, too. */
static bool continues(const struct textgrid *g, const struct grid_layout *l)
{
	struct textgrid_parts *parts = g->parts;
	bool same = parts && parts->nr && parts->nr < TEXTGRID_PARTS;

	if (!parts)
		return false;
	for (u32 i = 0; i < g->nr_cols; i++) {
		same &= !parts->width[i] == !l->width[i];
		parts->width[i] = l->width[i];
	}
	parts->nr = same ? parts->nr + 1 : 1;
	return same;
}

int textgrid__finish(struct textgrid *g, const struct screen *s)
{
	struct grid_layout l = { .col = { { 0 } } };

	if (!g->failed && g->nr_cols <= TEXTGRID_MAX) {
		memcpy(l.col, g->col, g->nr_cols * sizeof(*g->col));
		choose_units(g, &l);
		textgrid__measure(g, s, &l);
		for (u32 i = 0; i < g->nr_cols; i++)
			g->shown |= l.width[i] ? 1ULL << i : 0;
		if (!continues(g, &l)) {
			textgrid__print_groups(g, s, &l);
			textgrid__print_line(g, s, &l, g->nr_cells);
		}
		for (u32 i = 0; i + g->nr_cols <= g->nr_cells; i += g->nr_cols)
			textgrid__print_line(g, s, &l, i);
	}
	for (u32 i = 0; i < g->nr_cells; i++)
		free(g->cell[i].text);
	free(g->cell);
	g->cell = NULL;
	g->nr_cells = 0;
	return g->failed ? -1 : 0;
}
