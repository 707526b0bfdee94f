// SPDX-License-Identifier: GPL-2.0
#include <curses.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <term.h>
#include <unistd.h>

#include "util/error.h"
#include "util/render/terminal.h"

#define ESCAPE_MS	50	/* that the rest of a key's sequence may take, as over ssh */

/* What is written there would be lost when the screen is as it was before. */
static void hold_standard_error(struct terminal *t)
{
	t->standard_error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	t->held = memfd_create("kvmw top: messages", MFD_CLOEXEC);
	if (t->standard_error >= 0 && t->held >= 0)
		dup2(t->held, STDERR_FILENO);
}

bool terminal__is_there(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

int terminal__check_type(void)
{
	const char *term = getenv("TERM");
	int found;

	if (!term || !*term || setupterm(NULL, STDOUT_FILENO, &found) != OK)
		return error("unknown terminal type '%s'; set TERM, or use --batch", term ?: "");
	del_curterm(cur_term);
	return 0;
}

int terminal__open(struct terminal *t)
{
	if (terminal__check_type())
		return -1;
	if (!newterm(NULL, stdout, stdin))
		return error("this terminal cannot be used; --batch prints lines instead");
	t->open = true;
	hold_standard_error(t);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	curs_set(0);
	return 0;
}

void terminal__close(struct terminal *t)
{
	char buf[4096];
	ssize_t len;
	off_t at = 0;

	if (!t->open)
		return;
	t->open = false;
	endwin();
	fflush(stderr);
	if (t->held < 0 || t->standard_error < 0)
		return;
	dup2(t->standard_error, STDERR_FILENO);
	while ((len = pread(t->held, buf, sizeof(buf), at)) > 0 &&
	       write(STDERR_FILENO, buf, len) == len)
		at += len;
	close(t->held);
	close(t->standard_error);
}

void terminal__size(u32 *width, u32 *height)
{
	*width = getmaxx(stdscr);
	*height = getmaxy(stdscr);
}

void terminal__line(u32 y, const char *text, enum terminal_style style)
{
	static const attr_t attributes[] = {
		[TERMINAL_PLAIN] = A_NORMAL, [TERMINAL_BOLD] = A_BOLD, [TERMINAL_DIM] = A_DIM,
		[TERMINAL_HEAD] = A_BOLD | A_UNDERLINE, [TERMINAL_CHOSEN] = A_REVERSE,
	};

	/* First: from the last column on the next line would be cleared. */
	move(y, 0);
	clrtoeol();
	addstr(text);
	mvchgat(y, 0, -1, attributes[style], 0, NULL);
}

void terminal__show(u32 nr_lines)
{
	if (nr_lines < (u32)getmaxy(stdscr)) {
		move(nr_lines, 0);
		clrtobot();
	}
	refresh();
}

void terminal__redraw(void)
{
	clearok(stdscr, TRUE);
}

int terminal__key(void)
{
	static const struct { int is, key; } keys[] = {
		{ KEY_UP, TERMINAL_UP }, { KEY_DOWN, TERMINAL_DOWN }, { KEY_LEFT, TERMINAL_LEFT },
		{ KEY_RIGHT, TERMINAL_RIGHT }, { KEY_PPAGE, TERMINAL_PAGE_UP },
		{ KEY_NPAGE, TERMINAL_PAGE_DOWN },
		{ KEY_HOME, TERMINAL_HOME }, { KEY_END, TERMINAL_END },
		{ KEY_ENTER, TERMINAL_ENTER },
		{ '\n', TERMINAL_ENTER }, { '\r', TERMINAL_ENTER }, { 27, TERMINAL_ESCAPE },
		{ KEY_BACKSPACE, TERMINAL_BACKSPACE }, { 127, TERMINAL_BACKSPACE },
		{ '\b', TERMINAL_BACKSPACE },
		{ KEY_RESIZE, TERMINAL_RESIZED }, { 'L' & 0x1f, TERMINAL_REDRAW },
		{ KEY_F(1), TERMINAL_HELP }, { KEY_F(10), TERMINAL_QUIT },
	};
	int is = getch();

	if (is == ERR)
		return TERMINAL_NONE;
	for (u32 i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].is == is)
			return keys[i].key;
	/* Others are none of ours. */
	return is < 256 ? is : 0;
}
