// SPDX-License-Identifier: GPL-2.0
/* Memory that the host took from VMs, as sums of the whole recording. */
#include "util/analysis/field.h"
#include "util/analysis/taken_sums.h"
#include "util/render/json.h"
#include "util/render/taken_sums.h"
#include "util/render/textgrid.h"
#include "util/render/units.h"

static const struct textgrid_col columns[] = {
	{ .head = "taken by", .left = true }, { .head = "thread", .left = true },
	{ .head = "what", .left = true },
	{ .head = "count" }, { .head = "/s" }, { .head = "size" },
	{ .group = "guest memory", .head = "count" }, { .group = "guest memory", .head = "size" },
};

static const char *taker_words(const struct taken_sum *t, char *buf, size_t size)
{
	static const char *const words[] = {
		[KVMW_taken_VMM] = "the VMM", [KVMW_taken_KERNEL] = "kernel",
		[KVMW_taken_PROCESS] = "process", [KVMW_taken_OTHERS] = "-",
	};

	if (t->kind < ARRAY_SIZE(words) && words[t->kind])
		return words[t->kind];
	snprintf(buf, size, "kind %u", t->kind);
	return buf;
}

static void add_size(struct textgrid *g, u64 bytes)
{
	char buf[UNITS_MAX];

	textgrid__add(g, "%s", bytes == KVMW_NONE ? "-" : units__bytes(bytes, buf));
}

int render__taken_sums(const struct screen *s, const struct report *rep, u32 top)
{
	const struct taken_sums *all = rep->taken;
	u32 nr = all->nr < top ? all->nr : top;
	char buf[32], count[UNITS_MAX];
	struct textgrid g;

	if (!all->nr)
		return 0;
	fprintf(s->out, "Memory that the host took from VMs, or mapped differently, in %.3f s:\n",
		rep->duration_ns / 1e9);
	textgrid__init(&g, columns, ARRAY_SIZE(columns));
	for (u32 i = 0; i < nr; i++) {
		const struct taken_sum *t = &all->line[i];

		textgrid__add(&g, "%s", t->how);
		textgrid__add(&g, "%s", *t->by ? t->by : "-");
		textgrid__add(&g, "%s", taker_words(t, buf, sizeof(buf)));
		textgrid__count(&g, t->count);
		if (rep->duration_ns)
			textgrid__add(&g, "%.1f", t->count * 1e9 / rep->duration_ns);
		else
			textgrid__add(&g, "-");
		add_size(&g, t->bytes);
		if (t->guest_count == KVMW_NONE)
			textgrid__add(&g, "-");
		else
			textgrid__count(&g, t->guest_count);
		add_size(&g, t->guest_bytes);
	}
	if (textgrid__finish(&g, s))
		return -1;
	if (nr < all->nr)
		fprintf(s->out, "%s more not shown (use --top N)\n",
			units__count(all->nr - nr, count));
	return 0;
}

struct json_object *render__taken_sum_json(const struct taken_sum *t)
{
	struct json_object *obj = json_object_new_object();
	char buf[32];
	const char *kind = taken_sum__kind(t->kind);

	if (!kind) {
		snprintf(buf, sizeof(buf), "%u", t->kind);
		kind = buf;
	}
	json__text(obj, "how", t->how);
	json__text(obj, "thread", *t->by ? t->by : NULL);
	json__text(obj, "kind", kind);
	json__ns(obj, "pid", t->pid == ~0U ? KVMW_NONE : t->pid);
	json__text(obj, "cause", field__cause(t->cause));
	json__ns(obj, "syscall", t->syscall);
	json__u64(obj, "count", t->count);
	json__u64(obj, "bytes", t->bytes);
	json__ns(obj, "guest_count", t->guest_count);
	json__ns(obj, "guest_bytes", t->guest_bytes);
	return obj;
}

void render__taken_sums_json(struct json_object *root, const struct report *rep)
{
	const struct taken_sums *all = rep->taken;
	struct json_object *obj = json__object(root, "taken"), *list;

	json__u64(obj, "count", all->all.count);
	json__u64(obj, "bytes", all->all.bytes);
	json__ns(obj, "guest_count", all->all.guest_count);
	json__ns(obj, "guest_bytes", all->all.guest_bytes);
	list = json__array(obj, "causes");
	for (u32 i = 0; i < all->nr; i++)
		json_object_array_add(list, render__taken_sum_json(&all->line[i]));
	json__u64(obj, "left_out", all->over_limit);
}
