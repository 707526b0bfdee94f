/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The whole terminal, for kvmw top: lines of text on it, and keys. Only terminal.c knows
 * ncurses.
 */
#ifndef KVMW_TERMINAL_H
#define KVMW_TERMINAL_H

#include "util/types.h"

enum terminal_style { TERMINAL_PLAIN, TERMINAL_BOLD, TERMINAL_HEAD, TERMINAL_CHOSEN, TERMINAL_DIM };

/* Keys that are no characters. */
enum {
	TERMINAL_NONE = -1,
	TERMINAL_UP = 0x1000,
	TERMINAL_DOWN,
	TERMINAL_LEFT,
	TERMINAL_RIGHT,
	TERMINAL_PAGE_UP,
	TERMINAL_PAGE_DOWN,
	TERMINAL_HOME,
	TERMINAL_END,
	TERMINAL_ENTER,
	TERMINAL_ESCAPE,
	TERMINAL_BACKSPACE,
	TERMINAL_RESIZED,
	TERMINAL_REDRAW,
	TERMINAL_HELP,
	TERMINAL_QUIT
};

struct terminal {		/* all zero: not open */
	bool open;
	/* what is written to the latter while the screen is not its own */
	int held, standard_error;
};

/* Whether standard input and output are one. */
bool terminal__is_there(void);
/* 0, or -1: nothing is known about its type (error() said so). */
int terminal__check_type(void);
/*
 * Before sandbox__enter(), after screen__open(), which sets the locale. 0, or -1: nothing is known
 * about its type (error() said so).
 */
int terminal__open(struct terminal *t);
/* As it was before; messages of the meantime are printed.  Of one that is not open: nothing. */
void terminal__close(struct terminal *t);
void terminal__size(u32 *width, u32 *height);
/* A line of it; what is beyond the edge is cut. */
void terminal__line(u32 y, const char *text, enum terminal_style style);
/* Shows what was drawn since the last time; lines from here on are empty. */
void terminal__show(u32 nr_lines);
/* The next time all of it, whatever another program wrote there. */
void terminal__redraw(void);
/* The next key, without waiting for one. */
int terminal__key(void);

#endif
