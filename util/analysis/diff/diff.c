// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/diff/diff.h"
#include "util/analysis/diff/noise.h"
#include "util/analysis/report/time_steps.h"
#include "util/analysis/vcpu_life.h"
#include "util/error.h"
#include "util/memory.h"

const char *diff_measure__name(enum diff_measure measure)
{
	static const char *const names[NR_DIFF_MEASURES] = {
		[DIFF_COST] = "cost", [DIFF_COUNT] = "count", [DIFF_P50] = "p50", [DIFF_P99] = "p99",
		[DIFF_TIME] = "time", [DIFF_MEAN] = "mean", [DIFF_P90] = "p90", [DIFF_MAX] = "max",
	};

	return names[measure];
}

/* ---- rows ---------------------------------------------------------------- */

static double known(u64 value)
{
	return value == KVMW_NONE ? NAN : value;
}

/* A row's value of a measure; NULL: no events, so only its percentiles are unknown. */
static double measure_of(const struct diff *d, enum diff_side side, const struct report_row *row,
			 enum diff_measure measure)
{
	double s = d->vcpu_s[side];

	if (measure == DIFF_COST && *d->no_cost)
		return NAN;
	if (!row)
		return diff_measure__is_rate(measure) ? 0 : NAN;
	switch (measure) {
	case DIFF_COST:
		return known(row->cost_ns) / s;
	case DIFF_COUNT:
		return row->count / s;
	case DIFF_TIME:
		return known(row->time_ns) / s;
	case DIFF_P50:
		return known(row->p50_ns);
	case DIFF_P90:
		return known(row->p90_ns);
	case DIFF_P99:
		return known(row->p99_ns);
	case DIFF_MEAN:
		return known(row->mean_ns);
	default:
		return known(row->max_ns);
	}
}

static double change_in_percent(const double *of)
{
	if (of[DIFF_OLD] == of[DIFF_NEW])
		return 0;
	if (of[DIFF_OLD] == 0 && of[DIFF_NEW] > 0)
		return INFINITY;
	return 100 * (of[DIFF_NEW] - of[DIFF_OLD]) / of[DIFF_OLD];
}

static void fill_row(const struct diff *d, struct diff_row *row)
{
	for (u32 m = 0; m < NR_DIFF_MEASURES; m++) {
		struct diff_value *v = &row->value[m];

		for (u32 side = 0; side < NR_DIFF_SIDES; side++)
			v->of[side] = measure_of(d, side, row->row[side], m);
		v->percent = change_in_percent(v->of);
		v->p = NAN;
	}
}

void diff_row__join(struct diff_row *row, const struct diff_row *other)
{
	for (u32 m = 0; m < NR_DIFF_MEASURES; m++) {
		struct diff_value *v = &row->value[m];

		for (u32 side = 0; side < NR_DIFF_SIDES; side++) {
			if (diff_measure__is_rate(m))
				v->of[side] += other->value[m].of[side];
			else if (!row->row[side])
				v->of[side] = other->value[m].of[side];
		}
		v->percent = change_in_percent(v->of);
		v->p = NAN;
		v->changed = v->drifts = v->unsure = false;
	}
	for (u32 side = 0; side < NR_DIFF_SIDES; side++)
		row->row[side] = row->row[side] ?: other->row[side];
}

static char *label_of(const struct report *rep, const struct report_row *row)
{
	char buf[NR_REPORT_KEYS * (REPORT_LABEL_MAX + 2)];
	size_t len = 0;

	*buf = '\0';
	for (u32 i = 0; i < rep->opt->nr_sort; i++)
		len += snprintf(buf + len, sizeof(buf) - len, "%s%s", i ? ", " : "", row->label[i]);
	return mem__strdup(buf);
}

static int compare_labels(const void *a, const void *b)
{
	return strcmp(((const struct diff_row *)a)->label, ((const struct diff_row *)b)->label);
}

/* The rows of one side, by label. NULL: out of memory. */
static struct diff_row *rows_of(const struct report *rep, enum diff_side side)
{
	struct diff_row *rows = mem__calloc(rep->nr_rows ?: 1, sizeof(*rows));
	bool failed = !rows;

	for (u32 i = 0; rows && i < rep->nr_rows; i++) {
		rows[i].row[side] = &rep->row[i];
		rows[i].label = label_of(rep, &rep->row[i]);
		failed |= !rows[i].label;
	}
	if (!failed) {
		qsort(rows, rep->nr_rows, sizeof(*rows), compare_labels);
		return rows;
	}
	for (u32 i = 0; rows && i < rep->nr_rows; i++)
		free(rows[i].label);
	free(rows);
	return NULL;
}

static int merge_rows(struct diff *d, struct diff_row *old, struct diff_row *new)
{
	u32 nr_old = d->rep[DIFF_OLD]->nr_rows, nr_new = d->rep[DIFF_NEW]->nr_rows;

	d->row = mem__calloc((size_t)nr_old + nr_new ?: 1, sizeof(*d->row));
	if (!d->row)
		return -1;
	for (u32 i = 0, k = 0; i < nr_old || k < nr_new;) {
		int order = i == nr_old ? 1 : k == nr_new ? -1 : compare_labels(&old[i], &new[k]);
		struct diff_row *row = &d->row[d->nr_rows++];

		*row = order > 0 ? new[k] : old[i];
		(order > 0 ? &new[k] : &old[i])->label = NULL;
		if (!order)
			row->row[DIFF_NEW] = new[k].row[DIFF_NEW];
		i += order <= 0;
		k += order >= 0;
		fill_row(d, row);
	}
	return 0;
}

static int make_rows(struct diff *d)
{
	struct diff_row *rows[NR_DIFF_SIDES] = { NULL };
	int err = 0;

	for (u32 side = 0; side < NR_DIFF_SIDES && !err; side++) {
		rows[side] = rows_of(d->rep[side], side);
		err = rows[side] ? 0 : -1;
	}
	err = err ?: merge_rows(d, rows[DIFF_OLD], rows[DIFF_NEW]);
	for (u32 side = 0; side < NR_DIFF_SIDES; side++) {
		for (u32 i = 0; rows[side] && i < d->rep[side]->nr_rows; i++)
			free(rows[side][i].label);
		free(rows[side]);
	}
	for (u32 side = 0; side < NR_DIFF_SIDES; side++)
		d->total.row[side] = &d->rep[side]->total;
	fill_row(d, &d->total);
	d->total.label = err ? NULL : mem__strdup("total");
	return err || !d->total.label ? -1 : 0;
}

/*
 * By what it explains: of cost, or of time if costs do not compare; without times by what it has
 * more or less of.
 */
static double measure_difference(const struct diff_row *row, enum diff_measure measure)
{
	double by = fabs(row->value[measure].of[DIFF_NEW] - row->value[measure].of[DIFF_OLD]);

	return isnan(by) ? 0 : by;
}

static int compare_differences(const void *a, const void *b)
{
	static const enum diff_measure order[] = { DIFF_COST, DIFF_TIME, DIFF_COUNT };

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		double x = measure_difference(a, order[i]), y = measure_difference(b, order[i]);

		if (x != y)
			return x > y ? -1 : 1;
	}
	return compare_labels(a, b);
}

/* ---- noise --------------------------------------------------------------- */

/* Why the rows in the file do not stand for all events; NULL: they do, but for one in a hundred. */
static const char *not_all_recorded(const struct report *rep, const struct report_row *row)
{
	u64 missing = row->exact ? row->count - row->recorded : rep->lost + rep->filtered;
	u64 all = row->exact ? row->count : rep->recorded + missing;

	if (missing <= all / 100)
		return NULL;
	if (!rep->lost && !rep->filtered)
		return rep->rec->finished ? "in damaged parts of the file" :
		       "cut off with the end of the file";
	return rep->lost >= rep->filtered ? "lost" : "filtered";
}

/* Of a row without events all slices are 0. False: it has no slices that can be used. */
static bool make_series(const struct diff *d, enum diff_side side, const struct report_row *row,
			enum diff_measure measure, struct noise_series *s)
{
	u64 covered = recording__covered(d->rep[side]->rec);
	u32 shift = time_steps__shift(covered, SLICES), slices = covered >> shift;
	bool groups = measure == DIFF_P50 || measure == DIFF_P99;
	u64 least = measure == DIFF_P50 ? DIFF_P50_EVENTS : DIFF_P99_EVENTS;

	*s = (struct noise_series) { .nr = groups ? slices / SLICE_GROUP : slices };
	if (row &&
	    (!row->slices || time_slices__fold(row->slices, shift) || row->slices->shift != shift))
		return false;
	if (groups && !row)
		return false;
	for (u32 i = 0; row && i < s->nr; i++) {
		const struct hist *h = groups ? &row->slices->span[i] : NULL;

		if (groups && h->count < least)
			return false;
		s->value[i] = groups ? hist__percentile(h, measure == DIFF_P50 ? 500 : 990) :
			      measure == DIFF_COUNT ? row->slices->count[i] :
			      row->slices->cost_ns[i];
	}
	/* All slices of a recording are of one length, but not those of both. */
	for (u32 i = 0; !groups && i < s->nr; i++)
		s->value[i] /= (1ULL << shift) * d->vcpu_s[side] / covered;
	return true;
}

static void test_value(struct diff *d, struct diff_row *row, enum diff_measure measure)
{
	bool percentile = measure == DIFF_P50 || measure == DIFF_P99;
	struct diff_value *v = &row->value[measure];
	struct noise_series s[NR_DIFF_SIDES];

	if (isnan(v->of[DIFF_OLD]) || isnan(v->of[DIFF_NEW]))
		return;
	for (u32 side = 0; side < NR_DIFF_SIDES; side++)
		if (!make_series(d, side, row->row[side], measure, &s[side]))
			return;
	v->p = noise__test(&s[DIFF_OLD], &s[DIFF_NEW], percentile ? 1 : NOISE_BATCH, &v->drifts);
}

static void test_row(struct diff *d, struct diff_row *row)
{
	u64 events = 0;

	for (u32 side = 0; side < NR_DIFF_SIDES; side++) {
		const char *why =
			row->row[side] ? not_all_recorded(d->rep[side], row->row[side]) : NULL;

		if (why && !*d->untested)
			snprintf(d->untested, sizeof(d->untested),
				 "more than 1 %% of some rows' events were %s: "
				 "these rows are not tested", why);
		if (why)
			return;
		events += row->row[side] ? row->row[side]->recorded : 0;
	}
	for (u32 m = 0; m < NR_DIFF_TESTED && events >= DIFF_MIN_EVENTS; m++)
		test_value(d, row, m);
}

static void decide_row(struct diff *d, struct diff_row *row, double limit)
{
	bool changed = false, drifts = false, unsure = false;

	for (u32 m = 0; m < NR_DIFF_TESTED; m++) {
		struct diff_value *v = &row->value[m];
		double least = diff_measure__is_rate(m) ? DIFF_RATE_LEAST : DIFF_PERCENTILE_LEAST;

		v->changed = !isnan(v->p) && v->p <= limit && fabs(v->percent) >= least;
		v->unsure = !v->changed && !v->drifts && fabs(v->percent) >= DIFF_GROSS;
		changed |= v->changed;
		drifts |= v->drifts;
		unsure |= v->unsure;
	}
	if (row == &d->total)
		return;
	d->nr_changed += changed;
	d->nr_drift += drifts;
	d->nr_unsure += unsure;
}

static int test_rows(struct diff *d)
{
	double *p = mem__calloc((size_t)d->nr_rows * NR_DIFF_TESTED ?: 1, sizeof(*p)), limit;

	if (!p)
		return -1;
	test_row(d, &d->total);
	for (u32 i = 0; i < d->nr_rows; i++) {
		test_row(d, &d->row[i]);
		for (u32 m = 0; m < NR_DIFF_TESTED; m++)
			if (!isnan(d->row[i].value[m].p))
				p[d->nr_tests++] = d->row[i].value[m].p;
	}
	limit = noise__holm(p, d->nr_tests, NOISE_ALPHA);
	for (u32 i = 0; i < d->nr_rows; i++)
		decide_row(d, &d->row[i], limit);
	decide_row(d, &d->total, limit);
	if (!d->nr_tests && !*d->untested)
		snprintf(d->untested, sizeof(d->untested),
			 "nothing was tested: too few events, or too short a time");
	free(p);
	return 0;
}

/* ---- what is compared ---------------------------------------------------- */

/* The time in which those vCPUs were there that are reported. */
static double vcpu_seconds(const struct report *rep)
{
	const struct recording *rec = rep->rec;
	double sum = 0;

	for (u32 i = 0; i < rec->nr_vcpus; i++) {
		struct vcpu_life life = vcpu_life__of(rec, rec->vcpu[i].id);
		u64 lived = life.until_ns > life.from_ns ? life.until_ns - life.from_ns : 0;

		if (!rec_vcpu__is_vcpu(&rec->vcpu[i]) ||
		    !report__selects(rec, rep->opt, rec->vcpu[i].id))
			continue;
		if (rec->window.active)
			lived = overlap(life.from_ns, lived, rec->window.from,
					rec->window.to - rec->window.from);
		sum += lived / 1e9;
	}
	return sum;
}

/* A cost without halts and waits is nothing beside one with them. */
static void compare_costs(struct diff *d)
{
	bool told[NR_DIFF_SIDES];

	for (u32 side = 0; side < NR_DIFF_SIDES; side++)
		told[side] = d->rep[side]->total.halt_ns != KVMW_NONE;
	if (told[DIFF_OLD] != told[DIFF_NEW])
		snprintf(d->no_cost, sizeof(d->no_cost),
			 "%s does not separate halts and waits from KVM's own time, %s does",
			 told[DIFF_OLD] ? "NEW" : "OLD", told[DIFF_OLD] ? "OLD" : "NEW");
}

static bool has_rule(const struct findings *f, const char *rule)
{
	for (u32 i = 0; i < f->nr; i++)
		if (!strcmp(f->found[i].rule, rule))
			return true;
	return false;
}

static u32 only_in(const struct findings *one, const struct findings *other,
		   const struct finding **list)
{
	u32 nr = 0;

	for (u32 i = 0; i < one->nr; i++)
		if (!has_rule(other, one->found[i].rule))
			list[nr++] = &one->found[i];
	return nr;
}

int diff__make(struct diff *d, const struct report *const rep[NR_DIFF_SIDES],
	       const struct findings *const findings[NR_DIFF_SIDES])
{
	memset(d, 0, sizeof(*d));
	for (u32 side = 0; side < NR_DIFF_SIDES; side++) {
		d->rep[side] = rep[side];
		d->vcpu_s[side] = vcpu_seconds(rep[side]);
		if (d->vcpu_s[side] <= 0)
			return error("%s: how long its vCPUs ran is unknown: nothing can be compared",
				     rep[side]->rec->path);
		if (settings__make(&d->settings[side], rep[side]))
			return -1;
	}
	compare_costs(d);
	if (make_rows(d) || test_rows(d))
		return -1;
	qsort(d->row, d->nr_rows, sizeof(*d->row), compare_differences);
	if (!findings)
		return 0;
	d->nr_appeared = only_in(findings[DIFF_NEW], findings[DIFF_OLD], d->appeared);
	d->nr_went = only_in(findings[DIFF_OLD], findings[DIFF_NEW], d->went);
	return 0;
}

void diff__free(struct diff *d)
{
	for (u32 i = 0; i < d->nr_rows; i++)
		free(d->row[i].label);
	free(d->row);
	free(d->total.label);
	for (u32 side = 0; side < NR_DIFF_SIDES; side++)
		settings__free(&d->settings[side]);
	memset(d, 0, sizeof(*d));
}
