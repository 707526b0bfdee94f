// SPDX-License-Identifier: GPL-2.0
/*
 * kvmw report --csv: RFC 4180, one line per row, an empty field was not captured.  Its
 * columns are the members of a row in the JSON.  Without rows, those who had the CPUs that vCPUs
 * waited for, or what was taken from VMs.
 */
#include "util/analysis/cpu_holders.h"
#include "util/analysis/taken_sums.h"
#include "util/render/cpu_holders.h"
#include "util/render/csv.h"
#include "util/render/json.h"
#include "util/render/render.h"
#include "util/render/taken_sums.h"

static void value(struct out *out, struct json_object *v)
{
	if (json_object_is_type(v, json_type_boolean))
		out__char(out, json_object_get_boolean(v) ? '1' : '0');
	else if (json_object_is_type(v, json_type_string))
		out__csv(out, json_object_get_string(v));
	else if (v)
		out__text(out, json_object_get_string(v));
}

void csv__line(struct out *out, struct json_object *obj, bool names)
{
	const char *comma = "";

	json_object_object_foreach(obj, name, v) {
		out__text(out, comma);
		comma = ",";
		if (names)
			out__text(out, name);
		else
			value(out, v);
	}
	out__char(out, '\n');
	json_object_put(obj);
}

/* The chosen columns alone, in their order. */
static struct json_object *report_csv__row(const struct report *rep, const struct report_row *row)
{
	struct json_object *all = render__report_row_json(rep, row, true), *chosen, *v;

	if (!rep->opt->nr_columns)
		return all;
	chosen = json_object_new_object();
	render__report_key_json(chosen, rep, row, true);
	for (u32 i = 0; i < rep->opt->nr_columns; i++) {
		const char *member = report_column__get(rep->opt->column[i])->member;

		if (json_object_object_get_ex(all, member, &v))
			json_object_object_add(chosen, member, json_object_get(v));
	}
	json_object_put(all);
	return chosen;
}

static void put_rows(struct out *out, const struct report *rep)
{
	csv__line(out, report_csv__row(rep, &rep->total), true);
	for (u32 i = 0; i < report__visible(rep); i++)
		csv__line(out, report_csv__row(rep, &rep->row[i]), false);
}

static void put_holders(struct out *out, const struct report *rep)
{
	const struct cpu_holders *all = rep->holders;

	csv__line(out, render__cpu_holder_json(rep, &all->each[0]), true);
	for (u32 i = 0; i < all->nr_each; i++)
		csv__line(out, render__cpu_holder_json(rep, &all->each[i]), false);
}

static void put_taken(struct out *out, const struct report *rep)
{
	const struct taken_sums *all = rep->taken;

	csv__line(out, render__taken_sum_json(&all->line[0]), true);
	for (u32 i = 0; i < all->nr; i++)
		csv__line(out, render__taken_sum_json(&all->line[i]), false);
}

int render__report_csv(const struct screen *s, const struct report *rep)
{
	struct out *out = json__expect() ? NULL : out__new(s);

	if (!out)
		return -1;
	if (!rep->nr_rows && rep->holders && rep->holders->nr_each)
		put_holders(out, rep);
	else if (!rep->nr_rows && rep->event == KVMW_EVENT_MMU && rep->taken && rep->taken->nr)
		put_taken(out, rep);
	else
		put_rows(out, rep);
	return out__free(out);
}
