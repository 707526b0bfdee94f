/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers as text, by the million: written where DIGITS_ROOM bytes may be overwritten, as more than
 * the text may be.  What is returned is its end.
 */
#ifndef KVMW_DIGITS_H
#define KVMW_DIGITS_H

#include "util/types.h"

#define DIGITS_ROOM	32u

/* How many decimal digits a value has: 1 to 20. */
u32 digits__number(u64 value);
char *digits__dec(char *to, u64 value);
char *digits__three(char *to, u32 value);	/* with leading zeros; below 1000 */
char *digits__nine(char *to, u32 value);	/* the same; below 10^9 */
char *digits__hex(char *to, u64 value);		/* with 0x */
/* 12.34us, as units__ns() with UNITS_FULL, four digits, but cut. */
char *digits__ns(char *to, u64 ns);

#endif
