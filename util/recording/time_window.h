/* SPDX-License-Identifier: GPL-2.0 */
/* --time: a part of a recording, in seconds since its start, of CLOCK_MONOTONIC, or the clock. */
#ifndef KVMW_TIME_WINDOW_H
#define KVMW_TIME_WINDOW_H

#include "util/types.h"

enum time_base { TIME_OPEN, TIME_START, TIME_PERCENT, TIME_MONOTONIC, TIME_WALL, TIME_OF_DAY };

/* One end as it was typed. */
struct time_point {
	enum time_base base;	/* TIME_OPEN: the recording's own end */
	/* TIME_WALL: since 1970; TIME_OF_DAY: since midnight; TIME_PERCENT: of 1e9, all of it */
	u64 ns;
	u64 step;		/* what the last digit stands for, ns */
};

/* Both ends are inclusive. */
struct time_window {
	bool active;
	bool resolved;
	struct time_point begin, end;
	/* of --around: it extends around_ns to either side of begin, and end is unused */
	bool is_around;
	u64 around_ns;
	const char *wrong;	/* why it cannot be resolved; NULL: nothing */
	u64 from, to;		/* ns of CLOCK_MONOTONIC, once resolved */
};

static inline const char *time_window__option(const struct time_window *w)
{
	return w->is_around ? "--around" : "--time";
}

/* Whether an option chose it; a part of a recording has a window of its own. */
static inline bool time_window__is_given(const struct time_window *w)
{
	return w->is_around || w->begin.base != TIME_OPEN || w->end.base != TIME_OPEN;
}

/* For messages: "that window of ", "--time"; "", "this part". */
static inline const char *time_window__that(const struct time_window *w)
{
	return time_window__is_given(w) ? "that window of " : "";
}

static inline const char *time_window__chosen(const struct time_window *w)
{
	return time_window__is_given(w) ? time_window__option(w) : "this part";
}

/* What a recording knows of its clocks. */
struct time_anchor {
	u64 start_ns;		/* CLOCK_MONOTONIC */
	bool has_clock;		/* the other two are known: both of one moment */
	u64 monotonic_ns, realtime_ns;
};

/*
 * Parses "FROM,TO" or "FROM-TO", where either may be missing, or one time, which stands for as
 * long as its last digit. A time is 2.1, 2.1s, 2100ms: since the start; 10%: of the duration; @8.5:
 * of CLOCK_MONOTONIC, and then so is TO; 12:03:04.5, 2026-11-27T12:03:04: by the reader's clock.
 * 0, or -1 (error() said why).
 */
int time_window__parse(struct time_window *w, const char *text);

/*
 * Parses "T±D", or "T+-D" for keyboards without it: from D before T, a time as above, to D after
 * it. 0, or -1 (error() said why).
 */
int time_window__parse_around(struct time_window *w, const char *text);

/* Whether it depends on how long the recording is, which is then said before it is resolved. */
bool time_window__needs_duration(const struct time_window *w);
void time_window__set_duration(struct time_window *w, u64 duration_ns);

/* Converts both ends to CLOCK_MONOTONIC, once. */
void time_window__resolve(struct time_window *w, const struct time_anchor *anchor);

/* No more than that: of a part of a recording, which begins or ends there; 0, all ones: none. */
void time_window__clip(struct time_window *w, const struct time_anchor *anchor, u64 from, u64 to);

/* Whether an end of it is a date or a time of day. */
static inline bool time_window__by_clock(const struct time_window *w)
{
	return w->begin.base >= TIME_WALL || w->end.base >= TIME_WALL;
}

static inline bool time_window__has(const struct time_window *w, u64 time_ns)
{
	return !w->active || (time_ns >= w->from && time_ns <= w->to);
}

#endif
