/* SPDX-License-Identifier: GPL-2.0 */
/* What a recording's numbers depend on except the VM's work: host, kernel, parameters, VM, kvmw. */
#ifndef KVMW_SETTINGS_H
#define KVMW_SETTINGS_H

#include "util/analysis/report/report.h"

struct setting {
	char *what, *value;	/* safe to print */
};

struct settings {
	struct setting *list;
	u32 nr, room;
};

/* 0, or -1 out of memory (error() said so); to be freed in both cases. */
int settings__make(struct settings *s, const struct report *rep);
void settings__free(struct settings *s);
/* NULL: it is not known. */
const char *settings__find(const struct settings *s, const char *what);

#endif
