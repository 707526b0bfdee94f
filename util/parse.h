/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers, lists, ranges and times on the command line. All return 0, or -1 where the text is
 * invalid, and print nothing: the caller names the option.
 */
#ifndef KVMW_PARSE_H
#define KVMW_PARSE_H

#include "util/types.h"

/* The whole text is the value. Numbers are decimal and unsigned. */
int parse_u32(const char *text, u32 *value);
int parse_u64(const char *text, u64 *value);
int parse_size(const char *text, u64 *bytes);		/* 4096, 64K, 8M, 1G */
int parse_time(const char *text, u64 *ns);		/* 10, 1.5, 10s, 500ms, 20us, 2m, 1h */
int parse_bits(const char *text, u64 *bits);		/* a second: 100M, 2.5g, 10Gbit/s */
int parse_percent(const char *text, double *percent);	/* 0 to 100, 2.5, 5% */

/* "0-3,7" into a bitmap of nr_bits. */
int parse_list(const char *text, u64 *bits, u32 nr_bits);

/*
 * A part of the text is the value, and *text moves on to what follows it. Base 0 also takes
 * hexadecimal numbers (0x3f8) and octal ones (017). Numbers above max are invalid.
 */
int parse_number(const char **text, int base, u64 max, u64 *value);

/* "7" or "0-3", both ends included. */
int parse_range(const char **text, int base, u64 max, u64 *from, u64 *to);

#endif
