// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/render/json.h"
#include "util/render/sparks.h"
#include "util/render/units.h"

#define FINE	(1u << 20)	/* a rate's most, for screen__block() */

static void add_blocks(struct textgrid *g, const struct screen *s, const u64 *value, u32 nr,
		       u64 most)
{
	char buf[SPARK_STEPS * 4 + 1] = "";

	while (nr && !value[nr - 1])
		nr--;
	for (u32 i = 0; i < nr; i++)
		strcat(buf, screen__block(s, value[i], most));
	textgrid__add(g, "%s", buf);
}

void textgrid__rate_sparks(struct textgrid *g, const struct screen *s, const struct report *rep,
			   const struct report_row *row)
{
	u32 nr = row->sparks ? rep->steps.nr : 0;
	u64 value[SPARK_STEPS];

	for (u32 i = 0; i < nr; i++) {
		double share = row->sparks->per_second[i] / row->sparks->most_per_second;

		value[i] = row->sparks->count[i] ? share * FINE : 0;
		value[i] += row->sparks->count[i] && !value[i];
	}
	add_blocks(g, s, value, nr, FINE);
}

void textgrid__p99_sparks(struct textgrid *g, const struct screen *s, const struct report *rep,
			  const struct report_row *row)
{
	u32 nr = row->sparks ? rep->steps.nr : 0;
	u64 value[SPARK_STEPS];

	for (u32 i = 0; i < nr; i++)
		value[i] = captured(row->sparks->p99_ns[i]);
	add_blocks(g, s, value, nr, nr ? row->sparks->most_p99_ns : 0);
}

const char *sparks__legend(const struct report *rep, char *buf)
{
	char step[UNITS_MAX];

	snprintf(buf, SPARKS_WORDS,
		 " " SPARKS_GROUP ": each character %s, as high as it is of the row's greatest.",
		 units__ns(rep->steps.step_ns, UNITS_3, step));
	return buf;
}

static void sparks__add_row(struct textgrid *g, const struct screen *s, const struct report *rep,
			    const struct report_row *row)
{
	char p99[UNITS_MAX];

	textgrid__add(g, "%s", row == &rep->total ? "total" : row->label[0]);
	textgrid__rate_sparks(g, s, rep, row);
	textgrid__add(g, "%.*f", row->sparks->most_per_second < 9.95, row->sparks->most_per_second);
	textgrid__p99_sparks(g, s, rep, row);
	textgrid__add(g, "%s", units__ns(row->sparks->most_p99_ns ?: KVMW_NONE, UNITS_2, p99));
}

int render__sparks(const struct screen *s, const struct report *rep)
{
	static const struct textgrid_col col[] = {
		{ .head = "reason", .left = true }, { .head = "rate", .left = true }, { .head = "at most/s" },
		{ .head = "p99", .left = true }, { .head = "at most" },
	};
	char words[SPARKS_WORDS];
	struct textgrid grid;

	if (!rep->steps.nr)
		return 0;
	textgrid__init(&grid, col, ARRAY_SIZE(col));
	for (u32 i = 0; i < report__visible(rep); i++)
		sparks__add_row(&grid, s, rep, &rep->row[i]);
	sparks__add_row(&grid, s, rep, &rep->total);
	fputc('\n', s->out);
	if (textgrid__finish(&grid, s))
		return -1;
	screen__color(s, COLOR_DIM);
	screen__wrap(s, "# ", "# ", sparks__legend(rep, words) + 1);
	screen__plain(s);
	return 0;
}

void render__spark_steps_json(struct json_object *root, const struct report *rep)
{
	struct json_object *obj = json__object(root, "over_time");

	json__u64(obj, "from_ns", rep->steps.from_ns);
	json__u64(obj, "step_ns", rep->steps.step_ns);
	json__u64(obj, "last_ns", rep->steps.last_ns);
	json__u64(obj, "steps", rep->steps.nr);
}

void render__sparks_json(struct json_object *obj, const struct report *rep,
			 const struct report_row *row)
{
	struct json_object *list = json__array(obj, "over_time"), *item;

	for (u32 i = 0; i < rep->steps.nr; i++) {
		item = json_object_new_object();
		json_object_array_add(list, item);
		json__u64(item, "count", row->sparks->count[i]);
		json__ns(item, "p99_ns", row->sparks->p99_ns[i]);
	}
}
