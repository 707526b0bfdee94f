/* SPDX-License-Identifier: GPL-2.0 */
/* Text that came from elsewhere: a recording, a process name. */
#ifndef KVMW_TEXT_H
#define KVMW_TEXT_H

#include "util/types.h"

/*
 * A copy of at most max characters of s which is safe on a terminal: what is not
 * valid UTF-8, control characters, and characters that change the direction
 * of writing become '?'.  free() it; NULL: out of memory.
 */
char *text__clean(const char *s, size_t max);
/* The same, as much as fits into size bytes.  Returns to. */
char *text__clean_into(char *to, size_t size, const char *s);

/* Decodes one UTF-8 character: its length in bytes, 0 where it is not valid. */
size_t text__utf8(const char *s, u32 *code);

/* Whether s begins with one of nr prefixes. */
bool text__begins(const char *s, const char *const *prefixes, size_t nr);

#endif
