// SPDX-License-Identifier: GPL-2.0
/* Who had the CPUs while vCPUs waited for them. */
#include <string.h>

#include "util/analysis/cpu_holders.h"
#include "util/render/cpu_holders.h"
#include "util/render/json.h"
#include "util/render/textgrid.h"
#include "util/render/units.h"

static const struct textgrid_col columns[] = {
	{ .head = "had the CPU", .left = true },
	{ .head = "what", .left = true },
	{ .head = "pid/tid", .left = true },
	{ .head = "time", .sum = true },
	{ .head = "%" },
	{ .head = "turns" },
	{ .head = "mean", .from = 100 },
	{ .head = "vCPUs waited", .from = 100 },
};

static const char *holder_words(const struct cpu_holder *h, char *buf, size_t size)
{
	static const char *const words[] = {
		[KVMW_holder_IDLE] = "idle", [KVMW_holder_VCPU] = "same VM",
		[KVMW_holder_VMM] = "the VMM", [KVMW_holder_VM] = "another VM",
		[KVMW_holder_KERNEL] = "kernel", [KVMW_holder_PROCESS] = "process",
		[KVMW_holder_RECORDER] = "recorder", [KVMW_holder_OTHERS] = "-",
		[KVMW_holder_COMMAND] = "command",
	};

	if (h->kind < ARRAY_SIZE(words) && words[h->kind])
		return words[h->kind];
	snprintf(buf, size, "kind %u", h->kind);
	return buf;
}

static void add_name(struct textgrid *g, const struct cpu_holders *all, const struct cpu_holder *h)
{
	if (h->kind == KVMW_holder_IDLE)
		textgrid__add(g, "nobody: %swaking up or migrating",
			      captured(all->throttled_ns) ? "throttled, " : "");
	else if (*h->vm)
		textgrid__add(g, "%.20s of %s", h->name, h->vm);
	else
		textgrid__add(g, "%s", h->name);
}

static void add_ids(struct textgrid *g, const struct cpu_holder *h)
{
	if (h->kind == KVMW_holder_IDLE || h->tid == ~0U)
		textgrid__add(g, "-");
	else if (h->pid == h->tid)
		textgrid__add(g, "%u", h->pid);
	else
		textgrid__add(g, "%u/%u", h->pid, h->tid);
}

static int cpu_holders__table(const struct screen *s, const struct cpu_holders *all, u32 nr)
{
	struct textgrid g;
	char buf[32];

	textgrid__init(&g, columns, ARRAY_SIZE(columns));
	for (u32 i = 0; i < nr; i++) {
		const struct cpu_holder *h = &all->line[i];

		add_name(&g, all, h);
		textgrid__add(&g, "%s", holder_words(h, buf, sizeof(buf)));
		add_ids(&g, h);
		textgrid__ns(&g, h->time_ns);
		textgrid__percent(&g, h->time_ns, all->time_ns);
		textgrid__count(&g, h->turns);
		textgrid__ns(&g, h->turns ? h->time_ns / h->turns : KVMW_NONE);
		textgrid__count(&g, h->waiters);
	}
	return textgrid__finish(&g, s);
}

int render__cpu_holders(const struct screen *s, const struct report *rep, u32 top)
{
	const struct cpu_holders *all = rep->holders;
	char time[UNITS_MAX], throttled[UNITS_MAX], words[160], count[UNITS_MAX];
	bool quota = all->throttled_ns && all->throttled_ns != KVMW_NONE;
	int ret;

	if (!all->nr_lines)
		return 0;
	snprintf(words, sizeof(words), "vCPUs waited for a CPU for %s%s%s%s. Who had it meanwhile:",
		 units__ns(all->time_ns, UNITS_3, time), quota ? ", throttled for " : "",
		 quota ? units__ns(all->throttled_ns, UNITS_3, throttled) : "",
		 quota ? " of it" : "");
	/* The heading ends with an empty line. */
	if (rep->nr_rows)
		fputc('\n', s->out);
	screen__wrap(s, "", "  ", words);
	ret = cpu_holders__table(s, all, all->nr_lines < top ? all->nr_lines : top);
	if (all->nr_lines > top) {
		snprintf(words, sizeof(words), "%s more not shown (use --top N)",
			 units__count(all->nr_lines - top, count));
		screen__wrap(s, "", "  ", words);
	}
	if (all->over_limit) {
		snprintf(words, sizeof(words), "%s rows are not counted here: more than kvmw keeps",
			 units__count(all->over_limit, count));
		screen__wrap(s, "", "  ", words);
	}
	return ret;
}

struct json_object *render__cpu_holder_json(const struct report *rep, const struct cpu_holder *h)
{
	const struct rec_vcpu *vcpu = recording__vcpu(rep->rec, h->vcpu_id);
	struct json_object *obj = json_object_new_object();
	char buf[32];
	const char *kind = cpu_holder__kind(h->kind);

	if (!kind) {
		snprintf(buf, sizeof(buf), "%u", h->kind);
		kind = buf;
	}
	json__u64(obj, "vcpu_id", h->vcpu_id);
	json__ns(obj, "vcpu", !vcpu || vcpu->vcpu < 0 ? KVMW_NONE : (u64)vcpu->vcpu);
	json__text(obj, "kind", kind);
	json__text(obj, "name", h->name);
	json__text(obj, "vm", *h->vm ? h->vm : NULL);
	json__ns(obj, "pid", h->pid == ~0U ? KVMW_NONE : h->pid);
	json__ns(obj, "tid", h->tid == ~0U ? KVMW_NONE : h->tid);
	json__ns(obj, "runs_vcpu", h->number == ~0U ? KVMW_NONE : h->number);
	json__u64(obj, "turns", h->turns);
	json__u64(obj, "time_ns", h->time_ns);
	return obj;
}

void render__cpu_holders_json(struct json_object *obj, const struct report *rep)
{
	struct json_object *list = json__array(obj, "holders");
	const struct cpu_holders *all = rep->holders;

	for (u32 i = 0; i < all->nr_each; i++)
		json_object_array_add(list, render__cpu_holder_json(rep, &all->each[i]));
	json__u64(obj, "held_ns", all->time_ns);
	json__ns(obj, "wait_ns", all->wait_ns);
	json__ns(obj, "throttled_ns", all->throttled_ns);
	json__u64(obj, "holders_left_out", all->over_limit);
}
