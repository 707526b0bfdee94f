// SPDX-License-Identifier: GPL-2.0
/* From the finest keys to rows of the requested keys, in the requested order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/report/internal.h"
#include "util/memory.h"

/* An aggregate and its values of the keys sorted by, in that order. */
struct member {
	struct key_value key[NR_REPORT_KEYS];
	const struct agg *agg;
};

int key_value__compare(const struct key_value *x, const struct key_value *y)
{
	for (u32 i = 0; i < KEY_VALUES; i++)
		if (x->v[i] != y->v[i])
			return x->v[i] < y->v[i] ? -1 : 1;
	return 0;
}

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int ret = 0;

	for (u32 i = 0; !ret && i < NR_REPORT_KEYS; i++)
		ret = key_value__compare(&x->key[i], &y->key[i]);
	return ret;
}

static void fill_member(const struct report *rep, const struct agg *agg, struct member *m)
{
	const u64 *fine = agg->key.fine;

	m->agg = agg;
	for (u32 i = 0; i < rep->opt->nr_sort; i++) {
		const struct sort_key *key = report_options__key(rep->opt, i);

		if (key->value)
			key->value(key, rep, &agg->key, fine, &m->key[i]);
		else
			memcpy(m->key[i].v, fine, key->nr_fine * sizeof(*fine));
		fine += key->nr_fine;
	}
}

static struct member *make_members(const struct report *rep, const struct agg **list, u32 *nr)
{
	struct member *m = calloc(*nr ?: 1, sizeof(*m));
	u32 used = 0;

	if (!m) {
		out_of_memory();
		return NULL;
	}
	/* What the kernel counted is of coarser keys than such rows. */
	for (u32 i = 0; i < *nr; i++)
		if (!rep->fine || !list[i]->has_total)
			fill_member(rep, list[i], &m[used++]);
	qsort(m, used, sizeof(*m), compare_members);
	*nr = used;
	return m;
}

static int label_row(const struct report *rep, struct report_row *row)
{
	char buf[REPORT_LABEL_MAX];

	for (u32 i = 0; i < rep->opt->nr_sort; i++) {
		const struct sort_key *key = report_options__key(rep->opt, i);

		key->label(key, rep, &row->key[i], buf, sizeof(buf));
		row->label[i] = mem__strdup(buf);
		if (!row->label[i])
			return -1;
	}
	return 0;
}

/* One row of members m[0..nr), which share the key. */
static int make_row(const struct report *rep, const struct member *m, u32 nr,
		    struct report_row *row)
{
	struct agg sum = { .rows = 0 };
	int ret = 0;

	memcpy(row->key, m->key, sizeof(row->key));
	for (u32 i = 0; !ret && i < nr; i++)
		ret = agg__merge(&sum, m[i].agg);
	report__numbers(&sum, rep->event, row);
	row->span = sum.span;
	row->slices = sum.slices;
	row->heat = sum.heat;
	report__distribution(row);
	return ret || label_row(rep, row) ? -1 : 0;
}

int report__make_rows(struct report *rep, const struct agg **list, u32 nr)
{
	struct member *m = make_members(rep, list, &nr);
	u32 groups = 0;
	int ret = 0;

	if (!m)
		return -1;
	for (u32 i = 0; i < nr; i++)
		groups += !i || compare_members(&m[i - 1], &m[i]);
	rep->row = calloc(groups ?: 1, sizeof(*rep->row));
	if (!rep->row)
		ret = out_of_memory();
	for (u32 i = 0, end; !ret && i < nr; i = end) {
		for (end = i + 1; end < nr && !compare_members(&m[i], &m[end]);)
			end++;
		ret = make_row(rep, &m[i], end - i, &rep->row[rep->nr_rows++]);
	}
	free(m);
	return ret;
}

u64 report_row__covered(const struct report *rep, const struct report_row *row)
{
	u64 start = rep->rec->meta.start_ns ?: rep->rec->first_ns, from, to,
	    end = recording__end(rep->rec);
	int at = report_options__position(rep->opt, KEY_TIME);

	if (at < 0 || row == &rep->total)
		return recording__covered(rep->rec);
	from = start + row->key[at].v[0] * report_options__interval(rep->opt);
	to = sat_add(from, report_options__interval(rep->opt));
	to = to < end ? to : end;
	if (rep->rec->window.active) {
		from = from > rep->rec->window.from ? from : rep->rec->window.from;
		to = to - 1 < rep->rec->window.to ? to : rep->rec->window.to + 1;
	}
	return to > from ? to - from : 0;
}

u64 report_row__wall(const struct report *rep, const struct report_row *row)
{
	if (row == &rep->total || !report_options__sorts_by(rep->opt, KEY_TIME))
		return rep->whole.wall_ns;
	return rep->whole.nr_vcpus * report_row__covered(rep, row);
}

static int compare_rows(const void *a, const void *b, void *arg)
{
	const struct report_options *opt = arg;
	const struct report_row *x = a, *y = b;
	int ret = opt->chronological ? key_value__compare(&x->key[0], &y->key[0]) : 0;

	if (!ret && opt->order != ORDER_KEY) {
		if (x->measure != y->measure)
			return x->measure > y->measure ? -1 : 1;
		if (x->count != y->count)
			return x->count > y->count ? -1 : 1;
	}
	for (u32 i = 0; !ret && i < opt->nr_sort; i++)
		ret = key_value__compare(&x->key[i], &y->key[i]);
	return ret;
}

static bool hidden(const struct report *rep, const struct report_row *row, u32 shown)
{
	const struct report_options *opt = rep->opt;
	double percent = opt->order == COLUMN_COST ? row->cost_percent : row->time_percent;

	if (opt->order == COLUMN_COUNT || opt->order == COLUMN_RATE ||
	    rep->total.time_ns == KVMW_NONE)
		percent = row->count_percent;
	return (opt->top && shown >= opt->top) || percent < opt->percent_limit;
}

/* Hidden rows go to the end, each part in its order. */
static int hidden_last(struct report *rep)
{
	struct report_row *sorted = malloc((rep->nr_rows ?: 1) * sizeof(*sorted));
	u32 shown = 0, end = rep->nr_rows;

	if (!sorted)
		return out_of_memory();
	for (u32 i = 0; i < rep->nr_rows; i++)
		if (!hidden(rep, &rep->row[i], shown))
			sorted[shown++] = rep->row[i];
		else
			sorted[--end] = rep->row[i];
	rep->nr_hidden = rep->nr_rows - shown;
	for (u32 i = end, k = rep->nr_rows; i + 1 < k; i++) {
		struct report_row swap = sorted[i];

		sorted[i] = sorted[--k];
		sorted[k] = swap;
	}
	free(rep->row);
	rep->row = sorted;
	return 0;
}

int report__order(struct report *rep)
{
	/* Nothing captured comes last. */
	for (u32 i = 0; i < rep->nr_rows && rep->opt->order != ORDER_KEY; i++)
		rep->row[i].measure =
			captured(report_column__get(rep->opt->order)->measure(&rep->row[i]));
	qsort_r(rep->row, rep->nr_rows, sizeof(*rep->row), compare_rows, (void *)rep->opt);
	return hidden_last(rep);
}
