// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "util/nearest.h"

void nearest__begin(struct nearest *n, const char *typed, size_t len)
{
	memset(n, 0, sizeof(*n));
	n->distance = UINT32_MAX;
	if (len <= NEAREST_MAX)
		memcpy(n->typed, typed, len);
}

static u32 min3(u32 a, u32 b, u32 c)
{
	u32 least = a < b ? a : b;

	return least < c ? least : c;
}

static bool nearest__same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/*
 * The edits that make b of a, where two letters that changed places are one edit: a row of the
 * usual table for each letter of a; the last three are kept.
 */
static u32 edits(const char *a, const char *b)
{
	u32 rows[3][NEAREST_MAX + 1], *before = rows[0], *last = rows[1], *row = rows[2];
	u32 len = strlen(b);

	for (u32 k = 0; k <= len; k++)
		last[k] = k;
	for (u32 i = 1; a[i - 1]; i++) {
		u32 *spare = before;

		row[0] = i;
		for (u32 k = 1; k <= len; k++) {
			row[k] = min3(last[k] + 1, row[k - 1] + 1,
				      last[k - 1] + !nearest__same(a[i - 1], b[k - 1]));
			if (i > 1 && k > 1 && nearest__same(a[i - 1], b[k - 2]) &&
			    nearest__same(a[i - 2], b[k - 1]) && before[k - 2] + 1 < row[k])
				row[k] = before[k - 2] + 1;
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[len];
}

/* Words may come from a recording: they are printed. */
static bool can_be_meant(const char *word)
{
	size_t len = 0;

	while (len <= NEAREST_MAX && word[len] > ' ' && word[len] < 0x7f)
		len++;
	return len && len <= NEAREST_MAX && !word[len];
}

void nearest__offer(struct nearest *n, const char *word)
{
	u32 len = strlen(n->typed), most, distance;

	if (!len || !can_be_meant(word))
		return;
	if (!strncasecmp(word, n->typed, len)) {
		distance = 0;
	} else {
		distance = edits(n->typed, word);
		most = len > 3 ? (len + 2) / 3 : 1;
		if (distance > most || distance >= len)
			return;
	}
	if (distance >= n->distance)
		return;
	n->distance = distance;
	strcpy(n->word, word);
}

const char *nearest__hint(struct nearest *n)
{
	if (!*n->word)
		return "";
	snprintf(n->hint, sizeof(n->hint), " (did you mean %s?)", n->word);
	return n->hint;
}

void word_list__begin(struct word_list *list, const char *typed, size_t len)
{
	*list->text = '\0';
	nearest__begin(&list->nearest, typed, len);
}

void word_list__add(struct word_list *list, const char *word)
{
	size_t at = strlen(list->text);

	snprintf(list->text + at, sizeof(list->text) - at, "%s%s", at ? ", " : "", word);
	nearest__offer(&list->nearest, word);
}
