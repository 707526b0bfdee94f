// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "util/render/units.h"
#include "util/events.h"

static const struct unit {
	double ns, limit;	/* shown up to limit of the unit */
	const char *name;
} duration_units[] = {
	{ 1, 1000, "ns" },
	{ 1e3, 1000, "us" },
	{ 1e6, 1000, "ms" },
	{ 1e9, 1000, "s" },
	{ 3600e9, 100, "h" },
	{ 24 * 3600e9, 1e9, "d" },
};

/* The number of decimals that makes this many digits in all. */
static int decimals(double value, int digits)
{
	int before = value < 10 ? 1 : value < 100 ? 2 : 3;

	/* Two digits: 1.2, but 12. */
	return digits > before ? digits - before : 0;
}

const char *units__ns(u64 ns, enum units style, char *buf)
{
	static const int digits[] = { [UNITS_2] = 2, [UNITS_3] = 3, [UNITS_FULL] = 4 };
	static const double half[] = { 0.5, 0.05, 0.005, 0.0005 };

	if (ns == KVMW_NONE)
		return strcpy(buf, "-");
	for (size_t i = 0; i < ARRAY_SIZE(duration_units); i++) {
		const struct unit *unit = &duration_units[i];
		double value = ns / unit->ns;
		int places = i ? decimals(value, digits[style]) : 0;

		/* 9.97 with one decimal is 10, which needs none. */
		if (places && decimals(value + half[places], digits[style]) < places)
			places--;
		if (value + half[places] >= unit->limit && i + 1 < ARRAY_SIZE(duration_units))
			continue;
		snprintf(buf, UNITS_MAX, "%.*f%s", places, value, unit->name);
		break;
	}
	return buf;
}

struct unit_scale units__common(u64 least, u64 greatest)
{
	/* Up to seven digits: microseconds for as long as possible, which some exits take. */
	struct unit_scale scale = greatest < 1e10 || least == KVMW_NONE ?
				  (struct unit_scale) { "us", 1e3, 0 } :
				  greatest < 1e12 ? (struct unit_scale) { "ms", 1e6, 2 } :
				  (struct unit_scale) { "s", 1e9, 3 };

	if (!scale.places && least / scale.ns < 10 && greatest / scale.ns < 10000)
		scale.places = greatest / scale.ns < 100 ? 2 : 1;
	return scale;
}

struct unit_scale units__of_sums(u64 greatest)
{
	struct unit_scale scale = greatest < 1e6 ? (struct unit_scale) { "us", 1e3, 0 } :
				  greatest < 1e9 ? (struct unit_scale) { "ms", 1e6, 0 } :
						   (struct unit_scale) { "s", 1e9, 0 };
	double value = greatest / scale.ns;

	scale.places = value < 10 ? 3 : value < 100 ? 2 : value < 1000 ? 1 : 0;
	return scale;
}

const char *units__scaled(u64 ns, const struct unit_scale *scale, char *buf)
{
	double least = 1;

	if (ns == KVMW_NONE)
		return strcpy(buf, "-");
	for (int i = 0; i < scale->places; i++)
		least /= 10;
	if (ns && ns / scale->ns < least / 2)
		snprintf(buf, UNITS_MAX, "<%.*f", scale->places, least);
	else
		snprintf(buf, UNITS_MAX, "%.*f", scale->places, ns / scale->ns);
	return buf;
}

const char *units__percent(double percent, enum units style, char *buf)
{
	int places = style == UNITS_FULL ? 2 : 1;

	if (percent >= 99.95 && style != UNITS_FULL)
		places = 0;
	snprintf(buf, UNITS_MAX, "%.*f", places, percent);
	return buf;
}

const char *units__count(u64 count, char *buf)
{
	char digits[UNITS_MAX], *out = buf;
	size_t len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);

	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
	return buf;
}

const char *units__share(u64 part, u64 whole, char *buf)
{
	if (part == KVMW_NONE || !whole)
		return strcpy(buf, "-");
	snprintf(buf, UNITS_MAX, "%.1f%%", 100.0 * part / whole);
	return buf;
}

const char *units__slot(u64 slot, char *buf)
{
	unsigned long long id = slot & 0xffff, space = slot >> 16;

	if (slot == KVMW_NONE)
		return strcpy(buf, "-");
	if (space)
		snprintf(buf, UNITS_MAX, "%llu/%llu", space, id);
	else
		snprintf(buf, UNITS_MAX, "%llu", id);
	return buf;
}

const char *units__bytes(double bytes, char *buf)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double value = bytes / 1024;
	u32 i = 0;

	for (; value >= 1024 && i < ARRAY_SIZE(units) - 1; i++)
		value /= 1024;
	snprintf(buf, UNITS_MAX, "%.*f %s", value < 10 ? 2 : value < 100 ? 1 : 0, value, units[i]);
	return buf;
}
