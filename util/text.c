// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/text.h"

size_t text__utf8(const char *s, u32 *code)
{
	static const u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	u8 first = *s;
	size_t len = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 :
		     first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;

	*code = len > 1 ? first & (0x7f >> len) : first;
	for (size_t i = 1; i < len; i++) {
		if (((u8)s[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | ((u8)s[i] & 0x3f);
	}
	if (!len || *code < least[len] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
		return 0;
	return len;
}

static bool safe(u32 code)
{
	return code >= 0x20 && !(code >= 0x7f && code < 0xa0) &&
	       !(code >= 0x200b && code <= 0x200f) && !(code >= 0x2028 && code <= 0x202e) &&
	       !(code >= 0x2060 && code <= 0x206f) && code != 0xfeff && code != 0x61c &&
	       !(code >= 0xfff9 && code <= 0xfffb) && !(code >= 0xe0000 && code <= 0xe007f);
}

static void put_clean(char *to, size_t size, const char *s, size_t max)
{
	size_t out = 0;
	u32 code;

	for (size_t n = 0; *s && n < max; n++) {
		size_t len = text__utf8(s, &code);
		bool good = len && safe(code);

		if (out + (good ? len : 1) >= size)
			break;
		if (good)
			memcpy(to + out, s, len);
		else
			to[out] = '?';
		out += good ? len : 1;
		s += len ? len : 1;
	}
	to[out] = '\0';
}

char *text__clean_into(char *to, size_t size, const char *s)
{
	put_clean(to, size, s, size);
	return to;
}

char *text__clean(const char *s, size_t max)
{
	/* A character never takes more bytes than before: it always fits. */
	size_t size = strnlen(s, max * 4) + 1;
	char *clean = malloc(size);

	if (clean)
		put_clean(clean, size, s, max);
	return clean;
}

bool text__begins(const char *s, const char *const *prefixes, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (!strncmp(s, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}
