// SPDX-License-Identifier: GPL-2.0
/* kvmw report -e mmu: memory that the host took from VMs, by whom, and where. */
#include <string.h>

#include "util/analysis/field.h"
#include "util/analysis/model_mmu.h"
#include "util/analysis/taken_sums.h"
#include "util/render/json.h"
#include "util/render/taken_sums.h"
#include "util/render/textgrid.h"
#include "util/render/units.h"
#include "util/render/views.h"

static double per_second(const struct mmu_model *v, u64 count)
{
	return v->to_ns > v->from_ns ? count * 1e9 / (v->to_ns - v->from_ns) : 0;
}

static void add_bytes(struct textgrid *g, u64 bytes)
{
	char buf[UNITS_MAX];

	textgrid__add(g, "%s", units__bytes(bytes, buf));
}

static void add_taken_bytes(struct textgrid *g, const struct mmu_model *v, u64 bytes)
{
	if (v->no_addresses)
		textgrid__add(g, "-");
	else
		add_bytes(g, bytes);
}

/* JSON: null where it is not recorded. */
static u64 taken_bytes(const struct mmu_model *v, u64 bytes)
{
	return v->no_addresses ? KVMW_NONE : bytes;
}

static void view_mmu__when(struct textgrid *g, const struct mmu_model *v, u64 ns)
{
	textgrid__add(g, "%.3f", ns > v->from_ns ? (ns - v->from_ns) / 1e9 : 0);
}

static int view_mmu__causes(const struct screen *s, const struct report *rep,
			    const struct mmu_model *v)
{
	static const struct textgrid_col cols[] = {
		{ .head = "taken by", .left = true }, { .head = "thread", .left = true },
		{ .head = "count" }, { .head = "%" }, { .head = "/s" },
		{ .head = "size" }, { .head = "largest", .from = 100 },
		{ .group = "guest memory", .head = "count" }, { .group = "guest memory", .head = "size" },
		{ .group = "seconds", .head = "first", .from = 100 },
		{ .group = "seconds", .head = "last", .from = 100 },
	};
	u32 top = rep->opt->top ?: MMU_RANGES, nr = v->nr_causes < top ? v->nr_causes : top;
	struct textgrid g;

	fprintf(s->out, "\nMemory that the host took from VMs, or mapped differently, in %.3f s:\n",
		(v->to_ns - v->from_ns) / 1e9);
	textgrid__init(&g, cols, ARRAY_SIZE(cols));
	for (u32 i = 0; i < nr; i++) {
		const struct mmu_cause *c = &v->cause[i];

		textgrid__add(&g, "%s", c->how);
		textgrid__add(&g, "%s", *c->by ? c->by : "-");
		textgrid__count(&g, c->count);
		textgrid__percent(&g, c->count, v->count);
		textgrid__add(&g, "%.1f", per_second(v, c->count));
		add_taken_bytes(&g, v, c->bytes);
		add_taken_bytes(&g, v, c->max_bytes);
		if (v->slots_known) {
			textgrid__count(&g, c->guest_count);
			add_bytes(&g, c->guest_bytes);
		} else {
			textgrid__add(&g, "-");
			textgrid__add(&g, "-");
		}
		view_mmu__when(&g, v, c->first_ns);
		view_mmu__when(&g, v, c->last_ns);
	}
	if (textgrid__finish(&g, s))
		return -1;
	if (nr < v->nr_causes)
		fprintf(s->out, "%u more not shown (use --top N)\n", v->nr_causes - nr);
	if (!v->slots_known)
		screen__wrap(s, "", "  ",
			     "which of it was guest memory is known if event memslot is "
			     "recorded too, from the VM's start on");
	return 0;
}

static int view_mmu__ranges(const struct screen *s, const struct report *rep,
			    const struct mmu_model *v)
{
	static const struct textgrid_col cols[] = {
		{ .head = "gpa", .left = true }, { .head = "pid", .left = true }, { .head = "count" },
		{ .head = "size" },
	};
	char count[UNITS_MAX], name[REC_VM_NAME];
	struct textgrid g;

	if (!v->nr_ranges)
		return 0;
	fputs("\nGuest memory taken most often (by 2 MiB; larger pieces by themselves):\n", s->out);
	textgrid__init(&g, cols, ARRAY_SIZE(cols));
	for (u32 i = 0; i < v->nr_ranges; i++) {
		const struct mmu_range *r = &v->range[i];
		const struct rec_vm *vm = recording__vm(rep->rec, r->key.vm);
		unsigned long long gpa = r->key.gpa, last = sat_add(r->key.gpa, r->key.size - 1);

		textgrid__add(&g, "0x%llx-0x%llx", gpa, last);
		textgrid__add(&g, "%s", vm ? rec_vm__name(vm, name) : "?");
		textgrid__count(&g, r->count);
		add_bytes(&g, r->bytes);
	}
	if (textgrid__finish(&g, s))
		return -1;
	if (v->hidden)
		fprintf(s->out, "%s more ranges not shown (use --top N)\n",
			units__count(v->hidden, count));
	return 0;
}

static int view_mmu__text(const struct screen *s, const struct report *rep, const void *model)
{
	const struct mmu_model *v = model;
	char count[UNITS_MAX];

	if (v->count && (view_mmu__causes(s, rep, v) || view_mmu__ranges(s, rep, v)))
		return -1;
	/* The sums say the same, and of all recordings. */
	if (!v->count && rep->taken && rep->taken->nr) {
		/* The heading ends with an empty line. */
		if (rep->nr_rows)
			fputc('\n', s->out);
		if (render__taken_sums(s, rep, rep->opt->top ?: MMU_RANGES))
			return -1;
		screen__wrap(s, "", "  ",
			     "kvmw record -e mmu,memslot records when each was taken, and where");
	}
	if (v->over_limit)
		screen__say(s, "", "  ",
			    "%s rows of memory taken are not counted here: more than kvmw keeps",
			    units__count(v->over_limit, count));
	return 0;
}

static void mmu_cause_json(struct json_object *list, const struct mmu_model *v,
			   const struct mmu_cause *c)
{
	struct json_object *item = json_object_new_object();

	json_object_array_add(list, item);
	json__text(item, "how", c->how);
	json__text(item, "thread", *c->by ? c->by : NULL);
	json__text(item, "cause", field__cause(c->cause));
	json__ns(item, "syscall", c->syscall);
	json__u64(item, "count", c->count);
	json__real(item, "count_percent", v->count ? 100.0 * c->count / v->count : 0);
	json__real(item, "per_second", per_second(v, c->count));
	json__ns(item, "bytes", taken_bytes(v, c->bytes));
	json__ns(item, "max_bytes", taken_bytes(v, c->max_bytes));
	json__ns(item, "guest_count", v->slots_known ? c->guest_count : KVMW_NONE);
	json__ns(item, "guest_bytes", v->slots_known ? c->guest_bytes : KVMW_NONE);
	json__ns(item, "first_ns", c->first_ns);
	json__ns(item, "last_ns", c->last_ns);
}

static int view_mmu__json(struct json_object *root, const struct report *rep, const void *model)
{
	struct json_object *obj = json__object(root, "memory_taken"), *list, *item;
	const struct mmu_model *v = model;

	json__u64(obj, "count", v->count);
	json__ns(obj, "bytes", taken_bytes(v, v->bytes));
	json__ns(obj, "guest_count", v->slots_known ? v->guest_count : KVMW_NONE);
	json__ns(obj, "guest_bytes", v->slots_known ? v->guest_bytes : KVMW_NONE);
	json__ns(obj, "duration_ns", v->to_ns - v->from_ns);
	list = json__array(obj, "causes");
	for (u32 i = 0; i < v->nr_causes; i++)
		mmu_cause_json(list, v, &v->cause[i]);
	list = json__array(obj, "ranges");
	for (u32 i = 0; i < v->nr_ranges; i++) {
		const struct mmu_range *r = &v->range[i];

		item = json_object_new_object();
		json_object_array_add(list, item);
		json__vm(item, rep->rec, recording__vm(rep->rec, r->key.vm));
		json__address(item, "gpa", r->key.gpa);
		json__u64(item, "size", r->key.size);
		json__u64(item, "count", r->count);
		json__u64(item, "bytes", r->bytes);
	}
	json__u64(obj, "ranges_hidden", v->hidden);
	json__u64(obj, "left_out", v->over_limit);
	return 0;
}

const struct report_view mmu_report_view = {
	.event = KVMW_EVENT_MMU,
	.text = view_mmu__text,
	.json = view_mmu__json,
};
