// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/recording/filter.h"
#include "util/analysis/hist.h"
#include "util/array.h"
#include "util/error.h"

static bool filter__number(const char **text, u32 *value)
{
	unsigned long long v;
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	errno = 0;
	v = strtoull(*text, &end, 10);
	*text = end;
	*value = v;
	return !errno && v < UINT32_MAX;
}

static bool parse_ranges(struct number_list *list, const char *p)
{
	do {
		struct number_range range;

		if (!filter__number(&p, &range.from))
			return false;
		range.to = range.from;
		if (*p == '-') {
			p++;
			if (!filter__number(&p, &range.to) || range.to < range.from)
				return false;
		}
		if (array__reserve(list->range, list->nr, list->room, NULL))
			return false;
		list->range[list->nr++] = range;
	} while (*p++ == ',');
	return !p[-1];
}

int number_list__parse(struct number_list *list, const char *what, const char *text)
{
	number_list__free(list);
	if (parse_ranges(list, text))
		return 0;
	return error("%s '%s': not a list of numbers like 0-3,7", what, text);
}

bool number_list__has(const struct number_list *list, u64 number)
{
	for (u32 i = 0; i < list->nr; i++)
		if (number >= list->range[i].from && number <= list->range[i].to)
			return true;
	return false;
}

void number_list__free(struct number_list *list)
{
	free(list->range);
	memset(list, 0, sizeof(*list));
}

/* Seconds with up to nine decimals, in integers: a double cannot hold them. */
static bool filter__seconds(const char **text, u64 *ns)
{
	const char *p = *text;
	u64 value = 0, scale = NSEC_PER_SEC / 10;

	if ((*p < '0' || *p > '9') && *p != '.')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		value = value * 10 + (*p - '0');
		if (value > 1000000000)
			return false;
	}
	value *= NSEC_PER_SEC;
	if (*p == '.') {
		for (p++; *p >= '0' && *p <= '9'; p++) {
			value += (*p - '0') * scale;
			scale /= 10;
		}
	}
	*text = p;
	*ns = value;
	return true;
}

static bool filter__parse_end(const char **p, bool *absolute, u64 *ns)
{
	if (!**p || **p == ',')
		return true;
	if (**p == '@') {
		*absolute = true;
		(*p)++;
	}
	return filter__seconds(p, ns);
}

int time_window__parse(struct time_window *w, const char *text)
{
	const char *p = text;

	*w = (struct time_window) { .active = true, .to = UINT64_MAX };
	if (filter__parse_end(&p, &w->from_absolute, &w->from) && *p++ == ',' &&
	    filter__parse_end(&p, &w->to_absolute, &w->to) && !*p) {
		if (w->from_absolute != w->to_absolute || w->from <= w->to)
			return 0;
		return error("--time %s: ends before it begins", text);
	}
	return error("--time '%s': not FROM,TO in seconds since the start, like 1.5,3 or ,10", text);
}

void time_window__resolve(struct time_window *w, u64 start_ns)
{
	if (!w->active || w->resolved)
		return;
	if (!w->from_absolute)
		w->from = sat_add(w->from, start_ns);
	if (!w->to_absolute)
		w->to = sat_add(w->to, start_ns);
	w->resolved = true;
}
