// SPDX-License-Identifier: GPL-2.0
/* The table of events other than VM exits. What does not fit is omitted, the least useful first. */
#include <string.h>

#include "util/event_desc.h"
#include "util/render/chosen.h"

enum column_id {
	COL_COUNT,
	COL_COUNT_PCT,
	COL_TIME,
	COL_TIME_PCT,
	COL_GUEST,
	COL_MIN,
	COL_MEAN,
	COL_P50,
	COL_P90,
	COL_P99,
	COL_MAX,
	COL_DIST,
	NR_COLUMNS
};

static const struct column_desc {
	const char *head;
	bool sum;
	u8 drop;		/* struct textgrid */
} columns[NR_COLUMNS] = {
	[COL_COUNT] = { "count", false, 0 },
	[COL_COUNT_PCT] = { "%", false, 1 },
	[COL_TIME] = { "time", true, 0 },
	[COL_TIME_PCT] = { "%", false, 1 },
	[COL_GUEST] = { "KVM_RUN", true, 9 },
	[COL_MIN] = { "min", false, 8 },
	[COL_MEAN] = { "mean", false, 2 },
	[COL_P50] = { "p50", false, 4 },
	[COL_P90] = { "p90", false, 7 },
	[COL_P99] = { "p99", false, 3 },
	[COL_MAX] = { "max", false, 2 },
	[COL_DIST] = { "dist (log)", false, 6 },
};

struct table {
	const struct screen *s;
	const struct report *rep;
	struct textgrid grid;
	struct textgrid_col col[TEXTGRID_MAX];
	u8 drop[TEXTGRID_MAX];
	u32 nr_keys, nr_cols;
	char head[NR_COLUMNS][UNITS_MAX];
	char ends[UNITS_MAX * 2];	/* of the axis */
	struct dist_axis axis;
	struct chosen chosen;
};

static bool table__has_column(const struct table *t, u32 col)
{
	if (t->rep->opt->nr_columns)
		return false;
	if (col == COL_GUEST)
		return event_desc__is_cycle(t->rep->event);
	return t->rep->has_spans || col <= COL_COUNT_PCT;
}

static void table__add_column(struct table *t, u32 col)
{
	bool of_rows = t->rep->partly && col >= COL_MIN && col != COL_MEAN;

	snprintf(t->head[col], sizeof(t->head[col]), "%s%s", columns[col].head, of_rows ? "*" : "");
	t->drop[t->nr_cols] = columns[col].drop;
	t->col[t->nr_cols++] = (struct textgrid_col) {
		.group = col == COL_DIST ? columns[col].head : NULL,
		.head = col == COL_DIST ? t->ends : t->head[col],
		.left = col == COL_DIST,
		.sum = columns[col].sum,
	};
}

/* A key that is long gives way: a detail, or what comes first. */
static void table__add_key(struct table *t, u32 i)
{
	t->col[t->nr_cols++] = (struct textgrid_col) {
		.head = sort_key__title(report_options__key(t->rep->opt, i), t->rep->desc),
		.left = true,
		.give = t->rep->opt->sort[i] == KEY_DETAIL,
	};
}

static void table__init(struct table *t, const struct screen *s, const struct report *rep)
{
	*t = (struct table) { .s = s, .rep = rep, .nr_keys = rep->opt->nr_sort };
	for (u32 i = 0; i < t->nr_keys; i++)
		table__add_key(t, i);
	t->axis = dist_axis__make(&rep->total.span, s->width < 120 ? DIST_USUAL : DIST_MAX);
	dist__ends(&t->axis, t->ends, sizeof(t->ends));
	for (u32 col = 0; col < NR_COLUMNS; col++)
		if (table__has_column(t, col))
			table__add_column(t, col);
	t->chosen = (struct chosen) { .s = s, .rep = rep, .axis = &t->axis, .ends = t->ends };
	t->nr_cols += chosen__describe(&t->chosen, &t->col[t->nr_cols], &t->drop[t->nr_cols]);
	textgrid__init(&t->grid, t->col, t->nr_cols);
	t->grid.drop = t->drop;
}

static void table__add_cell(struct table *t, const struct report_row *row, u32 col)
{
	const u64 durations[NR_COLUMNS] = {
		[COL_TIME] = row->time_ns, [COL_GUEST] = row->gap_ns, [COL_MIN] = row->min_ns,
		[COL_MEAN] = row->mean_ns, [COL_P50] = row->p50_ns, [COL_P90] = row->p90_ns,
		[COL_P99] = row->p99_ns, [COL_MAX] = row->max_ns,
	};
	char buf[UNITS_MAX];

	switch (col) {
	case COL_COUNT:
		textgrid__count(&t->grid, row->count);
		break;
	case COL_COUNT_PCT:
		textgrid__add(&t->grid, "%s", units__percent(row->count_percent, UNITS_2, buf));
		break;
	case COL_TIME_PCT:
		textgrid__add(&t->grid, "%s", row->time_ns == KVMW_NONE ? "-" :
			      units__percent(row->time_percent, UNITS_2, buf));
		break;
	case COL_DIST:
		textgrid__dist(&t->grid, t->s, &t->axis, row);
		break;
	default:
		textgrid__ns(&t->grid, durations[col]);
	}
}

static void table__add_row(struct table *t, const struct report_row *row)
{
	bool total = row == &t->rep->total;

	/* The total has no label: it bears its name in the first column. */
	for (u32 i = 0; i < t->nr_keys; i++)
		textgrid__add(&t->grid, "%s", !total ? row->label[i] : i ? "" : "total");
	for (u32 col = 0; col < NR_COLUMNS; col++)
		if (table__has_column(t, col))
			table__add_cell(t, row, col);
	chosen__add(&t->chosen, &t->grid, row);
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
		snprintf(words, sizeof(words),
			 "%u %s below %g%% not shown, but included in the total", rep->nr_hidden,
			 rows, rep->opt->percent_limit);
	screen__wrap(s, "# ", "# ", words);
}

/* What a family's time means: for some kinds it is a lateness, or the time since a step. */
static void table__legend(const struct table *t)
{
	const struct event_desc *event = event_desc__by_id(t->rep->event);
	int span = event_desc__field(event, "span_ns", strlen("span_ns"));
	char words[256];

	if (t->rep->has_spans && span >= 0 && !event_desc__is_cycle(t->rep->event)) {
		snprintf(words, sizeof(words), "time: %s", event->fields[span].doc);
		screen__color(t->s, COLOR_DIM);
		screen__wrap(t->s, "# ", "# ", words);
		screen__plain(t->s);
	}
	render__hidden(t->s, t->rep);
}

int render__table(const struct screen *s, const struct report *rep)
{
	struct table t;

	table__init(&t, s, rep);
	for (u32 i = 0; i < report__visible(rep); i++)
		table__add_row(&t, &rep->row[i]);
	table__add_row(&t, &rep->total);
	if (textgrid__finish(&t.grid, s))
		return -1;
	if (rep->opt->nr_columns)
		chosen__missing(&t.chosen, &t.grid, t.nr_keys);
	table__legend(&t);
	return 0;
}
