// SPDX-License-Identifier: GPL-2.0
/* kvmw report -e sched: where the threads' time went, and who took their CPUs. */
#include <string.h>

#include "util/analysis/model_sched.h"
#include "util/render/cpu_holders.h"
#include "util/render/json.h"
#include "util/render/named_list.h"
#include "util/render/textgrid.h"
#include "util/render/units.h"
#include "util/render/views.h"

#define SHOWN	20	/* threads, without --top */

static const struct textgrid_col columns[] = {
	{ .head = "thread", .left = true },
	{ .head = "on CPU", .from = 100, .sum = true },
	{ .head = "on CPU%" },
	{ .head = "waiting", .sum = true },
	{ .head = "%" },
	{ .group = "each wait", .head = "p50" },
	{ .group = "each wait", .head = "p99" },
	{ .group = "each wait", .head = "max" },
	{ .head = "asleep", .from = 100, .sum = true },
	{ .head = "moved", .from = 100 },
	{ .head = "switches", .from = 100 },
	{ .head = "preempted" },
	{ .head = "mostly by", .left = true },
};

static int view_sched__table(const struct screen *s, const struct sched_model *v, u32 nr)
{
	u64 whole = v->to_ns - v->from_ns;
	struct textgrid g;

	textgrid__init(&g, columns, ARRAY_SIZE(columns));
	for (u32 i = 0; i < nr; i++) {
		const struct sched_thread *t = &v->thread[i];

		textgrid__add(&g, "%s", t->name);
		textgrid__ns(&g, t->on_ns);
		textgrid__percent(&g, t->on_ns, whole);
		textgrid__ns(&g, t->wait_ns);
		textgrid__percent(&g, t->wait_ns, whole);
		textgrid__ns(&g, t->wait.p50);
		textgrid__ns(&g, t->wait.p99);
		textgrid__ns(&g, t->wait.max);
		textgrid__ns(&g, t->asleep_ns);
		textgrid__count(&g, t->moved);
		textgrid__count(&g, t->switches);
		textgrid__count(&g, t->preempted);
		/* As much as a thread's name can be. */
		textgrid__add(&g, "%.16s", t->by.count ? t->by.name : "-");
	}
	return textgrid__finish(&g, s);
}

static int view_sched__text(const struct screen *s, const struct report *rep, const void *model)
{
	const struct sched_model *v = model;
	u32 top = rep->opt->top ?: SHOWN;
	char words[160], count[UNITS_MAX];
	struct named_list died = { 0 };
	int ret = render__cpu_holders(s, rep, top);

	if (v->nr && !ret) {
		fprintf(s->out, "\nThreads by time waiting for a CPU, in %.3f s:\n",
			(v->to_ns - v->from_ns) / 1e9);
		ret = view_sched__table(s, v, v->nr < top ? v->nr : top);
	}
	for (u32 i = 0; i < v->nr && i < top; i++)
		if (v->thread[i].died_ns != KVMW_NONE)
			named_list__add(&died, "%s at %.3f s", v->thread[i].name,
					v->thread[i].died_ns / 1e9);
	named_list__print(s, "Died", &died);
	if (v->nr + v->more > top) {
		snprintf(words, sizeof(words), "%s more threads not shown (use --top N)",
			 units__count((u64)v->nr + v->more - top, count));
		screen__wrap(s, "", "  ", words);
	}
	if (v->over_limit) {
		snprintf(words, sizeof(words),
			 "%s events are not counted here: more threads than kvmw keeps",
			 units__count(v->over_limit, count));
		screen__wrap(s, "", "  ", words);
	}
	return ret;
}

static void thread_json(struct json_object *list, const struct report *rep,
			const struct sched_thread *t)
{
	const struct rec_vcpu *vcpu = recording__vcpu(rep->rec, t->vcpu);
	struct json_object *obj = json_object_new_object(), *by;

	json_object_array_add(list, obj);
	json__text(obj, "name", t->name);
	json__u64(obj, "tid", t->tid);
	json__u64(obj, "vcpu_id", t->vcpu);
	json__text(obj, "role", vcpu && !rec_vcpu__is_vcpu(vcpu) ? vcpu->role : NULL);
	json__ns(obj, "on_cpu_ns", t->on_ns);
	json__ns(obj, "waiting_ns", t->wait_ns);
	json__ns(obj, "asleep_ns", t->asleep_ns);
	if (t->gone_ns)
		json__u64(obj, "gone_for_ns", t->gone_ns);
	json__u64(obj, "waits", t->wait.count);
	json__ns(obj, "wait_p50_ns", t->wait.p50);
	json__ns(obj, "wait_p99_ns", t->wait.p99);
	json__ns(obj, "wait_max_ns", t->wait.max);
	json__u64(obj, "switches", t->switches);
	json__u64(obj, "preempted", t->preempted);
	json__u64(obj, "migrations", t->moved);
	if (!t->by.count) {
		json__text(obj, "preempted_by", NULL);
		return;
	}
	by = json__object(obj, "preempted_by");
	json__text(by, "name", t->by.name);
	json__u64(by, "count", t->by.count);
}

static int view_sched__json(struct json_object *root, const struct report *rep, const void *model)
{
	struct json_object *obj = json__object(root, "sched"), *list;
	const struct sched_model *v = model;

	json__ns(obj, "duration_ns", v->to_ns - v->from_ns);
	list = json__array(obj, "threads");
	for (u32 i = 0; i < v->nr; i++)
		thread_json(list, rep, &v->thread[i]);
	json__u64(obj, "threads_left_out", v->more);
	json__u64(obj, "left_out", v->over_limit);
	render__cpu_holders_json(obj, rep);
	return 0;
}

const struct report_view sched_report_view = {
	.event = KVMW_EVENT_SCHED,
	.text = view_sched__text,
	.json = view_sched__json,
};
