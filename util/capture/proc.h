/* SPDX-License-Identifier: GPL-2.0 */
/* Small files of /proc and /sys. */
#ifndef KVMW_PROC_H
#define KVMW_PROC_H

#include <sys/types.h>

#include "util/types.h"

/*
 * The first size - 1 bytes of the file, with a NUL behind them: how many, or -1 and errno. Of a
 * file that cannot be read buf is "".
 */
ssize_t proc__read(char *buf, size_t size, const char *path, ...)
	__attribute__((format(printf, 3, 4)));

/* The same without its last newline, and what cannot be read is ""; returns buf. */
char *proc__line(char *buf, size_t size, const char *path, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * What follows "name:" and blanks at the beginning of a line of text, up to the end of that
 * line; NULL: there is no such line. text is not changed.
 */
const char *proc__value(const char *text, const char *name, char *buf, size_t size);

#endif
