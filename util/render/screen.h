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
	pid_t pager;		/* 0: none */
};

/*
 * Standard output: its width is width, else $COLUMNS, else the terminal's, else 80.
 * With pager, output to a terminal goes through $KVMW_PAGER, $PAGER or less.
 */
void screen__open(struct screen *s, u32 width, bool pager);
/* Waits for the pager. 0, or -1: not everything could be written (error() said so). */
int screen__close(struct screen *s);

/* Columns that text takes here. */
u32 screen__width(const struct screen *s, const char *text);
/* Text in exactly this many columns, cut with a mark if it is longer. */
void screen__field(const struct screen *s, const char *text, u32 width, bool left);
/* A block as high as value is of most (at least value); any at all shows. A blank for 0. */
const char *screen__block(const struct screen *s, u64 value, u64 most);
/* Text of any length as it can be shown here. */
void screen__text(const struct screen *s, const char *text);
/* first, then words, wrapped; further lines begin with rest. */
void screen__wrap(const struct screen *s, const char *first, const char *rest, const char *words);

#endif
