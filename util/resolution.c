// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "util/error.h"
#include "util/parse.h"
#include "util/resolution.h"

int resolution__parse(struct resolution *r, const char *text)
{
	*r = (struct resolution) { .ns = 0 };
	if (!strcmp(text, "1/16")) {
		r->steps = RESOLUTION_STEPS;
		return 0;
	}
	return parse_time(text, &r->ns) || !r->ns || r->ns > RESOLUTION_MAX_NS ? -1 : 0;
}

int resolution__option(struct resolution *r, const char *text)
{
	return resolution__parse(r, text) ?
	       usage_error("--resolution '%s': must be 1/16, or a time of 1ns to 1s, such as 100ns",
			   text) : 0;
}

const char *resolution__text(const struct resolution *r, char *buf)
{
	static const struct { const char *name; u64 ns; } units[] = {
		{ "s", NSEC_PER_SEC }, { "ms", 1000000 }, { "us", 1000 }, { "ns", 1 },
	};
	u32 i = 0;

	*buf = '\0';
	if (r->steps)
		snprintf(buf, RESOLUTION_TEXT, "1/%u", r->steps);
	if (r->steps || !r->ns)
		return buf;
	while (r->ns % units[i].ns)
		i++;
	snprintf(buf, RESOLUTION_TEXT, "%llu%s", (unsigned long long)r->ns / units[i].ns,
		 units[i].name);
	return buf;
}
