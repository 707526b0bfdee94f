// SPDX-License-Identifier: GPL-2.0
#include "util/render/chosen.h"

static bool is_share(enum report_column column)
{
	return column >= COLUMN_COST && column <= COLUMN_BLOCKED;
}

u32 chosen__describe(struct chosen *c, struct textgrid_col *col, u8 *drop)
{
	const struct report_options *opt = c->rep->opt;

	for (u32 i = 0; i < opt->nr_columns; i++) {
		enum report_column column = opt->column[i];
		const struct report_column_desc *desc = report_column__get(column);
		bool dist = column == COLUMN_HIST, duration = column > COLUMN_TOTAL && !dist;

		/* The last ones, and sooner than names are cut. */
		drop[i] = i ? 1 : 0;
		snprintf(c->head[i], sizeof(c->head[i]), "%s%s", desc->head,
			 desc->of_rows && c->rep->partly && !dist ? "*" : "");
		col[i] = (struct textgrid_col) {
			.group = dist ? desc->head : is_share(column) ? SHARES_GROUP :
				 duration && c->rep->event == KVMW_EVENT_EXIT ? CYCLE_GROUP : NULL,
			.head = dist ? c->ends : c->head[i],
			.left = dist,
			.sum = column == COLUMN_TOTAL,
		};
	}
	return opt->nr_columns;
}

void chosen__missing(const struct chosen *c, const struct textgrid *g, u32 first)
{
	const struct report_options *opt = c->rep->opt;
	struct word_list names;
	char words[640];

	word_list__begin(&names, "", 0);
	for (u32 i = 0; i < opt->nr_columns; i++)
		if (!(g->shown >> (first + i) & 1))
			word_list__add(&names, report_column__get(opt->column[i])->name);
	if (!*names.text)
		return;
	snprintf(words, sizeof(words), "no room for %s: use --width, or fewer --fields",
		 names.text);
	screen__wrap(c->s, "# ", "# ", words);
}

void textgrid__rate(struct textgrid *g, const struct report *rep, const struct report_row *row)
{
	double rate = report_row__rate(rep, row);

	if (rate < 0)
		textgrid__add(g, "-");
	else
		textgrid__add(g, "%.*f", rate < 9.95 ? 1 : 0, rate);
}

void textgrid__share(struct textgrid *g, const struct report *rep, const struct report_row *row,
		     u64 part)
{
	textgrid__percent(g, part, part == KVMW_NONE ? 0 : report_row__wall(rep, row));
}

void textgrid__dist(struct textgrid *g, const struct screen *s, const struct dist_axis *axis,
		    const struct report_row *row)
{
	char buf[DIST_BYTES];

	dist__bar(s, axis, &row->span, buf);
	textgrid__add(g, "%s", buf);
}

void chosen__add(const struct chosen *c, struct textgrid *g, const struct report_row *row)
{
	const struct report_options *opt = c->rep->opt;
	char buf[UNITS_MAX];

	for (u32 i = 0; i < opt->nr_columns; i++) {
		const struct report_column_desc *desc = report_column__get(opt->column[i]);

		switch (opt->column[i]) {
		case COLUMN_COUNT:
			textgrid__count(g, row->count);
			break;
		case COLUMN_RATE:
			textgrid__rate(g, c->rep, row);
			break;
		case COLUMN_PERCENT:
			textgrid__add(g, "%s", row->time_ns == KVMW_NONE ? "-" :
				      units__percent(row->time_percent, UNITS_2, buf));
			break;
		case COLUMN_HIST:
			textgrid__dist(g, c->s, c->axis, row);
			break;
		default:
			if (is_share(opt->column[i]))
				textgrid__share(g, c->rep, row, desc->measure(row));
			else
				textgrid__ns(g, desc->measure(row));
		}
	}
}
