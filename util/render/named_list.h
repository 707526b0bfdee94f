/* SPDX-License-Identifier: GPL-2.0 */
/* A line of text that names vCPUs below a table, the first few of them. */
#ifndef KVMW_NAMED_LIST_H
#define KVMW_NAMED_LIST_H

#include "util/render/screen.h"

#define NAMED_LIST_MAX	8	/* more are counted */

struct named_list {		/* all zero: empty */
	u32 nr;
	char words[NAMED_LIST_MAX * 384];
};

void named_list__add(struct named_list *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* "what: a, b and 3 more"; nothing if the list is empty. */
void named_list__print(const struct screen *s, const char *what, const struct named_list *l);

#endif
