// SPDX-License-Identifier: GPL-2.0
/* kvmw top: the screen, and what keys do. */
#include <ctype.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builtin-snapshot.h"
#include "builtin-top.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/render/top.h"

#define MIN_WIDTH	((u32)SCREEN_MIN)
#define MIN_HEIGHT	10u
#define LOG_WIDTH	120	/* of lines that are neither for a terminal nor for $COLUMNS */

/* None is wider than the narrowest screen. */
static const char *const help_lines[] = {
	"Up Down PgUp PgDn Home End  choose a row",
	"Enter Right                 open it: vCPUs, reasons, details",
	"Esc Left Backspace          go back",
	"< > s                       sort by another column",
	"r                           reverse the order",
	"/                           filter names; Esc removes the filter",
	"p Space                     pause, continue",
	"S                           ask kvmw record --keep for a snapshot",
	"h ? F1                      this help; any key closes it",
	"q F10                       quit",
	"",
	"guest or KVM_RUN, KVM, VMM, poll, halt, wait, throttled,",
	"block: % of the time of the row's vCPUs. halt contains",
	"poll, wait contains throttled; - is unknown.",
	"mean, p99: from exit to entry, of cycles that ended in",
	"this interval; 'p99 <': an upper bound. rate: that of the",
	"last intervals, the newest on the right.",
};

/* ---- lines -------------------------------------------------------------------- */

/* Text that is printed into memory, to be drawn line by line. */
struct drawing {
	struct screen s;
	char *text;
	size_t size;
};

static int drawing__begin(struct drawing *d, const struct top_ui *ui, u32 width)
{
	*d = (struct drawing) { .s = { .width = width, .utf8 = ui->screen.utf8 } };
	d->s.out = open_memstream(&d->text, &d->size);
	return d->s.out ? 0 : out_of_memory();
}

/* Draws up to nr lines from y on; how many there were. */
static u32 drawing__end(struct drawing *d, u32 y, u32 nr, enum terminal_style style)
{
	char *next, *line;
	u32 drawn = 0;

	if (fclose(d->s.out)) {
		free(d->text);
		return 0;
	}
	next = d->text;
	while (drawn < nr && (line = strsep(&next, "\n")) && (*line || next))
		terminal__line(y + drawn++, line, style);
	free(d->text);
	return drawn;
}

/* ---- the screen ----------------------------------------------------------------- */

static u32 cursor_in(const struct top_ui *ui, const struct top_list *list)
{
	for (u32 i = 0; i < list->nr; i++)
		if (!memcmp(&list->row[i]->key, &ui->cursor, sizeof(ui->cursor)))
			return i;
	return 0;
}

static const char *top_ui__state_of(const struct top_ui *ui)
{
	return ui->over ? "end of the recording" : ui->paused ? "paused" : "";
}

static int draw_head(struct top_ui *ui, const struct top_page *page, u32 width)
{
	struct drawing d;

	if (drawing__begin(&d, ui, width))
		return -1;
	render__top_head(&d.s, page);
	drawing__end(&d, 0, TOP_HEAD_LINES, TERMINAL_PLAIN);
	if (drawing__begin(&d, ui, width))
		return -1;
	render__top_columns(&d.s, page);
	drawing__end(&d, TOP_HEAD_LINES, 1, TERMINAL_HEAD);
	return 0;
}

static int draw_rows(struct top_ui *ui, const struct top_page *page, u32 y, u32 end, u32 width)
{
	u32 cursor = cursor_in(ui, page->list), nr = end - y;

	if (cursor < ui->first)
		ui->first = cursor;
	if (cursor >= ui->first + nr)
		ui->first = cursor - nr + 1;
	for (u32 i = 0; i < nr; i++) {
		struct drawing d;
		bool there = ui->first + i < page->list->nr;

		if (drawing__begin(&d, ui, width))
			return -1;
		if (there)
			render__top_row(&d.s, page, page->list->row[ui->first + i], 0);
		else
			fputc('\n', d.s.out);
		drawing__end(&d, y + i, 1,
			     there && ui->first + i == cursor ? TERMINAL_CHOSEN : TERMINAL_PLAIN);
	}
	return 0;
}

/* Where they end; they take no more than a third of the screen, from the bottom up. */
static u32 draw_findings(struct top_ui *ui, u32 height, u32 width)
{
	u32 most = height / 3, lines = 0;
	struct drawing d;

	if (drawing__begin(&d, ui, width))
		return height - 1;
	render__top_findings(&d.s, &ui->top);
	fflush(d.s.out);
	for (size_t i = 0; i < d.size; i++)
		lines += d.text[i] == '\n';
	lines = lines < most ? lines : most;
	drawing__end(&d, height - 1 - lines, lines, TERMINAL_PLAIN);
	return height - 1 - lines;
}

/* On a narrow screen without those that h tells. */
static const char *keys_of(u32 width)
{
	static const char all[] = "Enter in  Esc back  <> sort  / filter  p pause  S snapshot  h help  q quit";

	return width >= sizeof(all) - 1 ? all :
	       "Enter in  Esc back  / filter  p pause  h help  q quit";
}

static void draw_foot(const struct top_ui *ui, u32 y, u32 width)
{
	char line[256];

	if (ui->typing)
		snprintf(line, sizeof(line), "Filter: %s_", ui->filter);
	else if (*ui->message)
		snprintf(line, sizeof(line), "%s", ui->message);
	else
		snprintf(line, sizeof(line), "%s", keys_of(width));
	terminal__line(y, line, ui->typing || *ui->message ? TERMINAL_BOLD : TERMINAL_DIM);
}

static void draw_help(u32 height)
{
	u32 nr = ARRAY_SIZE(help_lines) + 2;

	terminal__line(0, "kvmw top: keys", TERMINAL_BOLD);
	terminal__line(1, "", TERMINAL_PLAIN);
	for (u32 i = 0; i < ARRAY_SIZE(help_lines) && i + 2 < height; i++)
		terminal__line(i + 2, help_lines[i], TERMINAL_PLAIN);
	terminal__show(nr < height ? nr : height);
}

static int draw_list(struct top_ui *ui, const struct top_list *list, u32 width, u32 height)
{
	const struct top_page page = { .top = &ui->top, .choice = &ui->choice, .list = list,
				       .state = top_ui__state_of(ui) };
	u32 end = draw_findings(ui, height, width);

	if (draw_head(ui, &page, width) || draw_rows(ui, &page, TOP_HEAD_LINES + 1, end, width))
		return -1;
	draw_foot(ui, height - 1, width);
	terminal__show(height);
	return 0;
}

int top_ui__draw(struct top_ui *ui)
{
	struct top_list list;
	u32 width, height;
	int ret;

	terminal__size(&width, &height);
	if (width < MIN_WIDTH || height < MIN_HEIGHT) {
		char words[80];

		snprintf(words, sizeof(words), "%ux%u is too small: %ux%u is needed", width, height,
			 MIN_WIDTH, MIN_HEIGHT);
		terminal__line(0, words, TERMINAL_PLAIN);
		terminal__show(1);
		return 0;
	}
	if (ui->help) {
		draw_help(height);
		return 0;
	}
	ret = top__list(&ui->top, &ui->choice, &list) ?:
	      draw_list(ui, &list, width < SCREEN_MAX ? width : SCREEN_MAX, height);
	free(list.row);
	return ret;
}

/* ---- keys ----------------------------------------------------------------------- */

static int move_cursor(struct top_ui *ui, int by)
{
	struct top_list list;
	s64 at;

	if (top__list(&ui->top, &ui->choice, &list))
		return -1;
	at = (s64)cursor_in(ui, &list) + by;
	at = at < 0 ? 0 : at >= list.nr ? (s64)list.nr - 1 : at;
	if (list.nr)
		ui->cursor = list.row[at]->key;
	free(list.row);
	return 0;
}

static int go_in(struct top_ui *ui)
{
	/* The first row, if none was chosen. */
	if (move_cursor(ui, 0) || !top__row(&ui->top, &ui->cursor))
		return 0;
	if (ui->choice.level == TOP_DETAILS ||
	    (ui->choice.level == TOP_REASONS && !ui->top.has_details)) {
		snprintf(ui->message, sizeof(ui->message), "%s",
			 ui->choice.level == TOP_DETAILS ? "There is nothing below" :
			 "Details are not counted: kvmw record, then kvmw top -i FILE, shows them");
		return 0;
	}
	ui->choice.within = ui->cursor;
	ui->choice.level++;
	ui->cursor = top_key__none();
	*ui->filter = '\0';
	ui->first = 0;
	return 0;
}

static void go_back(struct top_ui *ui)
{
	if (*ui->filter) {
		*ui->filter = '\0';
		return;
	}
	if (ui->choice.level == TOP_VMS)
		return;
	ui->cursor = ui->choice.within;
	ui->choice.level--;
	ui->choice.within = ui->choice.level == TOP_VMS ? top_key__none() :
			    top_key__at(&ui->cursor, ui->choice.level - 1);
	ui->first = 0;
}

/* Only by columns that there are on this screen. */
static void sort_by(struct top_ui *ui, int by)
{
	const struct top_page page = { .top = &ui->top, .choice = &ui->choice };
	struct screen s = { .width = 0 };
	u32 height;

	terminal__size(&s.width, &height);
	do
		ui->choice.sort = (ui->choice.sort + NR_TOP_COLUMNS + by) % NR_TOP_COLUMNS;
	while (!render__top_has(&s, &page, ui->choice.sort));
	ui->cursor = top_key__none();
	ui->first = 0;
}

static void take_snapshot(struct top_ui *ui)
{
	if (ui->opt->common.input)
		snprintf(ui->message, sizeof(ui->message),
			 "This is a recording; there is nothing to take a snapshot of");
	else
		snapshot__ask(ui->message, sizeof(ui->message));
}

/* Of a name that is looked for. */
static void type_key(struct top_ui *ui, int key)
{
	size_t len = strlen(ui->filter);

	switch (key) {
	case TERMINAL_ENTER:
		ui->typing = false;
		break;
	case TERMINAL_ESCAPE:
		ui->typing = false;
		*ui->filter = '\0';
		break;
	case TERMINAL_BACKSPACE:
		if (len)
			ui->filter[len - 1] = '\0';
		break;
	default:
		if (key > 0 && key < 0x80 && isprint(key) && len + 1 < sizeof(ui->filter)) {
			ui->filter[len] = key;
			ui->filter[len + 1] = '\0';
		}
	}
	ui->first = 0;
}

static void say_no_key(struct top_ui *ui, int key)
{
	if (key > 0 && key < 0x80 && isprint(key))
		snprintf(ui->message, sizeof(ui->message),
			 "'%c' is not a key of kvmw top; h lists the keys", key);
	else
		snprintf(ui->message, sizeof(ui->message),
			 "Not a key of kvmw top; h lists the keys");
}

/* 0; 1: to quit; -1 */
static int press(struct top_ui *ui, int key)
{
	u32 width, page;

	terminal__size(&width, &page);
	*ui->message = '\0';
	if (ui->typing) {
		type_key(ui, key);
		return 0;
	}
	/* Any key ends it, if it is not for the terminal. */
	if (ui->help && key != TERMINAL_RESIZED && key != TERMINAL_QUIT) {
		ui->help = false;
		return 0;
	}
	switch (key) {
	case 'q': case TERMINAL_QUIT:
		return 1;
	case TERMINAL_UP: case 'k':
		return move_cursor(ui, -1);
	case TERMINAL_DOWN: case 'j':
		return move_cursor(ui, 1);
	case TERMINAL_PAGE_UP:
		return move_cursor(ui, -(int)page / 2);
	case TERMINAL_PAGE_DOWN:
		return move_cursor(ui, page / 2);
	case TERMINAL_HOME:
		return move_cursor(ui, INT32_MIN);
	case TERMINAL_END:
		return move_cursor(ui, INT32_MAX);
	case TERMINAL_ENTER: case TERMINAL_RIGHT:
		return go_in(ui);
	case TERMINAL_ESCAPE: case TERMINAL_LEFT: case TERMINAL_BACKSPACE:
		go_back(ui);
		break;
	case '<':
		sort_by(ui, -1);
		break;
	case '>': case 's':
		sort_by(ui, 1);
		break;
	case '/':
		ui->typing = true;
		break;
	case 'p': case ' ':
		ui->paused = !ui->paused;
		break;
	case 'S':
		take_snapshot(ui);
		break;
	case 'r':
		ui->choice.reverse = !ui->choice.reverse;
		ui->cursor = top_key__none();
		break;
	case 'h': case '?': case TERMINAL_HELP:
		ui->help = true;
		break;
	case TERMINAL_REDRAW:
		terminal__redraw();
		break;
	case TERMINAL_RESIZED:
		break;
	default:
		say_no_key(ui, key);
	}
	return 0;
}

/* The terminal, and nohup(1) keeps SIGHUP away. */
static bool is_gone(void)
{
	struct pollfd input = { .fd = STDIN_FILENO };

	return poll(&input, 1, 0) > 0 && input.revents & (POLLHUP | POLLERR | POLLNVAL);
}

int top_ui__keys(struct top_ui *ui)
{
	bool any = false;
	int key, ret = 0;

	while (!ret && (key = terminal__key()) != TERMINAL_NONE) {
		ret = press(ui, key);
		any = true;
	}
	if (!any && is_gone())
		return 1;
	return ret ?: any ? top_ui__draw(ui) : 0;
}

/* ---- intervals -------------------------------------------------------------------- */

int top_ui__interval(struct top_ui *ui)
{
	int ret;

	if (ui->opt->batch) {
		ret = render__top_batch(&ui->screen, &ui->top, ui->opt->per, ui->opt->sort);
		/* screen__close() says why. */
		if (fflush(ui->screen.out) || ferror(ui->screen.out))
			ret = -1;
	} else {
		ret = top_ui__draw(ui);
	}
	ui->nr_shown++;
	return ret ?: ui->opt->iterations && ui->nr_shown >= ui->opt->iterations ? 1 : 0;
}

int top_ui__open(struct top_ui *ui, const struct top_options *opt)
{
	const char *columns = getenv("COLUMNS") ?: "";

	*ui = (struct top_ui) {
		.opt = opt, .top.counted = !opt->common.input,
		.choice = { .within = top_key__none(), .sort = opt->sort, .filter = "" },
		.cursor = top_key__none(),
	};
	ui->choice.filter = ui->filter;
	screen__open(&ui->screen, opt->batch && !*columns && !isatty(STDOUT_FILENO) ? LOG_WIDTH : 0,
		     false);
	return opt->batch ? 0 : terminal__open(&ui->terminal);
}

void top_ui__free(struct top_ui *ui)
{
	terminal__close(&ui->terminal);
	top__free(&ui->top);
}
