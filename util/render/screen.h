/* SPDX-License-Identifier: GPL-2.0 */
/* Where text is printed: how wide it is and what it can show. */
#ifndef KVMW_SCREEN_H
#define KVMW_SCREEN_H

#include <stdio.h>
#include <sys/types.h>

#include "util/types.h"

#define SCREEN_MIN	60
#define SCREEN_USUAL	80
#define SCREEN_MAX	400

struct screen {
	FILE *out;
	u32 width;
	bool utf8;
	bool color;
	pid_t pager;		/* 0: none */
};

/*
 * Standard output: its width is width, else $COLUMNS, else the terminal's, else 80.
 * With pager, output to a terminal goes through $KVMW_PAGER, $PAGER or less, which is run when
 * something is printed.  Before sandbox__enter(): a pager is another program.
 */
void screen__open(struct screen *s, u32 width, bool pager);
enum color_when { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

/*
 * Colours from now on: COLOR_AUTO means on a terminal, unless $NO_COLOR is set and not empty
 * (https://no-color.org) or $TERM is dumb.
 */
void screen__use_color(struct screen *s, enum color_when when);

enum color { COLOR_BOLD = 1, COLOR_DIM = 2, COLOR_RED = 31, COLOR_GREEN, COLOR_YELLOW, COLOR_BLUE,
	     COLOR_MAGENTA, COLOR_CYAN };

/* What follows has this colour, until screen__plain(). */
void screen__color(const struct screen *s, enum color color);
void screen__plain(const struct screen *s);

/*
 * Waits for the pager. 0, or -1: not everything could be written (error() said so). Of one that
 * is closed already, or was never opened and is all zero: 0.
 */
int screen__close(struct screen *s);

/* Columns that text takes here. */
u32 screen__width(const struct screen *s, const char *text);
/* Text in exactly this many columns, cut with a mark if it is longer. */
void screen__field(const struct screen *s, const char *text, u32 width, bool left);
/* A block as high as value is of most (at least value); any at all shows. A blank for 0. */
const char *screen__block(const struct screen *s, u64 value, u64 most);
/* Darker the more, from 1 to SCREEN_SHADES; a blank for 0. */
#define SCREEN_SHADES	5
const char *screen__shade(const struct screen *s, u32 shade);
/* Text of any length as it can be shown here. */
void screen__text(const struct screen *s, const char *text);
/* first, then words, wrapped; further lines begin with rest. */
void screen__wrap(const struct screen *s, const char *first, const char *rest, const char *words);
/* The same with the words of a format. */
void screen__say(const struct screen *s, const char *first, const char *rest, const char *format,
		 ...) __attribute__((format(printf, 4, 5)));

#endif
