// SPDX-License-Identifier: GPL-2.0
/*
 * The table of a report.  There are several layouts, from generous to tight: the
 * first that fits the screen is taken.
 */
#include <string.h>

#include "util/event_desc.h"
#include "util/render/dist.h"
#include "util/render/render.h"
#include "util/render/units.h"

enum column_id {
	COL_KEY,
	COL_COUNT = NR_REPORT_KEYS,
	COL_COUNT_PCT, COL_TIME, COL_TIME_PCT, COL_GUEST,
	COL_MIN, COL_MEAN, COL_P50, COL_P90, COL_P99, COL_MAX, COL_BAR,
	NR_COLUMNS,
};

#define CELL_MAX	(REPORT_LABEL_MAX + 1)
#define MIN_KEY		8	/* columns that a key keeps in the tightest layout */
#define ROOM_KEY	32	/* above which a key is cut sooner than columns go */
#define TIGHT_KEY	22	/* to which it is cut before most durations go */
#define NAMED_KEY	48	/* a detail with its name is not cut to less before columns go */

static const struct layout {
	enum units units;
	u32 bar;
	bool guest;		/* time in KVM_RUN */
	u32 cut;		/* how many of cut_columns are not shown */
} layouts[] = {
	{ UNITS_FULL, 24, true, 0 },
	{ UNITS_FULL, 12, true, 0 },
	{ UNITS_5, 16, true, 0 },
	{ UNITS_5, 8, true, 0 },
	{ UNITS_5, 12, false, 0 },
	{ UNITS_5, 6, false, 0 },
	{ UNITS_4, 6, false, 0 },
	{ UNITS_4, 4, false, 0 },
	/* For keys that leave no room else. */
	{ UNITS_4, 4, false, 2 },
	{ UNITS_4, 4, false, 3 },
	{ UNITS_4, 4, false, 4 },
	{ UNITS_4, 4, false, 6 },
	{ UNITS_4, 4, false, 7 },
};

/* What tells least first. */
static const u8 cut_columns[] = { COL_MIN, COL_P90, COL_P50, COL_BAR, COL_MAX, COL_P99, COL_MEAN };

struct table {
	const struct screen *s;
	const struct report *rep;
	const struct layout *layout;
	struct dist_axis axis;
	u32 width[NR_COLUMNS];	/* 0: not shown */
	u32 max_key;		/* wider keys are cut */
};

static bool is_key(u32 col)
{
	return col < COL_COUNT;
}

static bool table__shown(const struct table *t, u32 col)
{
	const struct report *rep = t->rep;

	if (is_key(col))
		return col < rep->opt->nr_sort;
	if (col == COL_GUEST)
		return t->layout->guest && event_desc__is_cycle(rep->event);
	for (u32 i = 0; i < t->layout->cut; i++)
		if (cut_columns[i] == col)
			return false;
	return rep->has_spans || col == COL_COUNT || col == COL_COUNT_PCT;
}

static const char *table__heading(const struct table *t, u32 col, char *buf)
{
	static const char *const names[NR_COLUMNS] = {
		[COL_COUNT] = "count", [COL_COUNT_PCT] = "%", [COL_TIME] = "time",
		[COL_TIME_PCT] = "%", [COL_GUEST] = "KVM_RUN",
		[COL_MIN] = "min", [COL_MEAN] = "mean", [COL_P50] = "p50", [COL_P90] = "p90",
		[COL_P99] = "p99", [COL_MAX] = "max", [COL_BAR] = "dist",
	};
	bool rows_only = t->rep->partly && col >= COL_MIN && col != COL_MEAN;

	if (is_key(col))
		return strcpy(buf, sort_key__title(sort_key__get(t->rep->opt->sort[col]),
						   t->rep->desc));
	snprintf(buf, CELL_MAX, "%s%s", names[col], rows_only ? "*" : "");
	return buf;
}

static const char *table__cell(const struct table *t, const struct report_row *row, u32 col,
			       char *buf)
{
	enum units units = t->layout->units;
	const u64 durations[NR_COLUMNS] = {
		[COL_TIME] = row->time_ns, [COL_GUEST] = row->gap_ns, [COL_MIN] = row->min_ns,
		[COL_MEAN] = row->mean_ns, [COL_P50] = row->p50_ns, [COL_P90] = row->p90_ns,
		[COL_P99] = row->p99_ns, [COL_MAX] = row->max_ns,
	};

	if (is_key(col)) {
		/* The total has no label: it bears its name in the first column. */
		bool total = row == &t->rep->total;

		return strcpy(buf, !total ? row->label[col] : col ? "" : "total");
	}
	switch (col) {
	case COL_COUNT:
		snprintf(buf, CELL_MAX, "%llu", (unsigned long long)row->count);
		return buf;
	case COL_COUNT_PCT:
		return units__percent(row->count_percent, units, buf);
	case COL_TIME_PCT:
		return row->time_ns == KVMW_NONE ? strcpy(buf, "-") :
		       units__percent(row->time_percent, units, buf);
	case COL_BAR:
		dist__bar(t->s, &t->axis, &row->span, buf);
		return buf;
	default:
		return units__ns(durations[col], units, buf);
	}
}

/* Of keys, a number and its name are what a row is about; half of it says nothing. */
static u32 max_key(const struct table *t, u32 col)
{
	bool named = t->rep->opt->sort[col] == KEY_DETAIL && t->rep->event != KVMW_EVENT_STACK;

	return named && t->max_key < NAMED_KEY ? NAMED_KEY : t->max_key;
}

static u32 table__measure(struct table *t)
{
	char buf[CELL_MAX];
	u32 total = 0;

	t->axis = dist_axis__make(&t->rep->total.span, t->layout->bar);
	for (u32 col = 0; col < NR_COLUMNS; col++) {
		u32 width;

		t->width[col] = 0;
		if (!table__shown(t, col))
			continue;
		width = screen__width(t->s, table__heading(t, col, buf));
		for (u32 i = 0; i <= report__visible(t->rep); i++) {
			const struct report_row *row = i < report__visible(t->rep) ? &t->rep->row[i] :
									     &t->rep->total;
			u32 need = screen__width(t->s, table__cell(t, row, col, buf));

			width = need > width ? need : width;
		}
		if (is_key(col) && width > max_key(t, col))
			width = max_key(t, col);
		t->width[col] = width;
		total += width + !!col;
	}
	return total;
}

/* The longest keys give way until the line fits. */
static void table__squeeze(struct table *t, u32 total)
{
	while (total > t->s->width) {
		u32 longest = 0;

		for (u32 col = 0; is_key(col); col++)
			if (t->width[col] > t->width[longest])
				longest = col;
		if (t->width[longest] <= MIN_KEY)
			return;
		t->width[longest]--;
		total--;
	}
}

/*
 * In a wide enough screen long keys are cut before columns are left out, which could
 * not be had otherwise.  Where that is not enough, columns go rather than what tells the
 * rows apart; in the tightest layout keys are cut all the same.
 */
static void choose_layout(struct table *t)
{
	static const struct pass {
		u32 max_key;
		u32 from_cut, to_cut;	/* layouts that cut this many columns */
		bool full;		/* those with written-out units too */
	} passes[] = {
		/* Whole keys are worth more than the written-out units. */
		{ CELL_MAX, 0, 0, true },
		{ ROOM_KEY, 0, 0, false },
		{ TIGHT_KEY, 0, 0, false },
		{ TIGHT_KEY, 1, NR_COLUMNS, false },
	};
	u32 total = 0;

	for (size_t p = 0; p < ARRAY_SIZE(passes); p++) {
		t->max_key = passes[p].max_key;
		for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
			t->layout = &layouts[i];
			if (t->layout->cut < passes[p].from_cut || t->layout->cut > passes[p].to_cut ||
			    (t->layout->units == UNITS_FULL && !passes[p].full))
				continue;
			total = table__measure(t);
			if (total <= t->s->width)
				return;
		}
	}
	table__squeeze(t, total);
}

static void print_row(const struct table *t, const struct report_row *row)
{
	char buf[CELL_MAX];

	for (u32 col = 0; col < NR_COLUMNS; col++) {
		if (!t->width[col])
			continue;
		const char *text =
			row ? table__cell(t, row, col, buf) : table__heading(t, col, buf);

		if (col && (col != COL_BAR || *text))
			fputc(' ', t->s->out);
		screen__field(t->s, text, col == COL_BAR ? screen__width(t->s, text) : t->width[col],
			      is_key(col));
	}
	fputc('\n', t->s->out);
}

void render__hidden(const struct screen *s, const struct report *rep)
{
	const char *rows = rep->nr_hidden == 1 ? "row" : "rows";
	char words[256];

	if (!rep->nr_hidden)
		return;
	if (rep->opt->top && report__visible(rep) == rep->opt->top)
		snprintf(words, sizeof(words), "%u more %s not shown, but included in the total "
			 "(use --top N)", rep->nr_hidden, rows);
	else
		snprintf(words, sizeof(words), "%u %s below %g%% not shown, but included in the total",
			 rep->nr_hidden, rows, rep->opt->percent_limit);
	screen__wrap(s, "# ", "# ", words);
}

/* What a family's time means: for some kinds it is a lateness, or the time since a step. */
static void meaning_of_time(const struct table *t)
{
	const struct event_desc *event = event_desc__by_id(t->rep->event);
	int span = event_desc__field(event, "span_ns", strlen("span_ns"));
	char words[256];

	if (span < 0)
		return;
	snprintf(words, sizeof(words), "time: %s", event->fields[span].doc);
	screen__wrap(t->s, "# ", "# ", words);
}

static void legend(const struct table *t)
{
	char from[UNITS_MAX], to[UNITS_MAX], words[256];

	if (t->width[COL_TIME] && !event_desc__is_cycle(t->rep->event))
		meaning_of_time(t);
	if (t->width[COL_BAR] && t->rep->total.span.count) {
		units__ns(1ULL << t->axis.low, UNITS_5, from);
		units__ns(t->axis.high < 63 ? 2ULL << t->axis.high : UINT64_MAX - 1, UNITS_5, to);
		snprintf(words, sizeof(words), "dist: log2 histogram of durations, %s to %s, %u "
			 "power%s of two per character", from, to, t->axis.step,
			 t->axis.step == 1 ? "" : "s");
		screen__wrap(t->s, "# ", "# ", words);
	}
	render__hidden(t->s, t->rep);
}

void render__table(const struct screen *s, const struct report *rep)
{
	struct table t = { .s = s, .rep = rep };

	choose_layout(&t);
	print_row(&t, NULL);
	for (u32 i = 0; i < report__visible(rep); i++)
		print_row(&t, &rep->row[i]);
	print_row(&t, &rep->total);
	legend(&t);
}
