// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "util/render/top.h"
#include "util/render/units.h"

#define NAME_MIN	12
#define NAME_MAX	40

static const char *const level_names[NR_TOP_LEVELS] = {
	[TOP_VMS] = "VM", [TOP_VCPUS] = "vCPU", [TOP_REASONS] = "exit reason", [TOP_DETAILS] = "detail",
};

/* Between the name and the sparks; from: on screens of at least this width. */
static const struct top_cell {
	const char *head, *counted_head;	/* the latter: of kvmw stat; NULL: the same */
	u8 width, from;
	enum { CELL_RATE, CELL_COUNT, CELL_SHARE, CELL_MEAN, CELL_P99 } is;
	enum top_part part;			/* of CELL_SHARE */
} cells[] = {
	{ "exits", NULL, 10, 130, CELL_COUNT, 0 },
	{ "exits/s", NULL, 10, 0, CELL_RATE, 0 },
	{ "guest", NULL, 6, 0, CELL_SHARE, TOP_GUEST },
	{ "KVM", NULL, 6, 0, CELL_SHARE, TOP_KVM },
	{ "VMM", NULL, 6, 0, CELL_SHARE, TOP_VMM },
	{ "poll", NULL, 6, 100, CELL_SHARE, TOP_POLL },
	{ "halt", NULL, 6, 0, CELL_SHARE, TOP_HALT },
	{ "wait", NULL, 6, 0, CELL_SHARE, TOP_WAIT },
	{ "throttled", NULL, 10, 130, CELL_SHARE, TOP_THROTTLED },
	{ "block", NULL, 6, 100, CELL_SHARE, TOP_BLOCK },
	{ "mean", NULL, 7, 70, CELL_MEAN, 0 },
	{ "p99", "p99 <", 7, 0, CELL_P99, 0 },
};

static bool has_cell(const struct screen *s, const struct top_cell *cell)
{
	return s->width >= cell->from;
}

static u32 nr_sparks(const struct screen *s)
{
	return s->width >= 150 ? TOP_STEPS : s->width >= 100 ? 16 : s->width >= 80 ? 8 : 0;
}

/* All that is left, but not the whole of a wide screen. */
static u32 name_width(const struct screen *s)
{
	u32 used = nr_sparks(s) ? nr_sparks(s) + 1 : 0, width;

	for (u32 i = 0; i < ARRAY_SIZE(cells); i++)
		used += has_cell(s, &cells[i]) ? cells[i].width : 0;
	width = s->width > used + NAME_MIN ? s->width - used : NAME_MIN;
	return width < NAME_MAX ? width : NAME_MAX;
}

static void render_top__print_line(const struct screen *s, const char *text)
{
	if (screen__width(s, text) > s->width)
		screen__field(s, text, s->width, true);
	else
		screen__text(s, text);
	fputc('\n', s->out);
}

/* ---- the head ----------------------------------------------------------------- */

static void add_words(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void add_words(char *buf, size_t size, const char *fmt, ...)
{
	size_t len = strlen(buf);
	va_list args;

	va_start(args, fmt);
	vsnprintf(buf + len, size - len, fmt, args);
	va_end(args);
}

static const char *text_of_rate(double rate, char *buf)
{
	snprintf(buf, UNITS_MAX, "%.*f", rate < 9.95, rate);
	return buf;
}

static const char *text_of_share(double share, char *buf)
{
	return share < 0 ? "-" : units__percent(share, UNITS_2, buf);
}

static const char *event_noun(const struct top *top)
{
	return top->event == KVMW_EVENT_USERSPACE ? "returns" : "exits";
}

static void print_sums(const struct screen *s, const struct top_page *page)
{
	const struct top *top = page->top;
	u32 vms = top->nr_vms, vcpus = top->nr_vcpus;
	char line[256], rate[UNITS_MAX];

	snprintf(line, sizeof(line), "kvmw top  %.1f s  %u VM%s  %u vCPU%s  %s %s/s", top->end_ns / 1e9, vms,
		 vms == 1 ? "" : "s", vcpus, vcpus == 1 ? "" : "s", text_of_rate(top->total.per_second, rate),
		 event_noun(top));
	if (*page->state)
		add_words(line, sizeof(line), "  [%s]", page->state);
	render_top__print_line(s, line);
}

static void print_whole(const struct screen *s, const struct top *top)
{
	static const struct { const char *name; enum top_part part; bool seldom; } parts[] = {
		{ "guest", TOP_GUEST, false }, { "KVM", TOP_KVM, false }, { "VMM", TOP_VMM, false },
		{ "halted", TOP_HALT, false }, { "polling", TOP_POLL, true }, { "waiting", TOP_WAIT, false },
		{ "throttled", TOP_THROTTLED, true }, { "blocked", TOP_BLOCK, true },
	};
	const struct top_row *total = &top->total;
	char line[320] = "", buf[UNITS_MAX];

	for (u32 i = 0; i < ARRAY_SIZE(parts); i++) {
		double share = top_row__share(total, parts[i].part);

		if (share < 0 || (parts[i].seldom && share < 0.05))
			continue;
		add_words(line, sizeof(line), "%s%s %s", *line ? "  " : "% of vCPU time: ", parts[i].name,
			  text_of_share(share, buf));
	}
	render_top__print_line(s, *line ? line : top->nr_vcpus ? "no exit began" : "no vCPU ran");
}

/* "4711 debian12 / vCPU 0 / io"; without a row, it is gone. */
static void name_place(const struct top *top, const struct top_choice *choice, char *buf, size_t size)
{
	*buf = '\0';
	for (u32 level = TOP_VMS; level < choice->level; level++) {
		const struct top_key key = top_key__at(&choice->within, level);
		const struct top_row *row = hash_table__find(&top->rows, &key);

		add_words(buf, size, "%s%s%s", level ? " / " : "", level == TOP_VCPUS ? "vCPU " : "",
			  row ? row->label : "gone");
	}
}

static void print_place(const struct screen *s, const struct top_page *page)
{
	const struct top_choice *choice = page->choice;
	char line[3 * REPORT_LABEL_MAX + 160], place[3 * REPORT_LABEL_MAX];

	name_place(page->top, choice, place, sizeof(place));
	snprintf(line, sizeof(line), "%s%sby %s", place, *place ? ": " : "", top_column__name(choice->sort));
	if (*choice->filter)
		add_words(line, sizeof(line), ", only '%s' (%u of %u)", choice->filter, page->list->nr,
			  page->list->nr + page->list->left_out);
	if (page->top->over_limit)
		add_words(line, sizeof(line), "; more different rows than are kept");
	render_top__print_line(s, line);
}

void render__top_head(const struct screen *s, const struct top_page *page)
{
	print_sums(s, page);
	print_whole(s, page->top);
	print_place(s, page);
}

/* ---- rows ---------------------------------------------------------------------- */

static const char *head_of(const struct top *top, const struct top_cell *cell)
{
	if (top->event == KVMW_EVENT_USERSPACE && cell->is <= CELL_COUNT)
		return cell->is == CELL_RATE ? "returns/s" : "returns";
	return top->counted && cell->counted_head ? cell->counted_head : cell->head;
}

void render__top_columns(const struct screen *s, const struct top_page *page)
{
	const struct top *top = page->top;

	screen__field(s, level_names[page->choice->level], name_width(s), true);
	for (u32 i = 0; i < ARRAY_SIZE(cells); i++)
		if (has_cell(s, &cells[i]))
			screen__field(s, head_of(top, &cells[i]), cells[i].width, false);
	fputs(nr_sparks(s) ? " rate\n" : "\n", s->out);
}

static const char *render_top__cell_text(const struct top_row *row, const struct top_cell *cell, char *buf)
{
	switch (cell->is) {
	case CELL_COUNT:
		snprintf(buf, UNITS_MAX, "%llu", (unsigned long long)row->count);
		return buf;
	case CELL_RATE:
		return text_of_rate(row->per_second, buf);
	case CELL_SHARE:
		return text_of_share(top_row__share(row, cell->part), buf);
	default:
		return units__ns(cell->is == CELL_MEAN ? row->mean_ns : row->p99_ns, UNITS_2, buf);
	}
}

/* The newest is to the right. */
static void print_sparks(const struct screen *s, const struct top *top, const struct top_row *row)
{
	u32 nr = nr_sparks(s);
	double most = 0;

	fputc(' ', s->out);
	for (u32 ago = 0; ago < nr; ago++)
		most = top_row__past(top, row, ago) > most ? top_row__past(top, row, ago) : most;
	for (u32 ago = nr; ago-- > 0;) {
		double rate = top_row__past(top, row, ago);
		u64 height = rate > 0 ? 1 + 999 * (rate / most) : 0;

		fputs(screen__block(s, height, 1000), s->out);
	}
}

void render__top_row(const struct screen *s, const struct top_page *page, const struct top_row *row, u32 indent)
{
	char buf[UNITS_MAX];

	fprintf(s->out, "%*s", (int)indent, "");
	screen__field(s, row->label, name_width(s) - indent, true);
	for (u32 i = 0; i < ARRAY_SIZE(cells); i++)
		if (has_cell(s, &cells[i]))
			screen__field(s, render_top__cell_text(row, &cells[i], buf), cells[i].width, false);
	if (nr_sparks(s))
		print_sparks(s, page->top, row);
	fputc('\n', s->out);
}

void render__top_findings(const struct screen *s, const struct top *top)
{
	for (u32 i = 0; i < top->findings.nr; i++)
		screen__wrap(s, "=> ", "   ", top->findings.found[i].text);
	if (*top->findings.wait)
		screen__wrap(s, "-> ", "   ", top->findings.wait);
}

/* ---- a log --------------------------------------------------------------------- */

/* NOLINTNEXTLINE(misc-no-recursion): as deep as there are levels */
static void print_level(const struct screen *s, const struct top_page *page, const struct top_list *levels,
			const struct top_key *within, enum top_level level, enum top_level deepest)
{
	struct top_list list = top__below(&levels[level], level, within);

	/* Of most reasons there is nothing to tell. */
	if (level == TOP_DETAILS && list.nr == 1 && !strcmp(list.row[0]->label, "-"))
		list.nr = 0;
	for (u32 i = 0; i < list.nr; i++) {
		render__top_row(s, page, list.row[i], 2 * level);
		if (level < deepest)
			print_level(s, page, levels, &list.row[i]->key, level + 1, deepest);
	}
}

/* Rows of each level are sorted once: of thousands of vCPUs each would look for its own among all. */
static int print_levels(const struct screen *s, const struct top_page *page, enum top_level deepest)
{
	struct top_list levels[NR_TOP_LEVELS] = { { .nr = 0 } };
	int ret = 0;

	for (u32 level = TOP_VMS; level <= deepest && !ret; level++)
		ret = top__list_level(page->top, level, page->choice->sort, &levels[level]);
	if (!ret)
		print_level(s, page, levels, &page->choice->within, TOP_VMS, deepest);
	for (u32 level = TOP_VMS; level <= deepest; level++)
		free(levels[level].row);
	return ret;
}

int render__top_batch(const struct screen *s, const struct top *top, enum top_level deepest, enum top_column sort)
{
	const struct top_choice choice = { .within = top_key__none(), .sort = sort, .filter = "" };
	const struct top_list none = { .nr = 0 };
	const struct top_page page = { .top = top, .choice = &choice, .list = &none, .state = "" };
	int ret;

	render__top_head(s, &page);
	render__top_columns(s, &page);
	ret = print_levels(s, &page, deepest);
	render__top_findings(s, top);
	fputc('\n', s->out);
	return ret;
}
