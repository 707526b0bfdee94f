// SPDX-License-Identifier: GPL-2.0
/* kvmw diff --json and --csv; the members are described in Documentation/kvmw-diff.txt. */
#include <math.h>
#include <string.h>

#include "util/analysis/diff/noise.h"
#include "util/event_desc.h"
#include "util/render/csv.h"
#include "util/render/diff.h"
#include "util/render/json.h"
#include "util/render/render.h"

static void real_or_null(struct json_object *obj, const char *key, double value)
{
	if (isfinite(value))
		json__real(obj, key, value);
	else
		json__text(obj, key, NULL);
}

static struct json_object *value_json(const struct diff_value *v)
{
	struct json_object *obj = json_object_new_object();

	real_or_null(obj, "old", v->of[DIFF_OLD]);
	real_or_null(obj, "new", v->of[DIFF_NEW]);
	real_or_null(obj, "percent", v->percent);
	real_or_null(obj, "p", v->p);
	json__bool(obj, "changed", v->changed);
	json__bool(obj, "drifts", v->drifts);
	json__bool(obj, "unsure", v->unsure);
	return obj;
}

static const char *state_of(const struct diff_row *row)
{
	return !row->row[DIFF_OLD] ? "new" : !row->row[DIFF_NEW] ? "gone" : "both";
}

static enum diff_side any_side(const struct diff_row *row)
{
	return row->row[DIFF_OLD] ? DIFF_OLD : DIFF_NEW;
}

static struct json_object *diff_row_json(const struct diff *d, const struct diff_row *row,
					 bool total)
{
	struct json_object *obj = json_object_new_object();
	enum diff_side side = any_side(row);

	json__text(obj, "label", row->label);
	if (!total) {
		json__text(obj, "in", state_of(row));
		render__report_key_json(obj, d->rep[side], row->row[side], false);
	}
	for (u32 m = 0; m < NR_DIFF_MEASURES; m++)
		json_object_object_add(obj, diff_measure__name(m), value_json(&row->value[m]));
	return obj;
}

static struct json_object *make_diff_row(struct json_writer *w, const void *ctx, u32 i)
{
	const struct diff *d = ctx;

	return diff_row_json(d, &d->row[i], false);
}

static void add_side(struct json_writer *w, struct json_object *root, const struct diff *d,
		     enum diff_side side)
{
	struct json_object *obj = json__object(root, side == DIFF_OLD ? "old" : "new");
	const struct report *rep = d->rep[side];

	json__text(obj, "file", rep->rec->path);
	json__recording(w, json__object(obj, "recording"), rep->rec);
	json__u64(obj, "covered_ns", recording__covered(rep->rec));
	json__real(obj, "vcpu_ns", d->vcpu_s[side] * 1e9);
	json__u64(obj, "recorded", rep->recorded);
	json__u64(obj, "lost", rep->lost);
}

static void add_settings(struct json_object *root, const struct diff *d)
{
	struct json_object *list = json__array(root, "not_the_same"), *item;
	const struct settings *old = &d->settings[DIFF_OLD];

	for (u32 i = 0; i < old->nr; i++) {
		const char *new = settings__find(&d->settings[DIFF_NEW], old->list[i].what);

		if (!new || !strcmp(new, old->list[i].value))
			continue;
		item = json_object_new_object();
		json_object_array_add(list, item);
		json__text(item, "what", old->list[i].what);
		json__text(item, "old", old->list[i].value);
		json__text(item, "new", new);
	}
}

static void diff_json__findings(struct json_object *root, const char *key,
				const struct finding *const *f, u32 nr)
{
	struct json_object *list = json__array(root, key), *item;

	for (u32 i = 0; i < nr; i++) {
		item = json_object_new_object();
		json_object_array_add(list, item);
		json__text(item, "rule", f[i]->rule);
		json__text(item, "text", f[i]->text);
		json__real(item, "share", f[i]->share);
	}
}

static struct json_object *make_diff(struct json_writer *w, const void *ctx, u32 i)
{
	const struct diff *d = ((const struct diff *const *)ctx)[i];
	struct json_object *obj = json_object_new_object();

	add_side(w, obj, d, DIFF_OLD);
	add_side(w, obj, d, DIFF_NEW);
	add_settings(obj, d);
	diff_json__findings(obj, "findings_appeared", d->appeared, d->nr_appeared);
	diff_json__findings(obj, "findings_gone", d->went, d->nr_went);
	json__u64(obj, "tests", d->nr_tests);
	json__real(obj, "family_wise_error", NOISE_ALPHA);
	json__u64(obj, "rows_changed", d->nr_changed);
	json__u64(obj, "rows_unsure", d->nr_unsure);
	json__text(obj, "cost_not_compared", *d->no_cost ? d->no_cost : NULL);
	json__text(obj, "untested", *d->untested ? d->untested : NULL);
	json__list(w, obj, "rows", d->nr_rows, make_diff_row, d);
	json_object_object_add(obj, "total", diff_row_json(d, &d->total, true));
	return obj;
}

int render__diff_json(const struct screen *s, const struct diff *const *list, u32 nr,
		      const struct diff_failure *failure, u32 nr_failures)
{
	struct json_object *root = json_object_new_object(), *failed, *item;
	const struct report *rep = list[0]->rep[DIFF_OLD];
	struct json_writer w = { .out = s->out };

	json__schema(root);
	json__text(root, "event", event_desc__by_id(rep->event)->name);
	item = json__array(root, "sort");
	for (u32 i = 0; i < rep->opt->nr_sort; i++)
		json_object_array_add(item, json_object_new_string(
				      sort_key__name(report_options__key(rep->opt, i))));
	json__list(&w, root, "comparisons", nr, make_diff, list);
	failed = json__array(root, "failed");
	for (u32 i = 0; i < nr_failures; i++) {
		item = json_object_new_object();
		json_object_array_add(failed, item);
		json__text(item, "condition", failure[i].condition->text);
		json__text(item, "label", failure[i].row.label);
		json__text(item, "new", failure[i].diff->rep[DIFF_NEW]->rec->path);
	}
	return json__write(&w, root);
}

static struct json_object *csv_row(const struct diff *d, const struct diff_row *row)
{
	struct json_object *obj = json_object_new_object();
	enum diff_side side = any_side(row);
	char name[32];

	json__text(obj, "new_file", d->rep[DIFF_NEW]->rec->path);
	json__text(obj, "label", row->label);
	json__text(obj, "in", state_of(row));
	for (u32 m = 0; m < NR_DIFF_MEASURES; m++) {
		const struct diff_value *v = &row->value[m];
		const char *measure = diff_measure__name(m);

		snprintf(name, sizeof(name), "%s_old", measure);
		real_or_null(obj, name, v->of[DIFF_OLD]);
		snprintf(name, sizeof(name), "%s_new", measure);
		real_or_null(obj, name, v->of[DIFF_NEW]);
		snprintf(name, sizeof(name), "%s_percent", measure);
		real_or_null(obj, name, v->percent);
		if (m >= NR_DIFF_TESTED)
			continue;
		snprintf(name, sizeof(name), "%s_p", measure);
		real_or_null(obj, name, v->p);
		snprintf(name, sizeof(name), "%s_changed", measure);
		json__bool(obj, name, v->changed);
	}
	render__report_key_json(obj, d->rep[side], row->row[side], true);
	return obj;
}

int render__diff_csv(const struct screen *s, const struct diff *const *list, u32 nr)
{
	struct out *out = out__new(s);
	bool named = false;

	if (!out)
		return -1;
	for (u32 i = 0; i < nr; i++) {
		const struct diff *d = list[i];

		for (u32 k = 0; k < d->nr_rows; k++) {
			if (!named)
				csv__line(out, csv_row(d, &d->row[k]), true);
			csv__line(out, csv_row(d, &d->row[k]), false);
			named = true;
		}
	}
	return out__free(out);
}
