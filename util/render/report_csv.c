// SPDX-License-Identifier: GPL-2.0
/*
 * kvmw report --csv: RFC 4180, one line per row, an empty field was not captured.  Its
 * columns are the members of a row in the JSON.
 */
#include <string.h>

#include "util/render/json.h"
#include "util/render/render.h"

static void text(const struct screen *s, const char *field)
{
	if (!strpbrk(field, ",\"\r\n")) {
		fputs(field, s->out);
		return;
	}
	fputc('"', s->out);
	for (; *field; field++) {
		if (*field == '"')
			fputc('"', s->out);
		fputc(*field, s->out);
	}
	fputc('"', s->out);
}

static void value(const struct screen *s, struct json_object *v)
{
	if (json_object_is_type(v, json_type_boolean))
		fputs(json_object_get_boolean(v) ? "1" : "0", s->out);
	else if (v)
		text(s, json_object_get_string(v));
}

static void line(const struct screen *s, const struct report *rep, const struct report_row *row,
		 bool names)
{
	struct json_object *obj = render__report_row_json(rep, row);
	const char *comma = "";

	json_object_object_foreach(obj, name, v) {
		fputs(comma, s->out);
		comma = ",";
		if (names)
			fputs(name, s->out);
		else
			value(s, v);
	}
	fputc('\n', s->out);
	json_object_put(obj);
}

void render__report_csv(const struct screen *s, const struct report *rep)
{
	line(s, rep, &rep->total, true);
	for (u32 i = 0; i < rep->nr_rows - rep->nr_hidden; i++)
		line(s, rep, &rep->row[i], false);
}
