// SPDX-License-Identifier: GPL-2.0
/*
 * The table of VM exits: what each row took of the time of all vCPUs, which is 100 %, and how
 * long its cycles were.  What does not fit is left out, what says least first.
 */
#include <stdlib.h>
#include <string.h>

#include "util/render/dist.h"
#include "util/render/render.h"
#include "util/render/textgrid.h"
#include "util/render/units.h"

enum reason_column { EXITS, RATE, COST, KVM, VMM, HALTED, WAITING, BLOCKED, P50, P99, MAX, DIST,
		     NR_REASON_COLUMNS };

#define SHARES		"% of vCPU time"

static const struct column_desc {
	const char *group, *head;
	u8 drop;		/* struct textgrid */
} columns[NR_REASON_COLUMNS] = {
	[EXITS] = { NULL, "exits", 0 },
	[RATE] = { NULL, "/s", 6 },
	[COST] = { SHARES, "cost", 0 },
	[KVM] = { SHARES, "KVM", 2 },
	[VMM] = { SHARES, "VMM", 3 },
	[HALTED] = { SHARES, "halt", 2 },
	[WAITING] = { SHARES, "wait", 1 },
	[BLOCKED] = { SHARES, "block", 5 },
	/* Their group is the unit. */
	[P50] = { NULL, "p50", 4 },
	[P99] = { NULL, "p99", 1 },
	[MAX] = { NULL, "max", 2 },
	[DIST] = { NULL, NULL, 8 },
};

#define ZERO	7		/* drop: a column that has nothing to say */

struct reason_table {
	const struct screen *s;
	const struct report *rep;
	struct textgrid grid;
	struct textgrid_col col[TEXTGRID_MAX];
	u8 drop[TEXTGRID_MAX];
	u32 nr_keys, nr_cols;
	struct unit_scale scale[NR_REASON_COLUMNS];
	char head[NR_REASON_COLUMNS][UNITS_MAX + DIST_BYTES];
	struct dist_axis axis;
};

static u64 reason_part(const struct report_row *row, u32 col)
{
	const u64 parts[NR_REASON_COLUMNS] = {
		[COST] = row->cost_ns, [KVM] = row->kvm_ns, [VMM] = row->user_ns,
		[HALTED] = row->halt_ns, [WAITING] = row->wait_ns, [BLOCKED] = row->block_ns,
	};

	return parts[col];
}

static u64 reason_duration(const struct report_row *row, u32 col)
{
	return col == P50 ? row->p50_ns : col == P99 ? row->p99_ns : row->max_ns;
}

static const struct report_row *visible_row(const struct report *rep, u32 i)
{
	return i < report__visible(rep) ? &rep->row[i] : &rep->total;
}

/* The rows that are shown, the total last. */
static u32 nr_visible(const struct report *rep)
{
	return report__visible(rep) + 1;
}

static void choose_scale(struct reason_table *t, u32 col)
{
	u64 least = KVMW_NONE, greatest = 0;

	for (u32 i = 0; i < nr_visible(t->rep); i++) {
		u64 ns = reason_duration(visible_row(t->rep, i), col);

		if (ns == KVMW_NONE)
			continue;
		least = ns < least ? ns : least;
		greatest = ns > greatest ? ns : greatest;
	}
	t->scale[col] = units__common(least, greatest);
	snprintf(t->head[col], sizeof(t->head[col]), "%s%s", columns[col].head,
		 t->rep->partly ? "*" : "");
}

static bool says_nothing(const struct reason_table *t, u32 col)
{
	return reason_part(&t->rep->total, col) < t->rep->whole.wall_ns / 2000;
}

/* Old recordings do not tell KVM's time from other parts. */
static bool has_column(const struct reason_table *t, u32 col)
{
	return col < KVM || col > BLOCKED || reason_part(&t->rep->total, col) != KVMW_NONE;
}

static void reason_table__add_column(struct reason_table *t, u32 col)
{
	bool zero = col >= KVM && col <= BLOCKED && says_nothing(t, col);

	t->drop[t->nr_cols] = zero ? ZERO : columns[col].drop;
	t->col[t->nr_cols++] = (struct textgrid_col) {
		.group = col >= P50 && col <= MAX ? t->scale[col].name : columns[col].group,
		.head = col >= P50 ? t->head[col] : columns[col].head,
		.left = col == DIST,
	};
}

static void reason_table__init(struct reason_table *t, const struct screen *s, const struct report *rep)
{
	*t = (struct reason_table) { .s = s, .rep = rep, .nr_keys = rep->opt->nr_sort };
	for (u32 i = 0; i < t->nr_keys; i++)
		t->col[t->nr_cols++] = (struct textgrid_col) {
			.head = sort_key__title(sort_key__get(rep->opt->sort[i]), rep->desc),
			.left = true,
		};
	for (u32 col = P50; col <= MAX; col++)
		choose_scale(t, col);
	t->axis = dist_axis__make(&rep->total.span, s->width < 120 ? 8 : 16);
	dist__heading(&t->axis, t->head[DIST], sizeof(t->head[DIST]));
	for (u32 col = 0; col < NR_REASON_COLUMNS; col++)
		if (has_column(t, col))
			reason_table__add_column(t, col);
	textgrid__init(&t->grid, t->col, t->nr_cols);
	t->grid.drop = t->drop;
}

static void add_rate(struct reason_table *t, u64 count)
{
	const struct recording *rec = t->rep->rec;
	double seconds = recording__covered(rec) / 1e9, rate = seconds > 0 ? count / seconds : 0;

	if (seconds <= 0)
		textgrid__add(&t->grid, "-");
	else
		textgrid__add(&t->grid, "%.*f", rate < 9.95 ? 1 : 0, rate);
}

static void add_share(struct reason_table *t, u64 part)
{
	textgrid__percent(&t->grid, part, part == KVMW_NONE ? 0 : t->rep->whole.wall_ns);
}

static void add_numbers(struct reason_table *t, const struct report_row *row)
{
	char buf[UNITS_MAX + DIST_BYTES];

	textgrid__count(&t->grid, row->count);
	add_rate(t, row->count);
	for (u32 col = COST; col <= BLOCKED; col++)
		if (has_column(t, col))
			add_share(t, reason_part(row, col));
	for (u32 col = P50; col <= MAX; col++)
		textgrid__add(&t->grid, "%s",
			      units__scaled(reason_duration(row, col), &t->scale[col], buf));
	dist__bar(t->s, &t->axis, &row->span, buf);
	textgrid__add(&t->grid, "%s", buf);
}

static void reason_table__add_row(struct reason_table *t, const struct report_row *row)
{
	bool total = row == &t->rep->total;

	/* The total has no label: it bears its name in the first column. */
	for (u32 i = 0; i < t->nr_keys; i++)
		textgrid__add(&t->grid, "%s", !total ? row->label[i] : i ? "" : "total");
	add_numbers(t, row);
	for (u32 i = 0; i < row->nr_details; i++) {
		const struct report_row *detail = &t->rep->detail[row->details + i];

		textgrid__add(&t->grid, "  %s", detail->label[0]);
		add_numbers(t, detail);
	}
}

int render__reasons(const struct screen *s, const struct report *rep)
{
	struct reason_table t;

	reason_table__init(&t, s, rep);
	for (u32 i = 0; i < nr_visible(rep); i++)
		reason_table__add_row(&t, visible_row(rep, i));
	if (textgrid__finish(&t.grid, s))
		return -1;
	render__hidden(s, rep);
	return 0;
}
