// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/parse.h"

int parse_size(const char *text, u64 *bytes)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;

	errno = 0;
	*bytes = strtoull(text, &end, 10);
	if (end == text || errno || !isdigit((unsigned char)*text))
		return -1;
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (unit && *unit) {
		u32 shift = 10 * (unit - units + 1);

		if (*bytes > ~0ULL >> shift)
			return -1;
		*bytes <<= shift;
		end++;
		if (*end == 'B' || *end == 'b')
			end++;
	}
	return *end ? -1 : 0;
}

int parse_time(const char *text, u64 *ns)
{
	static const struct { const char *unit; double ns; } units[] = {
		{ "", 1e9 }, { "s", 1e9 }, { "ms", 1e6 }, { "us", 1e3 }, { "ns", 1 },
		{ "m", 60e9 }, { "h", 3600e9 },
	};
	char *end;
	double value;

	if (!isdigit((unsigned char)*text) && *text != '.')
		return -1;
	value = strtod(text, &end);
	if (end == text)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(end, units[i].unit))
			continue;
		value *= units[i].ns;
		if (!(value >= 0 && value < 9e18))
			return -1;
		*ns = value;
		return 0;
	}
	return -1;
}

int parse_u32(const char *text, u32 *value)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || n > ~0u)
		return -1;
	*value = n;
	return 0;
}

int parse_list(const char *text, u64 *bits, u32 nr_bits)
{
	memset(bits, 0, (nr_bits + 63) / 64 * sizeof(*bits));
	for (const char *p = text; ; p++) {
		char *end;
		unsigned long first, last;

		if (!isdigit((unsigned char)*p))
			return -1;
		first = last = strtoul(p, &end, 10);
		if (*end == '-') {
			p = end + 1;
			if (!isdigit((unsigned char)*p))
				return -1;
			last = strtoul(p, &end, 10);
		}
		if (first > last || last >= nr_bits || (*end && *end != ','))
			return -1;
		for (unsigned long i = first; i <= last; i++)
			bits[i / 64] |= 1ULL << i % 64;
		p = end;
		if (!*p)
			return 0;
	}
}
