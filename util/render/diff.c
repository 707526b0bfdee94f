// SPDX-License-Identifier: GPL-2.0
/* kvmw diff as text: what is not the same besides, what changed, and the rows side by side. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "util/event_desc.h"
#include "util/render/diff.h"
#include "util/render/render.h"
#include "util/render/textgrid.h"
#include "util/render/units.h"

#define SENTENCES	5	/* rows that changed; the table marks the others */

const char *diff__value(enum diff_measure measure, double value, char *buf)
{
	if (isnan(value))
		snprintf(buf, UNITS_MAX, "-");
	else if (measure != DIFF_COUNT)
		units__ns(llround(value), UNITS_3, buf);
	else
		snprintf(buf, UNITS_MAX, value < 100 ? "%.3g" : "%.0f", value);
	return buf;
}

const char *diff__change(const struct diff_row *row, enum diff_measure measure, char *buf)
{
	double percent = row->value[measure].percent;

	if (!row->row[DIFF_OLD])
		snprintf(buf, UNITS_MAX, "new");
	else if (!row->row[DIFF_NEW])
		snprintf(buf, UNITS_MAX, "gone");
	else if (isnan(percent))
		snprintf(buf, UNITS_MAX, "-");
	else if (isinf(percent) || fabs(percent) >= 9999.5)
		snprintf(buf, UNITS_MAX, ">9999%%");
	else
		snprintf(buf, UNITS_MAX, "%+.*f%%", fabs(percent) < 99.95 ? 1 : 0, percent);
	return buf;
}

/* ---- heading ------------------------------------------------------------- */

static void say_side(const struct screen *s, const struct diff *d, enum diff_side side)
{
	const struct report *rep = d->rep[side];
	const struct rec_meta *m = &rep->rec->meta;
	char words[4096], count[UNITS_MAX], lost[UNITS_MAX];

	snprintf(words, sizeof(words), "%s: %.3f s on %s, %.3f s of vCPU time, %s %s, %s lost%s",
		 strcmp(rep->rec->path, "-") ? rep->rec->path : "standard input",
		 recording__covered(rep->rec) / 1e9, m->host ?: "?", d->vcpu_s[side],
		 units__count(rep->total.count, count),
		 event_desc__noun(rep->desc, rep->total.count), units__count(rep->lost, lost),
		 recording__incomplete(rep->rec) ? "; the file is incomplete" : "");
	screen__wrap(s, side == DIFF_OLD ? "# OLD " : "# NEW ", "#     ", words);
}

static void say_settings(const struct screen *s, const struct diff *d)
{
	const struct settings *old = &d->settings[DIFF_OLD];

	for (u32 i = 0; i < old->nr; i++) {
		const char *new = settings__find(&d->settings[DIFF_NEW], old->list[i].what);
		char words[2048];

		if (!new || !strcmp(new, old->list[i].value))
			continue;
		snprintf(words, sizeof(words), "%s: %s; now %s", old->list[i].what,
			 old->list[i].value, new);
		screen__wrap(s, "# not the same: ", "#     ", words);
	}
}

/* ---- what changed -------------------------------------------------------- */

static void say_value(const struct diff_row *row, enum diff_measure measure, char *buf, size_t size)
{
	const struct diff_value *v = &row->value[measure];
	char old[UNITS_MAX], new[UNITS_MAX], change[UNITS_MAX];
	const char *unit = diff_measure__is_rate(measure) ? " per second" : "";
	size_t len = strlen(buf);

	snprintf(buf + len, size - len, "%s%s %s (%s%s, %s before)", len ? ", " : "",
		 diff_measure__name(measure), diff__change(row, measure, change),
		 diff__value(measure, v->of[DIFF_NEW], new), unit,
		 diff__value(measure, v->of[DIFF_OLD], old));
}

static bool row_changed(const struct diff_row *row)
{
	for (u32 m = 0; m < NR_DIFF_TESTED; m++)
		if (row->value[m].changed)
			return true;
	return false;
}

static void say_row(const struct screen *s, const struct diff_row *row)
{
	char words[2048], values[512] = "";

	for (u32 m = 0; m < NR_DIFF_TESTED; m++)
		if (row->value[m].changed)
			say_value(row, m, values, sizeof(values));
	snprintf(words, sizeof(words), "%s: %s", row->label, values);
	screen__color(s, COLOR_BOLD);
	screen__wrap(s, "=> ", "   ", words);
	screen__plain(s);
}

static void say_findings(const struct screen *s, const struct diff *d)
{
	for (u32 i = 0; i < d->nr_appeared; i++)
		screen__wrap(s, "+> only in NEW: ", "   ", d->appeared[i]->text);
	for (u32 i = 0; i < d->nr_went; i++)
		screen__wrap(s, "-> only in OLD: ", "   ", d->went[i]->text);
}

static void say_changes(const struct screen *s, const struct diff *d)
{
	char words[256];
	u32 said = 0;

	if (*d->no_cost) {
		snprintf(words, sizeof(words), "Costs are not compared: %s.", d->no_cost);
		screen__wrap(s, "-> ", "   ", words);
	}
	for (u32 i = 0; i < d->nr_rows && said < SENTENCES; i++) {
		if (!row_changed(&d->row[i]))
			continue;
		say_row(s, &d->row[i]);
		said++;
	}
	if (d->nr_changed > said) {
		snprintf(words, sizeof(words), "%u more row%s changed by more than noise.",
			 d->nr_changed - said, d->nr_changed - said == 1 ? "" : "s");
		screen__wrap(s, "=> ", "   ", words);
	}
	if (!d->nr_changed && !d->nr_unsure && !d->nr_drift && d->nr_tests)
		screen__wrap(s, "=> ", "   ", "Nothing changed by more than noise.");
	if (d->nr_unsure) {
		snprintf(words, sizeof(words),
			 "%u row%s (?) differ%s by %g %% or more, but %s too few recorded "
			 "events, or var%s too much, to tell whether that is noise.", d->nr_unsure,
			 d->nr_unsure == 1 ? "" : "s", d->nr_unsure == 1 ? "s" : "", DIFF_GROSS,
			 d->nr_unsure == 1 ? "has" : "have", d->nr_unsure == 1 ? "ies" : "y");
		screen__wrap(s, d->nr_changed ? "-> " : "=> ", "   ", words);
	}
	if (*d->untested) {
		snprintf(words, sizeof(words), "%c%s.", *d->untested - 'a' + 'A', d->untested + 1);
		screen__wrap(s, "-> ", "   ", words);
	}
	if (d->nr_drift) {
		snprintf(words, sizeof(words),
			 "%u row%s (~) var%s within a recording as much as between them; longer "
			 "recordings may tell.", d->nr_drift, d->nr_drift == 1 ? "" : "s",
			 d->nr_drift == 1 ? "ies" : "y");
		screen__wrap(s, "-> ", "   ", words);
	}
	say_findings(s, d);
	fputc('\n', s->out);
}

/* ---- table --------------------------------------------------------------- */

struct diff_table {
	struct textgrid grid;
	struct textgrid_col col[TEXTGRID_MAX];
	u8 drop[TEXTGRID_MAX];
	u32 nr_cols;
};

static void diff_table__column(struct diff_table *t, const char *group, const char *head, bool sum,
			       u8 drop)
{
	t->drop[t->nr_cols] = drop;
	t->col[t->nr_cols++] = (struct textgrid_col) {
		.group = group, .head = head, .sum = sum, .with_last = strcmp(head, "OLD") != 0,
	};
}

static bool shows_measure(const struct diff *d, enum diff_measure measure)
{
	return measure != DIFF_COST || !*d->no_cost;
}

static void diff_table__init(struct diff_table *t, const struct diff *d)
{
	static const struct {
		const char *group;
		u8 drop;	/* of all three columns, which make sense together only */
	} measures[NR_DIFF_TESTED] = {
		[DIFF_COST] = { "cost/s", 0 }, [DIFF_COUNT] = { "events/s", 1 },
		[DIFF_P50] = { "p50", 3 }, [DIFF_P99] = { "p99", 2 },
	};
	const struct report *rep = d->rep[DIFF_OLD];

	*t = (struct diff_table) { .nr_cols = 0 };
	for (u32 i = 0; i < rep->opt->nr_sort; i++)
		t->col[t->nr_cols++] = (struct textgrid_col) {
			.head = sort_key__title(report_options__key(rep->opt, i), rep->desc),
			.left = true,
		};
	for (u32 m = 0; m < NR_DIFF_TESTED; m++) {
		bool sum = m == DIFF_COST;

		if (!shows_measure(d, m))
			continue;
		diff_table__column(t, measures[m].group, "OLD", sum, measures[m].drop);
		diff_table__column(t, measures[m].group, "NEW", sum, measures[m].drop);
		diff_table__column(t, NULL, "change", sum, measures[m].drop);
	}
	textgrid__init(&t->grid, t->col, t->nr_cols);
	t->grid.drop = t->drop;
}

static void add_value(struct textgrid *g, enum diff_measure measure, double value)
{
	char buf[UNITS_MAX];

	if (measure == DIFF_COUNT)
		textgrid__add(g, "%s", diff__value(measure, value, buf));
	else
		textgrid__ns(g, isnan(value) ? KVMW_NONE : (u64)llround(value));
}

static void diff_table__row(struct diff_table *t, const struct diff *d, const struct diff_row *row)
{
	const struct report_row *any = row->row[DIFF_OLD] ?: row->row[DIFF_NEW];
	u32 keys = d->rep[DIFF_OLD]->opt->nr_sort;
	char buf[UNITS_MAX];

	for (u32 i = 0; i < keys; i++)
		textgrid__add(&t->grid, "%s", row != &d->total ? any->label[i] : i ? "" : "total");
	for (u32 m = 0; m < NR_DIFF_TESTED; m++) {
		const struct diff_value *v = &row->value[m];

		if (!shows_measure(d, m))
			continue;
		add_value(&t->grid, m, v->of[DIFF_OLD]);
		add_value(&t->grid, m, v->of[DIFF_NEW]);
		textgrid__add(&t->grid, "%s%s",
			      v->changed ? "*" : v->drifts ? "~" : v->unsure ? "?" : "",
			      diff__change(row, m, buf));
	}
}

int render__diff(const struct screen *s, const struct diff *d, u32 top)
{
	u32 shown = top && top < d->nr_rows ? top : d->nr_rows;
	struct diff_table t;
	char words[512];

	say_side(s, d, DIFF_OLD);
	say_side(s, d, DIFF_NEW);
	say_settings(s, d);
	fputc('\n', s->out);
	say_changes(s, d);
	diff_table__init(&t, d);
	for (u32 i = 0; i < shown; i++)
		diff_table__row(&t, d, &d->row[i]);
	diff_table__row(&t, d, &d->total);
	if (textgrid__finish(&t.grid, s))
		return -1;
	if (shown < d->nr_rows) {
		snprintf(words, sizeof(words), "%u more row%s not shown (--top N)",
			 d->nr_rows - shown, d->nr_rows - shown == 1 ? " is" : "s are");
		screen__wrap(s, "", "", words);
	}
	snprintf(words, sizeof(words),
		 "Per second of vCPU time. * changed by more than noise: %u tests, all of "
		 "them right in at least 99 of 100 such comparisons; kvmw-diff(1) says how.%s%s",
		 d->nr_tests, d->nr_unsure ? " ? differs much, but cannot be told from noise." : "",
		 d->nr_drift ? " ~ varies within a recording as much as between them." : "");
	screen__wrap(s, "", "", words);
	if (d->rep[DIFF_OLD]->event == KVMW_EVENT_USERSPACE)
		screen__wrap(s, "The cost of a return is its time in the VMM, which ", "",
			     render__vmm_contains(d->rep[DIFF_NEW]->rec));
	return 0;
}
