// SPDX-License-Identifier: GPL-2.0
/*
 * make_recording FILE <LINES: a recording made with kvmw's writer, for tests in Python.
 *
 * Each line is a JSON array, a frame: ["META", {...}], ["IDENT", {...}], or
 * ["EVENTS", "exit", [[field, ...], ...]] with each row's fields in the order of
 * util/events.h (missing ones are 0, null is all ones); or ["FINISH"].
 */
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/data/data.h"

struct maker {
	struct data_writer *w;
	struct data_encoder *enc;
	struct data_buf frame;
};

static int frame_type(const char *name)
{
	static const char *const names[] = {
		[DATA_META] = "META", [DATA_IDENT] = "IDENT", [DATA_EVENTS] = "EVENTS",
		[DATA_LOSS] = "LOSS", [DATA_STATS] = "STATS",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i] && !strcmp(names[i], name))
			return i;
	return -1;
}

static void fill_row(const struct event_desc *event, struct json_object *values, u8 *row)
{
	size_t nr = json_object_array_length(values);

	for (size_t i = 0; i < nr && i < event->nr_fields; i++) {
		struct json_object *value = json_object_array_get_idx(values, i);
		u64 number = value ? json_object_get_uint64(value) : KVMW_NONE;

		if (json_object_get_int64(value) < 0)
			number = json_object_get_int64(value);
		/* Little endian, as all that kvmw runs on: the low bytes come first. */
		memcpy(row + event->fields[i].offset, &number,
		       field_type__width(event->fields[i].type));
	}
}

static int rows_frame(struct maker *m, int type, const char *name, struct json_object *list)
{
	const struct event_desc *event = event_desc__by_name(name);
	size_t nr = json_object_array_length(list);
	u8 *rows = event ? calloc(nr ?: 1, event->size) : NULL;
	int ret = -1;

	for (size_t i = 0; rows && i < nr; i++)
		fill_row(event, json_object_array_get_idx(list, i), rows + i * event->size);
	if (rows)
		ret = data_encoder__rows(m->enc, type, event, 0, rows, nr, &m->frame);
	free(rows);
	return ret;
}

static int take(struct maker *m, struct json_object *line)
{
	const char *kind = json_object_get_string(json_object_array_get_idx(line, 0));
	struct json_object *second = json_object_array_get_idx(line, 1);
	int type = frame_type(kind), ret;

	if (!strcmp(kind, "FINISH"))
		return data_writer__finish(m->w);
	m->frame.len = 0;
	if (type == DATA_META || type == DATA_IDENT)
		ret = data_encoder__json(m->enc, type, json_object_to_json_string(second),
					 &m->frame);
	else
		ret = rows_frame(m, type, json_object_get_string(second),
				 json_object_array_get_idx(line, 2));
	return ret || data_writer__append(m->w, &m->frame) ? -1 : 0;
}

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_CREAT | O_TRUNC | O_RDWR, 0600) : -1, ret = 0;
	struct maker m = { .enc = data_encoder__new() };
	size_t size = 0;
	char *text = NULL;

	if (fd < 0 || !m.enc)
		return 2;
	m.w = data_writer__new(fd, argv[1], DATA_ALL_EVENTS);
	if (!m.w)
		return 1;
	while (!ret && getline(&text, &size, stdin) > 0) {
		struct json_object *line = json_tokener_parse(text);

		ret = json_object_is_type(line, json_type_array) ? take(&m, line) : -1;
		json_object_put(line);
	}
	free(text);
	free(m.frame.data);
	data_encoder__free(m.enc);
	return data_writer__close(m.w) || ret ? 1 : 0;
}
