// SPDX-License-Identifier: GPL-2.0
/* kvmw report -e halt: the vCPUs' halts, who ended them, the polling window over time. */
#include <string.h>

#include "util/analysis/model_halt.h"
#include "util/render/json.h"
#include "util/render/named_list.h"
#include "util/render/textgrid.h"
#include "util/render/units.h"
#include "util/render/views.h"

#define MAX_CHART	100	/* columns of the polling window's chart */
#define JSON_CHART	60
#define MAX_NAME	16	/* of a vCPU before its chart */

static const struct textgrid_col columns[] = {
	{ .head = "vCPU", .left = true },
	{ .head = "halts" },
	{ .head = "halted", .sum = true },
	{ .head = "%" },
	{ .group = "each", .head = "mean" },
	{ .group = "each", .head = "p50" },
	{ .group = "each", .head = "p99" },
	{ .group = "each", .head = "max" },
	{ .head = "polls", .from = 100 },
	{ .head = "polled", .sum = true },
	{ .head = "%" },
	{ .head = "paid%" },
	{ .head = "invalid%", .dull = true },
};

static int view_halt__table(const struct screen *s, const struct halt_model *v)
{
	struct textgrid g;

	textgrid__init(&g, columns, ARRAY_SIZE(columns));
	for (u32 i = 0; i < v->nr; i++) {
		const struct halt_vcpu *vcpu = &v->vcpu[i];

		textgrid__add(&g, "%s", vcpu->name);
		textgrid__count(&g, vcpu->halts);
		textgrid__ns(&g, vcpu->halted_ns);
		textgrid__percent(&g, vcpu->halted_ns,
				  vcpu->span.count ? v->to_ns - v->from_ns : 0);
		textgrid__ns(&g, vcpu->span.mean);
		textgrid__ns(&g, vcpu->span.p50);
		textgrid__ns(&g, vcpu->span.p99);
		textgrid__ns(&g, vcpu->span.max);
		textgrid__count(&g, vcpu->polls);
		textgrid__ns(&g, vcpu->polls ? vcpu->poll_ns : KVMW_NONE);
		textgrid__percent(&g, vcpu->poll_ns, vcpu->polls ? v->to_ns - v->from_ns : 0);
		textgrid__percent(&g, vcpu->paid, vcpu->polls);
		textgrid__percent(&g, vcpu->invalid, vcpu->valid + vcpu->invalid);
	}
	return textgrid__finish(&g, s);
}

static void wakers(const struct screen *s, const struct halt_model *v)
{
	bool any = false;

	for (u32 i = 0; i < v->nr; i++) {
		const struct halt_vcpu *vcpu = &v->vcpu[i];
		char words[HALT_WAKERS * (THREAD_NAME_MAX + 24)], first[THREAD_NAME_MAX + 2];
		char share[UNITS_MAX];
		size_t len = 0;

		if (!vcpu->nr_wakers)
			continue;
		if (!any)
			fputs("\nWakers (halts that went to sleep):\n", s->out);
		any = true;
		for (u32 k = 0; k < vcpu->nr_wakers; k++)
			len += snprintf(words + len, sizeof(words) - len, "%s%s %s", k ? ", " : "",
					vcpu->waker[k].name,
					units__share(vcpu->waker[k].count, vcpu->woken, share));
		snprintf(first, sizeof(first), "%s: ", vcpu->name);
		screen__wrap(s, first, "        ", words);
	}
}

/* One character for each part of the time, against the greatest window of all. */
static void chart(const struct screen *s, const struct halt_model *v, const struct halt_vcpu *vcpu,
		  u32 nr, u64 most)
{
	u64 value[MAX_CHART], greatest = 0;
	char buf[UNITS_MAX];

	halt_vcpu__window(v, vcpu, nr, value);
	for (u32 i = 0; i < nr; i++) {
		u64 window = value[i] == KVMW_NONE ? 0 : value[i];

		greatest = window > greatest ? window : greatest;
		fputs(screen__block(s, window, most), s->out);
	}
	fprintf(s->out, "| %s\n", units__ns(greatest, UNITS_FULL, buf));
}

static u64 greatest_window(const struct halt_model *v, u32 nr)
{
	u64 value[MAX_CHART], most = 0;

	for (u32 i = 0; i < v->nr; i++) {
		if (!v->vcpu[i].window)
			continue;
		halt_vcpu__window(v, &v->vcpu[i], nr, value);
		for (u32 k = 0; k < nr; k++)
			if (value[k] != KVMW_NONE && value[k] > most)
				most = value[k];
	}
	return most ?: 1;
}

static void windows(const struct screen *s, const struct halt_model *v)
{
	char each[UNITS_MAX], full[UNITS_MAX], words[160];
	u32 label = 0, nr;
	u64 most;

	for (u32 i = 0; i < v->nr; i++) {
		u32 need = v->vcpu[i].window ? screen__width(s, v->vcpu[i].name) : 0;

		label = need > label ? need : label;
	}
	if (!label)
		return;
	label = label < MAX_NAME ? label : MAX_NAME;
	/* " |", "| ", and up to 7 of a duration. */
	nr = s->width - label - 11 < MAX_CHART ? s->width - label - 11 : MAX_CHART;
	most = greatest_window(v, nr);
	snprintf(words, sizeof(words), "The polling window over time, its maximum at the right; "
		 "one column is %s, full height %s, blank means no polling:",
		 units__ns((v->to_ns - v->from_ns) / nr, UNITS_FULL, each),
		 units__ns(most, UNITS_FULL, full));
	fputc('\n', s->out);
	screen__wrap(s, "", "", words);
	for (u32 i = 0; i < v->nr; i++) {
		if (!v->vcpu[i].window)
			continue;
		screen__field(s, v->vcpu[i].name, label, true);
		fputs(" |", s->out);
		chart(s, v, &v->vcpu[i], nr, most);
	}
}

static int view_halt__text(const struct screen *s, const struct report *rep, const void *model)
{
	const struct halt_model *v = model;
	char count[UNITS_MAX];
	struct named_list died = { 0 };
	int ret = 0;

	if (v->nr) {
		fprintf(s->out, "\nHalts of the vCPUs in %.3f s:\n", (v->to_ns - v->from_ns) / 1e9);
		ret = view_halt__table(s, v);
		for (u32 i = 0; i < v->nr; i++)
			if (v->vcpu[i].died_ns != KVMW_NONE)
				named_list__add(&died, "%s at %.3f s", v->vcpu[i].name,
						v->vcpu[i].died_ns / 1e9);
		named_list__print(s, "Died", &died);
		wakers(s, v);
		windows(s, v);
	}
	if (v->over_limit)
		screen__say(s, "", "  ",
			    "%s events are not counted here: more vCPUs or wakers than kvmw keeps",
			    units__count(v->over_limit, count));
	return ret;
}

static void window_json(struct json_object *obj, const struct halt_model *v,
			const struct halt_vcpu *vcpu)
{
	struct json_object *window, *list;
	u64 value[JSON_CHART];

	if (!vcpu->window) {
		json__text(obj, "window", NULL);
		return;
	}
	window = json__object(obj, "window");
	json__u64(window, "changes", vcpu->window->changes);
	json__u64(window, "grew", vcpu->grew);
	json__u64(window, "shrank", vcpu->shrank);
	json__ns(window, "step_ns", (v->to_ns - v->from_ns) / JSON_CHART);
	list = json__array(window, "max_ns");
	halt_vcpu__window(v, vcpu, JSON_CHART, value);
	for (u32 i = 0; i < JSON_CHART; i++)
		json_object_array_add(list, value[i] == KVMW_NONE ? NULL :
				      json_object_new_uint64(value[i]));
}

static void vcpu_json(struct json_object *list, const struct halt_model *v,
		      const struct halt_vcpu *vcpu)
{
	struct json_object *obj = json_object_new_object(), *wakers, *item;

	json_object_array_add(list, obj);
	json__text(obj, "name", vcpu->name);
	json__u64(obj, "vcpu_id", vcpu->id);
	json__u64(obj, "halts", vcpu->halts);
	json__ns(obj, "halted_ns", vcpu->halted_ns);
	json__ns(obj, "mean_ns", vcpu->span.mean);
	json__ns(obj, "p50_ns", vcpu->span.p50);
	json__ns(obj, "p99_ns", vcpu->span.p99);
	json__ns(obj, "max_ns", vcpu->span.max);
	json__u64(obj, "polls", vcpu->polls);
	json__u64(obj, "polls_paid_off", vcpu->paid);
	json__ns(obj, "poll_ns", vcpu->polls ? vcpu->poll_ns : KVMW_NONE);
	json__u64(obj, "valid", vcpu->valid);
	json__u64(obj, "invalid", vcpu->invalid);
	json__u64(obj, "woken", vcpu->woken);
	wakers = json__array(obj, "wakers");
	for (u32 i = 0; i < vcpu->nr_wakers; i++) {
		item = json_object_new_object();
		json_object_array_add(wakers, item);
		json__text(item, "name", vcpu->waker[i].name);
		json__u64(item, "count", vcpu->waker[i].count);
	}
	window_json(obj, v, vcpu);
}

static int view_halt__json(struct json_object *root, const struct report *rep, const void *model)
{
	struct json_object *obj = json__object(root, "halt"), *list;
	const struct halt_model *v = model;

	json__ns(obj, "duration_ns", v->to_ns - v->from_ns);
	list = json__array(obj, "vcpus");
	for (u32 i = 0; i < v->nr; i++)
		vcpu_json(list, v, &v->vcpu[i]);
	json__u64(obj, "left_out", v->over_limit);
	return 0;
}

const struct report_view halt_report_view = {
	.event = KVMW_EVENT_HALT,
	.text = view_halt__text,
	.json = view_halt__json,
};
