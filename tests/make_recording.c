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

static const char *skip(const char *p)
{
	return p + strspn(p, ", \n");
}

/* The same as that of json-c, which takes most of the time that a test waits for its recording. */
static const char *parse_number(const char *p, u64 *number)
{
	static const struct {
		const char *word;
		u64 is;
	} words[] = { { "null", KVMW_NONE }, { "true", 1 }, { "false", 0 } };
	char *end;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strncmp(p, words[i].word, strlen(words[i].word)))
			continue;
		*number = words[i].is;
		return p + strlen(words[i].word);
	}
	*number = *p == '-' ? (u64)strtoll(p, &end, 10) : strtoull(p, &end, 10);
	return end > p && !strchr(".eE", *end) ? end : NULL;
}

/* What is behind the row, or NULL. */
static const char *parse_row(const char *p, const struct event_desc *event, u8 *row)
{
	u64 number;
	u32 i = 0;

	if (*p != '[')
		return NULL;
	for (p = skip(p + 1); p && *p != ']'; p = p ? skip(p) : NULL) {
		p = parse_number(p, &number);
		/* Little endian, as all that kvmw runs on: the low bytes come first. */
		if (p && i < event->nr_fields) {
			memcpy(row + event->fields[i].offset, &number,
			       field_type__width(event->fields[i].type));
			i++;
		}
	}
	return p ? skip(p + 1) : NULL;
}

/* P is behind the frame's kind. */
static int rows_frame(struct maker *m, int type, const char *p)
{
	const struct event_desc *event;
	char name[32];
	int behind = 0, ret = -1;
	size_t room = 0, nr = 0;
	u8 *rows;

	if (sscanf(p, " , \"%31[^\"]\" , [%n", name, &behind) != 1 || !behind)
		return -1;
	event = event_desc__by_name(name);
	for (const char *c = p; *c; c++)
		room += *c == '[';
	rows = event ? calloc(room, event->size) : NULL;
	for (p = skip(p + behind); rows && p && *p == '['; nr++)
		p = parse_row(p, event, rows + nr * event->size);
	if (rows && p && !strncmp(p, "]]", 2))
		ret = data_encoder__rows(m->enc, type, event, 0, rows, nr, &m->frame);
	free(rows);
	return ret;
}

static int json_frame(struct maker *m, int type, const char *p)
{
	struct json_object *object = json_tokener_parse(skip(p));
	int ret = object ? data_encoder__json(m->enc, type, json_object_to_json_string(object),
					      &m->frame) : -1;

	json_object_put(object);
	return ret;
}

static int take(struct maker *m, const char *line)
{
	char kind[16];
	int behind = 0, type, ret;

	if (sscanf(line, " [ \"%15[^\"]\"%n", kind, &behind) != 1 || !behind)
		return -1;
	if (!strcmp(kind, "FINISH"))
		return data_writer__finish(m->w);
	type = frame_type(kind);
	m->frame.len = 0;
	if (type == DATA_META || type == DATA_IDENT)
		ret = json_frame(m, type, line + behind);
	else
		ret = rows_frame(m, type, line + behind);
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
	while (!ret && getline(&text, &size, stdin) > 0)
		ret = take(&m, text);
	free(text);
	free(m.frame.data);
	data_encoder__free(m.enc);
	return data_writer__close(m.w) || ret ? 1 : 0;
}
