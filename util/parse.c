// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/parse.h"

int parse_number(const char **text, int base, u64 max, u64 *value)
{
	char *end;

	/* strtoull() takes white space and signs as well. */
	if (!isdigit((unsigned char)**text))
		return -1;
	errno = 0;
	*value = strtoull(*text, &end, base);
	*text = end;
	return errno || *value > max ? -1 : 0;
}

int parse_range(const char **text, int base, u64 max, u64 *from, u64 *to)
{
	if (parse_number(text, base, max, from))
		return -1;
	*to = *from;
	if (**text != '-')
		return 0;
	(*text)++;
	return parse_number(text, base, max, to) || *from > *to ? -1 : 0;
}

int parse_u64(const char *text, u64 *value)
{
	return parse_number(&text, 10, UINT64_MAX, value) || *text ? -1 : 0;
}

int parse_u32(const char *text, u32 *value)
{
	u64 number;

	if (parse_number(&text, 10, UINT32_MAX, &number) || *text)
		return -1;
	*value = number;
	return 0;
}

int parse_size(const char *text, u64 *bytes)
{
	static const char units[] = "KMGT";
	const char *unit;

	if (parse_number(&text, 10, UINT64_MAX, bytes))
		return -1;
	unit = *text ? strchr(units, toupper((unsigned char)*text)) : NULL;
	if (unit) {
		u32 shift = 10 * (unit - units + 1);

		if (*bytes > ~0ULL >> shift)
			return -1;
		*bytes <<= shift;
		text++;
		if (*text == 'B' || *text == 'b')
			text++;
	}
	return *text ? -1 : 0;
}

struct parse_unit {
	const char *unit;
	double of;
};

static int parse_scaled(const char *text, const struct parse_unit *units, size_t nr, u64 *value)
{
	char *end;
	double number;

	if (!isdigit((unsigned char)*text) && *text != '.')
		return -1;
	number = strtod(text, &end);
	if (end == text)
		return -1;
	for (size_t i = 0; i < nr; i++) {
		if (strcmp(end, units[i].unit))
			continue;
		number *= units[i].of;
		if (!(number >= 0 && number < 9e18))
			return -1;
		*value = number;
		return 0;
	}
	return -1;
}

int parse_time(const char *text, u64 *ns)
{
	static const struct parse_unit units[] = {
		{ "", 1e9 }, { "s", 1e9 }, { "ms", 1e6 }, { "us", 1e3 }, { "ns", 1 },
		{ "m", 60e9 }, { "h", 3600e9 },
	};

	return parse_scaled(text, units, ARRAY_SIZE(units), ns);
}

int parse_bits(const char *text, u64 *bits)
{
	static const struct parse_unit units[] = {
		{ "M", 1e6 }, { "G", 1e9 }, { "Mbit", 1e6 }, { "Gbit", 1e9 }, { "Mbit/s", 1e6 }, { "Gbit/s", 1e9 },
		{ "m", 1e6 }, { "g", 1e9 },
	};

	return parse_scaled(text, units, ARRAY_SIZE(units), bits);
}

int parse_percent(const char *text, double *percent)
{
	char *end;

	*percent = strtod(text, &end);
	if (end == text || (*end && strcmp(end, "%")))
		return -1;
	return *percent >= 0 && *percent <= 100 ? 0 : -1;
}

int parse_list(const char *text, u64 *bits, u32 nr_bits)
{
	u64 from, to;

	memset(bits, 0, (nr_bits + 63) / 64 * sizeof(*bits));
	do {
		if (parse_range(&text, 10, nr_bits - 1, &from, &to))
			return -1;
		for (; from <= to; from++)
			bits[from / 64] |= 1ULL << from % 64;
	} while (*text++ == ',');
	return text[-1] ? -1 : 0;
}
