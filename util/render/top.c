// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "util/render/top.h"
#include "util/render/units.h"

#define NAME_MIN	12
#define NAME_MAX	48
#define SPARKS_MIN	6

static const char *const level_names[NR_TOP_LEVELS] = {
	[TOP_VMS] = "VM", [TOP_VCPUS] = "vCPU", [TOP_REASONS] = "reason", [TOP_DETAILS] = "detail",
};

/* Between the name and the sparks; from: on screens of at least this width. */
static const struct top_cell {
	const char *head, *counted_head;	/* the latter: of kvmw stat; NULL: the same */
	const char *return_head;		/* of returns to the VMM; NULL: they have none */
	u8 width, from;
	enum { CELL_RATE, CELL_COUNT, CELL_SHARE, CELL_MEAN, CELL_P99 } is;
	enum top_part part;			/* of CELL_SHARE */
	enum top_column sort;
} cells[] = {
	{ "exits", NULL, "returns", 10, 130, CELL_COUNT, 0, TOP_BY_RATE },
	{ "exits/s", NULL, "returns/s", 10, 0, CELL_RATE, 0, TOP_BY_RATE },
	{ "guest", NULL, "KVM_RUN", 6, 0, CELL_SHARE, TOP_GUEST, TOP_BY_GUEST },
	{ "KVM", NULL, NULL, 6, 0, CELL_SHARE, TOP_KVM, TOP_BY_KVM },
	{ "VMM", NULL, "VMM", 6, 0, CELL_SHARE, TOP_VMM, TOP_BY_VMM },
	{ "poll", NULL, NULL, 6, 100, CELL_SHARE, TOP_POLL, TOP_BY_POLL },
	{ "halt", NULL, NULL, 6, 0, CELL_SHARE, TOP_HALT, TOP_BY_HALT },
	{ "wait", NULL, NULL, 6, 0, CELL_SHARE, TOP_WAIT, TOP_BY_WAIT },
	{ "throttled", NULL, NULL, 10, 130, CELL_SHARE, TOP_THROTTLED, TOP_BY_THROTTLED },
	{ "block", NULL, NULL, 6, 100, CELL_SHARE, TOP_BLOCK, TOP_BY_BLOCK },
	{ "mean", NULL, "mean", 7, 70, CELL_MEAN, 0, TOP_BY_MEAN },
	{ "p99", "p99 <", "p99", 7, 0, CELL_P99, 0, TOP_BY_P99 },
};

static bool of_returns(const struct top *top)
{
	return top->event == KVMW_EVENT_USERSPACE;
}

/* Time in the guest is of no exit reason; a log has VMs, too. Histograms are of exits alone. */
static bool has_cell(const struct screen *s, const struct top_page *page,
		     const struct top_cell *cell)
{
	if (s->width < cell->from || (of_returns(page->top) && !cell->return_head))
		return false;
	if (of_returns(page->top) && page->top->counted &&
	    (cell->is == CELL_MEAN || cell->is == CELL_P99))
		return false;
	return cell->part != TOP_GUEST || cell->is != CELL_SHARE ||
	       page->choice->level < TOP_REASONS;
}

static u32 cell_width(const struct top_page *page, const struct top_cell *cell)
{
	return of_returns(page->top) && cell->is == CELL_SHARE ? 9 : cell->width;
}

bool render__top_has(const struct screen *s, const struct top_page *page, enum top_column column)
{
	for (u32 i = 0; i < ARRAY_SIZE(cells); i++)
		if (cells[i].sort == column && has_cell(s, page, &cells[i]))
			return true;
	return column == TOP_BY_NAME;
}

/* What is left beside the cells. */
static u32 room_of(const struct screen *s, const struct top_page *page)
{
	u32 used = 0;

	for (u32 i = 0; i < ARRAY_SIZE(cells); i++)
		used += has_cell(s, page, &cells[i]) ? cell_width(page, &cells[i]) : 0;
	return s->width > used + NAME_MIN ? s->width - used : NAME_MIN;
}

/* A name says more than its sparks do. */
static u32 nr_sparks(const struct screen *s, const struct top_page *page)
{
	static const u8 names[NR_TOP_LEVELS] = {
		[TOP_VMS] = 17, [TOP_VCPUS] = 17, [TOP_REASONS] = 20, [TOP_DETAILS] = 40,
	};
	u32 most = s->width >= 150 ? TOP_STEPS : s->width >= 100 ? 16 : 8;
	u32 name = names[page->log ? page->deepest : page->choice->level] +
		   (page->log ? 2 * page->deepest : 0);
	u32 room = room_of(s, page), left = room > name ? room - name - 1 : 0;

	left = left < most ? left : most;
	return left < SPARKS_MIN ? 0 : left;
}

/* All that is left, but not the whole of a wide screen. */
static u32 name_width(const struct screen *s, const struct top_page *page)
{
	u32 sparks = nr_sparks(s, page), width = room_of(s, page) - (sparks ? sparks + 1 : 0);

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

static void add_words(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
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

/* A log may go on for days. */
static const char *clock_of(const struct top_page *page, char *buf, size_t size)
{
	u64 ns = page->top->end_realtime_ns;

	*buf = '\0';
	if (ns)
		recording__local_time(ns, page->log ? "  " TIME_AS_TYPED : "  %T", buf, size);
	return buf;
}

static void print_sums(const struct screen *s, const struct top_page *page)
{
	const struct top *top = page->top;
	u32 vms = top->nr_vms, vcpus = top->nr_vcpus;
	char line[256], rate[UNITS_MAX], at[40];

	snprintf(line, sizeof(line), "kvmw top%s", clock_of(page, at, sizeof(at)));
	/* At the end it would be cut. */
	if (*page->state)
		add_words(line, sizeof(line), "  [%s]", page->state);
	add_words(line, sizeof(line), "  %.1f s  %u VM%s  %u vCPU%s  %s %s/s", top->end_ns / 1e9,
		  vms, vms == 1 ? "" : "s", vcpus, vcpus == 1 ? "" : "s",
		  text_of_rate(top->total.per_second, rate), of_returns(top) ? "returns" : "exits");
	render_top__print_line(s, line);
}

static void print_whole(const struct screen *s, const struct top *top)
{
	static const struct { const char *name; enum top_part part; bool seldom; } parts[] = {
		{ "guest", TOP_GUEST, false }, { "KVM", TOP_KVM, false }, { "VMM", TOP_VMM, false },
		{ "poll", TOP_POLL, true }, { "halt", TOP_HALT, false }, { "wait", TOP_WAIT, false },
		{ "throttled", TOP_THROTTLED, true }, { "block", TOP_BLOCK, true },
	};
	const struct top_row *total = &top->total;
	char line[320] = "", buf[UNITS_MAX];

	for (u32 i = 0; i < ARRAY_SIZE(parts); i++) {
		double share = top_row__share(total, parts[i].part);

		if (share < 0 || (parts[i].seldom && share < 0.05))
			continue;
		add_words(line, sizeof(line), "%s%s %s", *line ? "  " : "% of vCPU time: ",
			  of_returns(top) && parts[i].part == TOP_GUEST ? "KVM_RUN" : parts[i].name,
			  text_of_share(share, buf));
	}
	render_top__print_line(s, *line ? line : top->nr_vcpus ? "no exit began" : "no vCPU ran");
}

/* "4711 debian12 / vCPU 0 / io"; without a row, it is gone. */
static void name_place(const struct top *top, const struct top_choice *choice, char *buf,
		       size_t size)
{
	*buf = '\0';
	for (u32 level = TOP_VMS; level < choice->level; level++) {
		const struct top_key key = top_key__at(&choice->within, level);
		const struct top_row *row = hash_table__find(&top->rows, &key);

		add_words(buf, size, "%s%s%s", level ? " / " : "",
			  level == TOP_VCPUS ? "vCPU " : "", row ? row->label : "gone");
	}
}

static const char *name_of_order(const struct top *top, enum top_column column)
{
	return !of_returns(top) || column > TOP_BY_GUEST ? top_column__name(column) :
	       column == TOP_BY_GUEST ? "KVM_RUN" : "returns";
}

static void print_place(const struct screen *s, const struct top_page *page)
{
	const struct top_choice *choice = page->choice;
	char line[3 * REPORT_LABEL_MAX + 160], place[3 * REPORT_LABEL_MAX];

	name_place(page->top, choice, place, sizeof(place));
	snprintf(line, sizeof(line), "%s%sby %s", place, *place ? ": " : "",
		 name_of_order(page->top, choice->sort));
	if (choice->reverse)
		add_words(line, sizeof(line), ", reversed");
	if (*choice->filter)
		add_words(line, sizeof(line), ", only '%s' (%u of %u)", choice->filter,
			  page->list->nr, page->list->nr + page->list->left_out);
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
	if (top->counted && cell->counted_head)
		return cell->counted_head;
	return of_returns(top) ? cell->return_head : cell->head;
}

void render__top_columns(const struct screen *s, const struct top_page *page)
{
	char names[64] = "";

	/* A log has those of several levels, one below the other. */
	for (u32 level = page->choice->level;
	     level <= (page->log ? page->deepest : page->choice->level); level++)
		add_words(names, sizeof(names), "%s%s", *names ? "/" : "", level_names[level]);
	screen__field(s, names, name_width(s, page), true);
	for (u32 i = 0; i < ARRAY_SIZE(cells); i++)
		if (has_cell(s, page, &cells[i]))
			screen__field(s, head_of(page->top, &cells[i]), cell_width(page, &cells[i]),
				      false);
	fputs(nr_sparks(s, page) ? " rate\n" : "\n", s->out);
}

static const char *render_top__cell_text(const struct top_row *row, const struct top_cell *cell,
					 char *buf)
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
static void print_sparks(const struct screen *s, const struct top *top, const struct top_row *row,
			 u32 nr)
{
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

void render__top_row(const struct screen *s, const struct top_page *page, const struct top_row *row,
		     u32 indent)
{
	u32 sparks = nr_sparks(s, page);
	char buf[UNITS_MAX];

	fprintf(s->out, "%*s", (int)indent, "");
	screen__field(s, row->label, name_width(s, page) - indent, true);
	for (u32 i = 0; i < ARRAY_SIZE(cells); i++) {
		const char *text = render_top__cell_text(row, &cells[i], buf);

		if (has_cell(s, page, &cells[i]))
			screen__field(s, text, cell_width(page, &cells[i]), false);
	}
	if (sparks)
		print_sparks(s, page->top, row, sparks);
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
static void print_level(const struct screen *s, const struct top_page *page,
			const struct top_list *levels, const struct top_key *within,
			enum top_level level, enum top_level deepest)
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

/* Rows of each level are sorted once: of thousands, each vCPU would look for its own among all. */
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

int render__top_batch(const struct screen *s, const struct top *top, enum top_level deepest,
		      enum top_column sort)
{
	const struct top_choice choice = { .within = top_key__none(), .sort = sort, .filter = "" };
	const struct top_list none = { .nr = 0 };
	const struct top_page page = { .top = top, .choice = &choice, .list = &none, .state = "",
				       .log = true, .deepest = deepest };
	int ret;

	render__top_head(s, &page);
	render__top_columns(s, &page);
	ret = print_levels(s, &page, deepest);
	render__top_findings(s, top);
	fputc('\n', s->out);
	return ret;
}
