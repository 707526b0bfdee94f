// SPDX-License-Identifier: GPL-2.0
/* report --heatmap: how long the events of each row took, over time. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/render/heatmap.h"
#include "util/render/json.h"
#include "util/render/units.h"

#define LABEL		10	/* columns: of a line, with the axis */
#define TICK		16	/* columns from one time to the next */

struct heatmap {
	const struct screen *s;
	const struct report *rep;
	struct heat_axis axis;
	/* the least count of each shade, from 1 on; then that of none */
	u64 from[SCREEN_SHADES + 2];
	u32 shades;
};

/* Each shade stands for as many times more than the last: a few long ones are looked for. */
static void choose_shades(struct heatmap *h, u64 most)
{
	double times = pow(most, 1.0 / SCREEN_SHADES);

	h->shades = 0;
	for (u32 i = 0; i < SCREEN_SHADES; i++) {
		u64 from = ceil(pow(times, i));

		if (!h->shades || from > h->from[h->shades])
			h->from[++h->shades] = from ?: 1;
	}
	h->from[h->shades + 1] = most + 1;
}

static u32 shade_of(const struct heatmap *h, u64 count)
{
	u32 shade = 0;

	while (shade < h->shades && count >= h->from[shade + 1])
		shade++;
	return shade;
}

/* Few shades are far apart: the darkest is always the most. */
static u32 drawn_as(const struct heatmap *h, u32 shade)
{
	return shade ? SCREEN_SHADES - h->shades + shade : 0;
}

static void put_shade(const struct heatmap *h, u32 shade)
{
	static const enum color colors[SCREEN_SHADES + 1] = {
		0, COLOR_BLUE, COLOR_CYAN, COLOR_GREEN, COLOR_YELLOW, COLOR_RED,
	};
	u32 drawn = drawn_as(h, shade);

	if (drawn)
		screen__color(h->s, colors[drawn]);
	fputs(screen__shade(h->s, drawn), h->s->out);
	if (drawn)
		screen__plain(h->s);
}

static void print_line(const struct heatmap *h, const struct heat_map *map, u32 power)
{
	u32 end = map->columns;
	char label[UNITS_MAX];

	while (end && !heat_map__count(map, power, end - 1))
		end--;
	fprintf(h->s->out, "%8s %s", units__ns(power ? 1ULL << power : 0, UNITS_2, label),
		h->s->utf8 ? "│" : "|");
	for (u32 i = 0; i < end; i++)
		put_shade(h, shade_of(h, heat_map__count(map, power, i)));
	fputc('\n', h->s->out);
}

static double column_seconds(const struct heatmap *h, u32 column)
{
	const struct recording *rec = h->rep->rec;
	u64 start = rec->meta.start_ns,
	    from = h->axis.from_ns > start ? h->axis.from_ns - start : 0;

	return (from + ((u64)column * h->axis.per_column << h->axis.shift)) / 1e9;
}

/* Seconds since the recording's start, as far apart as they need digits. */
static void print_axis(const struct heatmap *h)
{
	double tick = column_seconds(h, TICK) - column_seconds(h, 0);
	int places = tick < 10 && tick > 0 ? 1 - floor(log10(tick)) : 0;
	u32 at = 0;

	fprintf(h->s->out, "%8s %s", "", h->s->utf8 ? "└" : "+");
	for (u32 i = 0; i < h->axis.columns; i++)
		fputs(i % TICK ? h->s->utf8 ? "─" : "-" : h->s->utf8 ? "┴" : "+", h->s->out);
	fprintf(h->s->out, "\n%8s  ", "s");
	for (u32 i = 0; i < h->axis.columns; i += TICK) {
		char label[64];

		snprintf(label, sizeof(label), "%.*f", places, column_seconds(h, i));
		if (LABEL + i + strlen(label) > h->s->width)
			break;
		fprintf(h->s->out, "%*s%s", (int)(i - at), "", label);
		at = i + strlen(label);
	}
	fputc('\n', h->s->out);
}

static int print_map(const struct heatmap *h, const struct report_row *row)
{
	struct heat_map map;

	if (heat_map__make(&map, row, &h->axis))
		return -1;
	if (!map.count)
		return 0;
	render__row_title(h->s, h->rep, row);
	for (u32 power = map.high + 1; power-- > map.low;)
		print_line(h, &map, power);
	print_axis(h);
	fputc('\n', h->s->out);
	free(map.count);
	return 0;
}

/* What is up, across, and dark. */
static void heatmap__legend(const struct heatmap *h)
{
	const struct event_desc *event = h->rep->desc;
	int span = event_desc__field(event, "span_ns", strlen("span_ns"));
	u64 column_ns = (u64)h->axis.per_column << h->axis.shift;
	char words[1024], column[UNITS_MAX], count[UNITS_MAX];
	size_t len;

	len = snprintf(words, sizeof(words), "up: %s, each line from the time at its left on, to twice that; across: when "
		       "they began, each column %s. Events in a cell:",
		       h->rep->event == KVMW_EVENT_EXIT ?
		       "time from the VM exit until the next VM entry" :
		       span >= 0 ? event->fields[span].doc : "how long they took",
		       units__ns(column_ns, UNITS_3, column));
	for (u32 i = 1; i <= h->shades && len < sizeof(words); i++) {
		len += snprintf(words + len, sizeof(words) - len, "%s %s %s", i > 1 ? "," : "",
				screen__shade(h->s, drawn_as(h, i)),
				units__count(h->from[i], count));
		if (h->from[i + 1] - 1 > h->from[i] && len < sizeof(words))
			len += snprintf(words + len, sizeof(words) - len, "-%s",
					units__count(h->from[i + 1] - 1, count));
	}
	screen__color(h->s, COLOR_DIM);
	screen__wrap(h->s, "# ", "# ", words);
	screen__plain(h->s);
}

int render__heatmap(const struct screen *s, const struct report *rep)
{
	struct heatmap h = { .s = s, .rep = rep, .axis = report__heat_axis(rep, s->width - LABEL) };
	u64 most;

	if (heat_maps__most(rep, &h.axis, &most))
		return -1;
	if (!most)
		return error("%s: none of the recorded %s has a duration: --heatmap has nothing to draw", rep->rec->path,
			     rep->desc->plural);
	choose_shades(&h, most);
	for (u32 i = 0; i < report__visible(rep); i++)
		if (print_map(&h, &rep->row[i]))
			return -1;
	if (rep->nr_rows > 1 && print_map(&h, &rep->total))
		return -1;
	heatmap__legend(&h);
	render__hidden(s, rep);
	return 0;
}

void render__heat_steps_json(struct json_object *root, const struct report *rep)
{
	const struct heat_axis axis = report__heat_axis(rep, HEAT_STEPS);
	struct json_object *obj = json__object(root, "heatmap");

	json__u64(obj, "from_ns", axis.from_ns);
	json__u64(obj, "step_ns", 1ULL << axis.shift);
	json__u64(obj, "steps", axis.steps);
}

int render__heat_json(struct json_object *obj, const struct report *rep,
		      const struct report_row *row)
{
	const struct heat_axis axis = report__heat_axis(rep, HEAT_STEPS);
	struct json_object *list = json__array(obj, "heatmap"), *item;
	struct heat_map map;

	if (heat_map__make(&map, row, &axis))
		return -1;
	for (u32 i = 0; map.count && i < map.columns; i++) {
		for (u32 power = map.low; power <= map.high; power++) {
			if (!heat_map__count(&map, power, i))
				continue;
			item = json_object_new_object();
			json_object_array_add(list, item);
			json__u64(item, "step", i);
			json__u64(item, "from_ns", power ? 1ULL << power : 0);
			json__u64(item, "count", heat_map__count(&map, power, i));
		}
	}
	free(map.count);
	return 0;
}
