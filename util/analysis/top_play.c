// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/report/aggregate_rows.h"
#include "util/analysis/top_play.h"
#include "util/error.h"
#include "util/recording/timeline.h"

#define BATCH		1024	/* rows */
/*
 * Intervals without a row that are given, one after another and in all; what follows is skipped up
 * to the next row.
 */
#define MAX_EMPTY	100
#define MAX_EMPTY_ALL	10000

struct player {
	const struct top_play *play;
	struct report_options opt, by_reason;
	struct report_scan scan;
	void *rows;		/* its state: of this interval; NULL before the first row */
	u64 start_ns, from_ns, to_ns;	/* start: of the recording; to: where this interval ends */
	u32 nr_empty;		/* intervals that were given, of MAX_EMPTY_ALL */
	u32 event;		/* that rows are of; 0: not known yet */
	u32 nr_columns;
	u64 *col[COLUMNS_MAX];
	u64 buf[COLUMNS_MAX][BATCH];
};

static int player__begin(struct player *p)
{
	p->rows = p->scan.consumer.new(p->scan.consumer.arg);
	return p->rows ? 0 : -1;
}

static void player__drop(struct player *p)
{
	if (p->rows)
		p->scan.consumer.free(p->rows);
	p->rows = NULL;
}

/* Exits, where there are any. */
static int player__choose(struct player *p, u32 event)
{
	const char *const *names;

	player__drop(p);
	p->event = event;
	top__options(&p->opt, event, event == KVMW_EVENT_EXIT);
	top__reason_options(&p->by_reason, event);
	p->opt.budget = p->by_reason.budget = p->play->rec->budget;
	report_scan__init(&p->scan, &p->opt, true);
	names = p->scan.event[0].columns;
	for (p->nr_columns = 0; names[p->nr_columns]; p->nr_columns++)
		p->col[p->nr_columns] = p->buf[p->nr_columns];
	return player__begin(p);
}

/* ---- an interval that is over -------------------------------------------------- */

static int give_reports(struct player *p, struct recording *part, struct agg_table *aggs)
{
	struct report rep = { .nr_rows = 0 }, by_reason = { .nr_rows = 0 };
	int ret = report__make(&rep, part, aggs, &p->opt) ? -1 :
		  report__make(&by_reason, part, aggs, &p->by_reason);

	if (!ret)
		ret = p->play->interval(p->play->arg, &rep, &by_reason, p->to_ns - p->start_ns);
	report__free(&rep);
	report__free(&by_reason);
	return ret;
}

/* Its rows are those of a recording that begins and ends with it. */
static int player__give(struct player *p)
{
	struct recording part = *p->play->rec;
	struct agg_table aggs;
	int ret;

	report_scan__take_result(p->rows, &aggs);
	p->rows = NULL;
	part.totals = (struct agg_table) { .over_limit = 0 };
	part.meta.start_ns = p->from_ns;
	part.meta.stop_ns = p->to_ns;
	part.window = (struct time_window) { .active = true, .resolved = true, .from = p->from_ns,
					     .to = p->to_ns };
	ret = give_reports(p, &part, &aggs);
	agg_table__free(&aggs);
	return ret ?: player__begin(p);
}

static void player__skip(struct player *p, u64 nr)
{
	if (!nr)
		return;
	p->from_ns += nr * p->play->interval_ns;
	p->play->skipped(p->play->arg, nr, p->from_ns - p->start_ns);
}

/* All that ended before a row.  0; 1: enough; -1 */
static int give_before(struct player *p, u64 time_ns)
{
	u64 interval_ns = p->play->interval_ns;

	/* The first one has rows. */
	for (u32 empty = 0; time_ns >= p->to_ns; empty++) {
		int ret = player__give(p);

		if (ret)
			return ret;
		p->from_ns = p->to_ns;
		p->nr_empty += empty > 0;
		if (empty >= MAX_EMPTY || p->nr_empty >= MAX_EMPTY_ALL)
			player__skip(p, (time_ns - p->from_ns) / interval_ns);
		p->to_ns = sat_add(p->from_ns, interval_ns);
		/* The end of time. */
		if (p->to_ns == UINT64_MAX)
			return 0;
	}
	return 0;
}

/* ---- rows in order of time ------------------------------------------------------- */

static int player__take(struct player *p, const struct slice *s, u32 from, u32 to)
{
	static const struct data_frame frame = { .seq = 0 };
	const struct scan_batch batch = {
		.event = &p->scan.event[0], .frame = &frame, .desc = s->event, .rows = to - from,
		.from_ns = p->from_ns, .col = p->col,
	};

	for (u32 k = 0; k < p->nr_columns; k++) {
		int field = data_event__field(s->event, batch.event->columns[k]);

		for (u32 i = from; i < to; i++)
			p->buf[k][i - from] = field < 0 ? KVMW_NONE : slice__get(s, field, i);
	}
	return p->scan.consumer.take(p->rows, &batch);
}

static int player__start(struct player *p, u64 time_ns)
{
	p->start_ns = p->from_ns = p->play->rec->meta.start_ns ?: time_ns;
	p->to_ns = sat_add(p->from_ns, p->play->interval_ns);
	return 0;
}

static int player__rows(void *ctx, struct slice *s, u32 from, u32 to)
{
	struct player *p = ctx;

	if (!p->event)
		player__start(p, slice__time(s, from));
	if ((!p->event || (p->event != s->event->id && s->event->id == KVMW_EVENT_EXIT)) &&
	    player__choose(p, s->event->id))
		return -1;
	if (p->event != s->event->id)
		return 0;
	while (from < to) {
		u32 end = from;
		int ret = give_before(p, slice__time(s, from));

		if (ret)
			return ret;
		while (end < to && end - from < BATCH &&
		       (end == from || slice__time(s, end) < p->to_ns))
			end++;
		if (player__take(p, s, from, end))
			return -1;
		from = end;
	}
	return 0;
}

static int player__wants(void *ctx, const struct data_reader *r, const struct data_frame *f)
{
	const struct player *p = ctx;

	if (!data_reader__event(r, f->event))
		return 0;
	return f->event == KVMW_EVENT_EXIT ||
	       (f->event == KVMW_EVENT_USERSPACE && !p->play->rec->event_rows[KVMW_EVENT_EXIT]);
}

/* The last one. */
static int player__end(struct player *p)
{
	u64 end = recording__end(p->play->rec);
	int ret = p->event ? give_before(p, end ? end - 1 : 0) : 0;

	if (ret || !p->event)
		return ret;
	if (end > p->from_ns && end < p->to_ns)
		p->to_ns = end;
	return player__give(p);
}

int top_play__read(const struct top_play *play, struct data_reader *r)
{
	struct player *p = mem__calloc(1, sizeof(*p));
	const struct timeline timeline = {
		.rec = play->rec, .stream = play->stream, .ctx = p, .wants = player__wants,
		.rows = player__rows,
	};
	int ret;

	if (!p)
		return -1;
	p->play = play;
	ret = timeline__read(&timeline, r);
	if (!ret)
		ret = player__end(p);
	player__drop(p);
	free(p);
	return ret;
}
