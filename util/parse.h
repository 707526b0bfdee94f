/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers on the command line. All return 0, or -1 where text is not one; silent. */
#ifndef KVMW_PARSE_H
#define KVMW_PARSE_H

#include "util/types.h"

int parse_size(const char *text, u64 *bytes);	/* 4096, 64K, 8M, 1G */
int parse_time(const char *text, u64 *ns);	/* 10, 1.5, 10s, 500ms, 20us, 2m, 1h */
int parse_u32(const char *text, u32 *value);

/* "0-3,7" into a bitmap of nr_bits. */
int parse_list(const char *text, u64 *bits, u32 nr_bits);

#endif
