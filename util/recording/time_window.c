// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "util/recording/time_window.h"
#include "util/analysis/hist.h"
#include "util/error.h"
#include "util/parse.h"

#define HOUR_NS		(3600 * NSEC_PER_SEC)
#define PERCENT		10000000	/* of TIME_PERCENT: a billion is all of it */

/* Longer than any recording: 30 years, in seconds. */
#define MAX_SECONDS	1000000000ULL

#define HOW "it must be FROM,TO or FROM-TO or one time; a time is 2.1, 2.1s or 2100ms since the " \
	    "start, 10%% of its duration, @SECONDS of CLOCK_MONOTONIC, 12:03:04.5 or 2026-11-27T12:03:04"

/* ---- one time ------------------------------------------------------------ */

/* Digits behind a point, of a unit: to the nanosecond, further ones are cut off. */
static const char *fraction(const char *p, u64 unit, u64 *ns, u64 *step)
{
	*step = unit;
	if (*p != '.')
		return p;
	for (p++; isdigit((unsigned char)*p); p++) {
		*step /= 10;
		*ns += (*p - '0') * *step;
	}
	if (!*step)
		*step = 1;
	return p;
}

static const struct { const char *name; u64 ns; } units[] = {
	{ "ms", 1000000 }, { "us", 1000 }, { "ns", 1 }, { "s", NSEC_PER_SEC },
	{ "m", 60 * NSEC_PER_SEC }, { "h", HOUR_NS },
};

/* The unit behind the digits, which are skipped. */
static u64 unit_of(const char *digits, const char **end)
{
	const char *p = digits + strspn(digits, "0123456789.");

	*end = p;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		size_t len = strlen(units[i].name);

		if (strncmp(p, units[i].name, len) || isalnum((unsigned char)p[len]))
			continue;
		*end = p + len;
		return units[i].ns;
	}
	return NSEC_PER_SEC;
}

/* "2.1", "2100ms", ".5" */
static int parse_amount(const char **text, struct time_point *t)
{
	const char *p = *text, *end;
	u64 unit = unit_of(p, &end), number = 0;

	if (*p != '.' && parse_number(&p, 10, MAX_SECONDS * NSEC_PER_SEC / unit, &number))
		return -1;
	if (*p == '.' && p == *text && !isdigit((unsigned char)p[1]))
		return -1;
	t->ns = number * unit;
	p = fraction(p, unit, &t->ns, &t->step);
	/* Nothing but the unit follows; "1..2" has a second point. */
	if (p > end || strspn(p, "0123456789.") || t->ns > MAX_SECONDS * NSEC_PER_SEC)
		return -1;
	*text = end;
	return 0;
}

/* "10%", "2.5%" */
static int parse_percent_of(const char **text, struct time_point *t)
{
	u64 number;

	t->base = TIME_PERCENT;
	if (parse_number(text, 10, 100, &number))
		return -1;
	t->ns = number * PERCENT;
	*text = fraction(*text, PERCENT, &t->ns, &t->step);
	return *(*text)++ != '%' || t->ns > 100ULL * PERCENT ? -1 : 0;
}

static int two_digits(const char **text, u32 max, int *value)
{
	const char *p = *text;

	if (!isdigit((unsigned char)p[0]) || !isdigit((unsigned char)p[1]))
		return -1;
	*value = (p[0] - '0') * 10 + p[1] - '0';
	*text = p + 2;
	return *value > (int)max ? -1 : 0;
}

/* "12:03", "12:03:04.5": since midnight */
static int parse_clock(const char **text, struct time_point *t)
{
	int hour, minute, second = 0;

	if (two_digits(text, 23, &hour) || *(*text)++ != ':' || two_digits(text, 59, &minute))
		return -1;
	t->step = 60 * NSEC_PER_SEC;
	if (**text == ':') {
		(*text)++;
		if (two_digits(text, 60, &second))
			return -1;
		t->step = NSEC_PER_SEC;
	}
	t->ns = (hour * 3600ULL + minute * 60ULL + second) * NSEC_PER_SEC;
	if (t->step == NSEC_PER_SEC)
		*text = fraction(*text, NSEC_PER_SEC, &t->ns, &t->step);
	return 0;
}

/*
 * "Z", "+01:00", "-0800": seconds east of Greenwich. Other times may follow a '-' too: 12:03, or
 * the year of a date.
 */
static bool parse_zone(const char **text, long *east)
{
	int hours, minutes, sign = **text == '-' ? -1 : 1;
	const char *p = *text;

	*east = 0;
	if (*p == 'Z') {
		(*text)++;
		return true;
	}
	if ((*p != '+' && *p != '-') || strspn(p + 1, "0123456789:") > 5)
		return false;
	p++;
	if (two_digits(&p, 23, &hours))
		return false;
	p += sign > 0 && *p == ':';
	if (two_digits(&p, 59, &minutes) || (sign < 0 && *p && *p != ','))
		return false;
	*east = sign * (hours * 3600L + minutes * 60L);
	*text = p;
	return true;
}

/* "2026-11-27T12:03:04.5", with or without a zone. */
static int parse_date(const char **text, struct time_point *t)
{
	struct tm tm = { .tm_isdst = -1 };
	s64 seconds, of_day;
	int century, year;
	long east;

	if (two_digits(text, 99, &century) || two_digits(text, 99, &year) || *(*text)++ != '-' ||
	    two_digits(text, 12, &tm.tm_mon) || *(*text)++ != '-' ||
	    two_digits(text, 31, &tm.tm_mday) || !tm.tm_mon || !tm.tm_mday ||
	    (**text != 'T' && **text != ' '))
		return -1;
	(*text)++;
	if (parse_clock(text, t))
		return -1;
	tm.tm_year = century * 100 + year - 1900;
	tm.tm_mon--;
	of_day = t->ns / NSEC_PER_SEC;
	tm.tm_hour = of_day / 3600;
	tm.tm_min = of_day / 60 % 60;
	tm.tm_sec = of_day % 60;
	seconds = parse_zone(text, &east) ? timegm(&tm) - east : mktime(&tm);
	if (seconds < 0 || seconds > (s64)(UINT64_MAX / 2 / NSEC_PER_SEC))
		return -1;
	t->base = TIME_WALL;
	t->ns = seconds * NSEC_PER_SEC + t->ns % NSEC_PER_SEC;
	return 0;
}

/* Which kind of time it is, the digits before the first mark tell. */
static int parse_point(const char **text, struct time_point *t)
{
	size_t digits = strspn(*text, "0123456789");
	char mark = (*text)[digits];

	*t = (struct time_point) { .base = TIME_OPEN };
	if (!**text || **text == ',')
		return 0;
	if (digits == 4 && mark == '-' && isdigit((unsigned char)(*text)[5]) &&
	    isdigit((unsigned char)(*text)[6]) && (*text)[7] == '-')
		return parse_date(text, t);
	if (digits == 2 && mark == ':') {
		t->base = TIME_OF_DAY;
		return parse_clock(text, t);
	}
	if ((*text)[strspn(*text, "0123456789.")] == '%')
		return parse_percent_of(text, t);
	t->base = TIME_START;
	if (**text == '@') {
		t->base = TIME_MONOTONIC;
		(*text)++;
	}
	return parse_amount(text, t);
}

/* ---- the window ---------------------------------------------------------- */

static int bad_window(const char *text, const char *at)
{
	if (*at)
		return error("--time '%s': cannot understand '%s'; " HOW, text, at);
	return error("--time: no time given; " HOW);
}

/* Where both are of one clock that needs no recording; others are compared once resolved. */
static bool ends_early(const struct time_window *w)
{
	return w->begin.base != TIME_OPEN && w->end.base == w->begin.base &&
	       w->end.base != TIME_OF_DAY && w->end.ns < w->begin.ns;
}

int time_window__parse(struct time_window *w, const char *text)
{
	const char *p = text, *at = text;

	*w = (struct time_window) { .active = true, .to = UINT64_MAX };
	if (!*text || *text == '-' || parse_point(&p, &w->begin))
		return bad_window(text, at);
	if (!*p && w->begin.base != TIME_OPEN) {
		w->end = w->begin;
		w->end.ns += w->begin.step - 1;
		return 0;
	}
	at = p;
	if (*p != ',' && *p != '-')
		return bad_window(text, at);
	at = ++p;
	if (parse_point(&p, &w->end))
		return bad_window(text, at);
	if (*p)
		return bad_window(text, p);
	if (w->begin.base == TIME_MONOTONIC && w->end.base == TIME_START)
		w->end.base = TIME_MONOTONIC;
	if (!ends_early(w))
		return 0;
	if (w->begin.base == TIME_WALL || w->begin.base == TIME_PERCENT)
		return error("--time '%s': ends before it begins", text);
	return error("--time '%s': ends (%.9g s) before it begins (%.9g s)", text, w->end.ns / 1e9,
		     w->begin.ns / 1e9);
}

int time_window__parse_around(struct time_window *w, const char *text)
{
	static const char *const marks[] = { "±", "+-", "+/-" };
	struct time_point around = { .base = TIME_OPEN };
	const char *p = text;
	size_t i = 0, len;

	*w = (struct time_window) { .active = true };
	if (!parse_point(&p, &w->begin) && w->begin.base != TIME_OPEN &&
	    w->begin.base != TIME_PERCENT) {
		while (i < ARRAY_SIZE(marks) && strncmp(p, marks[i], strlen(marks[i])))
			i++;
		len = i < ARRAY_SIZE(marks) ? strlen(marks[i]) : 0;
		p += len;
		if (len && !parse_amount(&p, &around) && !*p) {
			w->is_around = true;
			w->around_ns = around.ns;
			return 0;
		}
	}
	return error("--around '%s': must be T+-D, such as 2.1+-50ms or 12:03:04.5+-1s; T is a time as for --time, but not a percentage",
		     text);
}

bool time_window__needs_duration(const struct time_window *w)
{
	return w->begin.base == TIME_PERCENT || w->end.base == TIME_PERCENT;
}

static void set_duration(struct time_point *t, u64 duration_ns)
{
	if (t->base != TIME_PERCENT)
		return;
	t->base = TIME_START;
	t->ns = (unsigned __int128)duration_ns * t->ns / 100 / PERCENT;
}

void time_window__set_duration(struct time_window *w, u64 duration_ns)
{
	set_duration(&w->begin, duration_ns);
	set_duration(&w->end, duration_ns);
}

/* ---- in a recording ------------------------------------------------------ */

/* A local time of the day of realtime_ns, or of one days later, as realtime. */
static u64 at_time_of_day(u64 realtime_ns, int days, u64 of_day)
{
	time_t seconds = realtime_ns / NSEC_PER_SEC;
	u64 clock = of_day / NSEC_PER_SEC;
	struct tm tm;

	if (!localtime_r(&seconds, &tm))
		return 0;
	tm.tm_hour = clock / 3600;
	tm.tm_min = clock / 60 % 60;
	tm.tm_sec = clock % 60;
	tm.tm_mday += days;
	tm.tm_isdst = -1;
	seconds = mktime(&tm);
	return seconds < 0 ? 0 : seconds * NSEC_PER_SEC + of_day % NSEC_PER_SEC;
}

/*
 * A time of day is that of the day on which the recording began, or of the next one if it had
 * passed long before. since: realtime.
 */
static u64 on_its_day(u64 of_day, u64 since, u64 slack)
{
	u64 today = at_time_of_day(since, 0, of_day);

	return sat_add(today, slack) < since ? at_time_of_day(since, 1, of_day) : today;
}

static u64 resolve_point(const struct time_point *t, const struct time_anchor *a, u64 since,
			 u64 slack)
{
	u64 wall = t->ns;

	if (t->base == TIME_MONOTONIC)
		return t->ns;
	if (t->base == TIME_START)
		return sat_add(a->start_ns, t->ns);
	if (t->base == TIME_OF_DAY)
		wall = on_its_day(t->ns, since, slack);
	/* Before the host was started there is no CLOCK_MONOTONIC. */
	if (wall < a->realtime_ns && a->realtime_ns - wall > a->monotonic_ns)
		return 0;
	return a->monotonic_ns + (wall - a->realtime_ns);
}

static bool needs_clock(const struct time_point *t)
{
	return t->base == TIME_WALL || t->base == TIME_OF_DAY;
}

void time_window__resolve(struct time_window *w, const struct time_anchor *a)
{
	u64 start = a->realtime_ns + (a->start_ns - a->monotonic_ns);

	if (!w->active || w->resolved)
		return;
	w->resolved = true;
	w->from = a->start_ns;
	if (!a->has_clock && (needs_clock(&w->begin) || needs_clock(&w->end))) {
		w->wrong = "is a time of day, and this recording does not say when it was made";
		w->from = UINT64_MAX;
		w->to = 0;
		return;
	}
	if (w->begin.base != TIME_OPEN)
		w->from = resolve_point(&w->begin, a, start, HOUR_NS);
	if (w->is_around) {
		w->to = sat_add(w->from, w->around_ns);
		w->from = w->from > a->start_ns && w->from - a->start_ns > w->around_ns ?
			  w->from - w->around_ns : w->from < a->start_ns ? w->from : a->start_ns;
		return;
	}
	/* What ends it comes after its begin, if need be on the next day. */
	if (w->begin.base == TIME_WALL || w->begin.base == TIME_OF_DAY)
		start = a->realtime_ns + (w->from - a->monotonic_ns);
	if (w->end.base != TIME_OPEN)
		w->to = resolve_point(&w->end, a, start, w->begin.base == TIME_OPEN ? HOUR_NS : 0);
}

void time_window__clip(struct time_window *w, const struct time_anchor *a, u64 from, u64 to)
{
	if (!from && to == UINT64_MAX)
		return;
	if (!w->active)
		*w = (struct time_window) { .active = true, .resolved = true, .from = a->start_ns,
					    .to = UINT64_MAX };
	if (w->from < from)
		w->from = from;
	if (w->to > to)
		w->to = to;
}
