// SPDX-License-Identifier: GPL-2.0
/*
 * The table of VM exits: what each row took of the time of all vCPUs, which is 100 %, and how
 * long its cycles were.  What does not fit is omitted, the least informative first.
 */
#include <stdlib.h>
#include <string.h>

#include "util/render/chosen.h"
#include "util/render/sparks.h"

enum reason_column { EXITS, RATE, COST, KVM, VMM, POLLING, HALTED, WAITING, THROTTLED, BLOCKED,
		     P50, P99, MAX, DIST, SPARKS, P99_SPARKS, NR_REASON_COLUMNS };

static const struct column_desc {
	const char *group, *head;
	u8 drop;		/* struct textgrid */
	enum report_column is;
} columns[NR_REASON_COLUMNS] = {
	[EXITS] = { NULL, "exits", 0, COLUMN_COUNT },
	[RATE] = { NULL, "/s", 60, COLUMN_RATE },
	[COST] = { SHARES_GROUP, "cost", 0, COLUMN_COST },
	[KVM] = { SHARES_GROUP, "KVM", 10, COLUMN_KVM },
	[VMM] = { SHARES_GROUP, "VMM", 10, COLUMN_VMM },
	[POLLING] = { SHARES_GROUP, "poll", 10, COLUMN_POLLING },
	[HALTED] = { SHARES_GROUP, "halt", 10, COLUMN_HALTED },
	[WAITING] = { SHARES_GROUP, "wait", 10, COLUMN_WAITING },
	[THROTTLED] = { SHARES_GROUP, "throttled", 10, COLUMN_THROTTLED },
	[BLOCKED] = { SHARES_GROUP, "block", 10, COLUMN_BLOCKED },
	[P50] = { CYCLE_GROUP, "p50", 40, COLUMN_P50 },
	[P99] = { CYCLE_GROUP, "p99", 20, COLUMN_P99 },
	[MAX] = { CYCLE_GROUP, "max", 30, COLUMN_MAX },
	[DIST] = { "dist (log)", NULL, 80, COLUMN_HIST },
	[SPARKS] = { SPARKS_GROUP, "/s", 65, NR_REPORT_COLUMNS },
	[P99_SPARKS] = { SPARKS_GROUP, "p99", 75, NR_REPORT_COLUMNS },
};

/* On screens of at least this width. */
static const u32 shown_from[NR_REASON_COLUMNS] = { [SPARKS] = 100, [P99_SPARKS] = 140 };

#define LITTLE	70		/* drop: of a part below 1 % of the whole */

struct reason_table {
	const struct screen *s;
	const struct report *rep;
	struct textgrid grid;
	struct textgrid_col col[TEXTGRID_MAX];
	u8 drop[TEXTGRID_MAX];
	u32 nr_keys, nr_cols;
	u32 at[NR_REASON_COLUMNS];	/* where a column is in the grid; TEXTGRID_MAX: nowhere */
	char head[NR_REASON_COLUMNS][UNITS_MAX];
	char ends[UNITS_MAX * 2];	/* of the axis */
	struct dist_axis axis;
	struct chosen chosen;
};

static const struct report_row *visible_row(const struct report *rep, u32 i)
{
	return i < report__visible(rep) ? &rep->row[i] : &rep->total;
}

/* The rows that are shown, the total last. */
static u32 nr_visible(const struct report *rep)
{
	return report__visible(rep) + 1;
}

static u64 part_of(const struct report_row *row, u32 col)
{
	return report_column__get(columns[col].is)->measure(row);
}

/* Of parts the least is dropped first. */
static u8 drop_rank(const struct report *rep, u32 col)
{
	u8 rank = columns[col].drop;
	u64 part;

	if (col < KVM || col > BLOCKED)
		return rank;
	part = part_of(&rep->total, col);
	if (part == KVMW_NONE)
		return rank;
	if (part < rep->whole.wall_ns / 100)
		return LITTLE;
	for (u32 i = KVM; i <= BLOCKED; i++) {
		u64 other = part_of(&rep->total, i);

		rank -= other != KVMW_NONE && other < part;
	}
	return rank;
}

static void reason_table__add_column(struct reason_table *t, u32 col)
{
	bool of_rows = t->rep->partly && col >= P50 && col != DIST;

	snprintf(t->head[col], sizeof(t->head[col]), "%s%s", columns[col].head, of_rows ? "*" : "");
	t->at[col] = t->nr_cols;
	t->drop[t->nr_cols] = drop_rank(t->rep, col);
	t->col[t->nr_cols++] = (struct textgrid_col) {
		.group = columns[col].group,
		.head = col == DIST ? t->ends : t->head[col],
		.left = col >= DIST,
		.from = shown_from[col],
		.dull = col >= KVM && col <= BLOCKED,
	};
}

static void add_chosen(struct reason_table *t)
{
	const struct report_options *opt = t->rep->opt;

	t->chosen = (struct chosen) { .s = t->s, .rep = t->rep, .axis = &t->axis, .ends = t->ends };
	for (u32 col = 0; col < NR_REASON_COLUMNS; col++) {
		t->at[col] = TEXTGRID_MAX;
		for (u32 i = 0; i < opt->nr_columns; i++)
			if (opt->column[i] == columns[col].is)
				t->at[col] = t->nr_cols + i;
	}
	t->nr_cols += chosen__describe(&t->chosen, &t->col[t->nr_cols], &t->drop[t->nr_cols]);
}

static void reason_table__init(struct reason_table *t, const struct screen *s,
			       const struct report *rep)
{
	*t = (struct reason_table) { .s = s, .rep = rep, .nr_keys = rep->opt->nr_sort };
	for (u32 i = 0; i < t->nr_keys; i++)
		t->col[t->nr_cols++] = (struct textgrid_col) {
			.head = sort_key__title(report_options__key(rep->opt, i), rep->desc),
			.left = true,
		};
	t->axis = dist_axis__make(&rep->total.span, s->width < 120 ? DIST_USUAL : DIST_MAX);
	dist__ends(&t->axis, t->ends, sizeof(t->ends));
	if (rep->opt->nr_columns)
		add_chosen(t);
	for (u32 col = 0; col < NR_REASON_COLUMNS && !rep->opt->nr_columns; col++)
		if (col < SPARKS || rep->steps.nr)
			reason_table__add_column(t, col);
		else
			t->at[col] = TEXTGRID_MAX;
	textgrid__init(&t->grid, t->col, t->nr_cols);
	t->grid.drop = t->drop;
}

static void add_numbers(struct reason_table *t, const struct report_row *row)
{
	if (t->rep->opt->nr_columns) {
		chosen__add(&t->chosen, &t->grid, row);
		return;
	}
	textgrid__count(&t->grid, row->count);
	textgrid__rate(&t->grid, t->rep, row);
	for (u32 col = COST; col <= BLOCKED; col++)
		textgrid__share(&t->grid, t->rep, row, part_of(row, col));
	textgrid__ns(&t->grid, row->p50_ns);
	textgrid__ns(&t->grid, row->p99_ns);
	textgrid__ns(&t->grid, row->max_ns);
	textgrid__dist(&t->grid, t->s, &t->axis, row);
	if (t->rep->steps.nr) {
		textgrid__rate_sparks(&t->grid, t->s, t->rep, row);
		textgrid__p99_sparks(&t->grid, t->s, t->rep, row);
	}
}

/* The one detail that is all there is of a row: it is named there, and has no row of its own. */
static bool has_lone_detail(const struct report *rep, const struct report_row *row)
{
	return row->nr_details == 1 && rep->detail[row->details].count == row->count;
}

static void reasons__add_name(struct reason_table *t, const struct report_row *row, u32 key)
{
	bool lone = has_lone_detail(t->rep, row);
	char name[REPORT_LABEL_MAX * 2];

	report__name_exit(row->label[key], lone ? t->rep->detail[row->details].label[0] : "-", name,
			  sizeof(name));
	textgrid__add(&t->grid, "%s", name);
}

/* The details of a part stand below it. */
static void reasons__add_part(struct reason_table *t, const struct report_row *row, u32 part)
{
	for (u32 i = 0; i < row->nr_details; i++) {
		const struct report_row *detail = &t->rep->detail[row->details + i];

		if (detail->in_part != part)
			continue;
		textgrid__add(&t->grid, "    %s", detail->label[0]);
		add_numbers(t, detail);
	}
}

static void reason_table__add_row(struct reason_table *t, const struct report_row *row)
{
	bool total = row == &t->rep->total;

	/* The total has no label: it bears its name in the first column. */
	for (u32 i = 0; i < t->nr_keys; i++) {
		if (total)
			textgrid__add(&t->grid, "%s", i ? "" : "total");
		else
			reasons__add_name(t, row, i);
	}
	add_numbers(t, row);
	for (u32 i = 0; i < row->nr_details + row->has_rest && !has_lone_detail(t->rep, row); i++) {
		const struct report_row *detail = &t->rep->detail[row->details + i];

		if (detail->in_part)
			continue;
		textgrid__add(&t->grid, "  %s", detail->label[0]);
		add_numbers(t, detail);
		if (detail->part)
			reasons__add_part(t, row, detail->part);
	}
}

static bool reasons__shows(const struct reason_table *t, u32 col)
{
	return t->at[col] < TEXTGRID_MAX && t->grid.shown >> t->at[col] & 1;
}

static bool shows_shares(const struct reason_table *t)
{
	for (u32 col = COST; col <= BLOCKED; col++)
		if (reasons__shows(t, col))
			return true;
	return false;
}

/* What the shares are of, and contain. */
static void legend_shares(const struct reason_table *t, char *words, size_t size)
{
	const struct report *rep = t->rep;
	bool told_apart = rep->total.halt_ns != KVMW_NONE;
	const char *these = rep->nr_files ? "some of these recordings do" : "this recording does";
	char each[96] = "", interval[96] = "", merged[96] = "";

	if (rep->whole.nr_vcpus > 1)
		snprintf(each, sizeof(each), ", the time of %u vCPUs together%s",
			 rep->whole.nr_vcpus,
			 !reasons__shows(t, RATE) ? "" :
			 rep->nr_files ? "; /s: per second recorded" : ", and /s their sum");
	if (report_options__sorts_by(rep->opt, KEY_TIME))
		snprintf(interval, sizeof(interval),
			 " For a row, it is %g s of each vCPU, or the recorded part of them.",
			 report_options__interval(rep->opt) / 1e9);
	snprintf(merged, sizeof(merged), " KVM contains halts and waits: %s not separate them.",
		 these);
	snprintf(words, size, "100%% is %.3f s%s.%s%s", rep->whole.wall_ns / 1e9, each, interval,
		 !told_apart ? merged : reasons__shows(t, COST) ? " cost: KVM + VMM + poll." : "");
}

static void reason_table__legend(const struct reason_table *t)
{
	const struct report *rep = t->rep;
	bool told_apart = rep->total.halt_ns != KVMW_NONE;
	char words[1024], shares[384] = "", cycle[96] = "", dist[DIST_WORDS] = "",
	     sparks[SPARKS_WORDS] = "";

	if (shows_shares(t))
		legend_shares(t, shares, sizeof(shares));
	if (reasons__shows(t, P99) || reasons__shows(t, MAX))
		snprintf(cycle, sizeof(cycle), " %s: until the next VM entry%s.", CYCLE_GROUP,
			 told_apart ? ", halts and waits included" : "");
	if (reasons__shows(t, DIST))
		dist__legend(&t->axis, dist);
	if (reasons__shows(t, SPARKS) || reasons__shows(t, P99_SPARKS))
		sparks__legend(rep, sparks);
	snprintf(words, sizeof(words), "%s%s%s%s", shares, cycle, dist, sparks);
	if (!*words)
		return;
	screen__color(t->s, COLOR_DIM);
	screen__wrap(t->s, "# ", "# ", words + (*words == ' '));
	screen__plain(t->s);
}

int render__reasons(const struct screen *s, const struct report *rep)
{
	struct reason_table t;

	reason_table__init(&t, s, rep);
	for (u32 i = 0; i < nr_visible(rep); i++)
		reason_table__add_row(&t, visible_row(rep, i));
	if (textgrid__finish(&t.grid, s))
		return -1;
	if (rep->opt->nr_columns)
		chosen__missing(&t.chosen, &t.grid, t.nr_keys);
	reason_table__legend(&t);
	render__hidden(s, rep);
	return 0;
}
