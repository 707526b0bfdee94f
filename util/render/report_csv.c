// SPDX-License-Identifier: GPL-2.0
/*
 * kvmw report --csv: RFC 4180, one line per row, an empty field was not captured.  Its
 * columns are the members of a row in the JSON.
 */
#include "util/render/json.h"
#include "util/render/outbuf.h"
#include "util/render/render.h"

static void value(struct out *out, struct json_object *v)
{
	if (json_object_is_type(v, json_type_boolean))
		out__char(out, json_object_get_boolean(v) ? '1' : '0');
	else if (v)
		out__csv(out, json_object_get_string(v));
}

static void report_csv__line(struct out *out, const struct report *rep,
			     const struct report_row *row, bool names)
{
	struct json_object *obj = render__report_row_json(rep, row, true);
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

int render__report_csv(const struct screen *s, const struct report *rep)
{
	struct out *out = out__new(s);

	if (!out)
		return -1;
	report_csv__line(out, rep, &rep->total, true);
	for (u32 i = 0; i < report__visible(rep); i++)
		report_csv__line(out, rep, &rep->row[i], false);
	return out__free(out);
}
