// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/render/named_list.h"

void named_list__add(struct named_list *l, const char *fmt, ...)
{
	size_t len = strlen(l->words);
	va_list ap;

	if (l->nr++ >= NAMED_LIST_MAX)
		return;
	len += snprintf(l->words + len, sizeof(l->words) - len, "%s", len ? ", " : "");
	va_start(ap, fmt);
	if (len < sizeof(l->words))
		vsnprintf(l->words + len, sizeof(l->words) - len, fmt, ap);
	va_end(ap);
}

void named_list__print(const struct screen *s, const char *what, const struct named_list *l)
{
	char words[sizeof(l->words) + 32];

	if (!l->nr)
		return;
	if (l->nr > NAMED_LIST_MAX)
		snprintf(words, sizeof(words), "%s: %s and %u more", what, l->words,
			 l->nr - NAMED_LIST_MAX);
	else
		snprintf(words, sizeof(words), "%s: %s", what, l->words);
	screen__wrap(s, "", "  ", words);
}
