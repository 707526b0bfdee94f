// SPDX-License-Identifier: GPL-2.0
/* kvmw report -e fault: page faults by access, result and place, and the levels mapped. */
#include <string.h>

#include "util/analysis/detail_name.h"
#include "util/analysis/field.h"
#include "util/analysis/model_fault.h"
#include "util/analysis/span_table.h"
#include "util/analysis/taken_sums.h"
#include "util/render/json.h"
#include "util/render/retries.h"
#include "util/render/taken_sums.h"
#include "util/render/textgrid.h"
#include "util/render/units.h"
#include "util/render/views.h"

#define WIDE	100

static const char *const level_name[] = { "unknown", "4 KiB", "2 MiB", "1 GiB" };

static const char *view_fault__access_name(u16 access, char *buf, size_t size)
{
	static const char *const bits[] = { "read", "write", "exec" };
	size_t len = 0;

	*buf = '\0';
	for (u32 i = 0; access < 8 && i < ARRAY_SIZE(bits); i++)
		if (access & 1 << i)
			len += snprintf(buf + len, size - len, "%s%s", len ? "+" : "", bits[i]);
	if (!access || access >= 8)
		snprintf(buf, size, "%s", !access ? "none" : access == FAULT_UNKNOWN ? "-" : "?");
	return buf;
}

static const char *result_name(u16 result, char *buf, size_t size)
{
	(void)buf;
	(void)size;
	return result == FAULT_UNKNOWN ? "-" : field__ret_pf(result) ?: "?";
}

static const char *place_name(u16 mmio)
{
	return mmio == 1 ? "MMIO" : mmio ? "-" : "RAM";
}

static void view_fault__add_times(struct textgrid *g, const struct fault_model *v,
				  const struct duration_stats *span)
{
	textgrid__ns(g, span->sum);
	textgrid__percent(g, span->sum, span->count ? v->span_ns : 0);
	textgrid__ns(g, span->mean);
	textgrid__ns(g, span->p50);
	textgrid__ns(g, span->p99);
	textgrid__ns(g, span->max);
}

typedef const char *class_name(u16 value, char *buf, size_t size);

static int classes(const struct screen *s, const struct fault_model *v, const char *head,
		   const struct fault_class *class, u32 nr, class_name *name)
{
	const struct textgrid_col cols[] = {
		{ .head = head, .left = true }, { .head = "where", .left = true },
		{ .head = "count" }, { .head = "%" }, { .head = "time", .sum = true }, { .head = "%" },
		{ .head = "mean" }, { .head = "p50" }, { .head = "p99" }, { .head = "max" },
	};
	char buf[TEXTGRID_CELL];
	struct textgrid g;

	textgrid__init(&g, cols, ARRAY_SIZE(cols));
	for (u32 i = 0; i < nr; i++) {
		textgrid__add(&g, "%s", name(class[i].value, buf, sizeof(buf)));
		textgrid__add(&g, "%s", place_name(class[i].mmio));
		textgrid__count(&g, class[i].count);
		textgrid__percent(&g, class[i].count, v->count);
		view_fault__add_times(&g, v, &class[i].span);
	}
	return textgrid__finish(&g, s);
}

static int accesses(const struct screen *s, const struct fault_model *v)
{
	fputs("\nPage faults by attempted access and type of memory:\n", s->out);
	return classes(s, v, "access", v->access, v->nr_accesses, view_fault__access_name);
}

static int results(const struct screen *s, const struct fault_model *v)
{
	bool known = false;

	for (u32 i = 0; i < v->nr_results; i++)
		known |= v->result[i].value != FAULT_UNKNOWN;
	if (!known)
		return 0;
	fputs("\nPage faults by result (RET_PF_*):\n", s->out);
	return classes(s, v, "result", v->result, v->nr_results, result_name);
}

static u64 last_gpa(const struct fault_range *r)
{
	return sat_add(r->gpa, r->size - 1);
}

static const char *range_name(const struct report *rep, const struct fault_range *r)
{
	return detail_name__range(rep->opt->regions, r->gpa, last_gpa(r));
}

static void add_range(struct textgrid *g, const struct report *rep, const struct fault_model *v,
		      const struct fault_range *r, bool named)
{
	const struct rec_vm *vm = recording__vm(rep->rec, r->vm);
	unsigned long long gpa = r->gpa, last = last_gpa(r);
	char slot[UNITS_MAX], name[REC_VM_NAME];

	textgrid__add(g, "0x%llx-0x%llx", gpa, last);
	if (v->several_vms && vm)
		textgrid__add(g, "%s", rec_vm__name(vm, name));
	else if (v->several_vms)
		textgrid__add(g, "?");
	textgrid__add(g, "%s", place_name(r->mmio));
	textgrid__add(g, "%s", units__slot(r->slot, slot));
	textgrid__count(g, r->count);
	textgrid__percent(g, r->count, v->count);
	view_fault__add_times(g, v, &r->span);
	if (named)
		textgrid__add(g, "%s", range_name(rep, r) ?: "-");
}

static bool any_range_named(const struct report *rep, const struct fault_model *v)
{
	for (u32 i = 0; i < v->nr_ranges; i++)
		if (range_name(rep, &v->range[i]))
			return true;
	return false;
}

static int view_fault__ranges(const struct screen *s, const struct report *rep,
			      const struct fault_model *v)
{
	static const struct textgrid_col cols[] = {
		{ .head = "gpa", .left = true }, { .head = "pid" }, { .head = "where", .left = true },
		{ .head = "slot" }, { .head = "count" }, { .head = "%" }, { .head = "time", .sum = true },
		{ .head = "%", .from = WIDE }, { .head = "mean" }, { .head = "p50", .from = WIDE },
		{ .head = "p99" }, { .head = "max", .from = WIDE },
		{ .head = "what", .left = true, .give = true },
	};
	struct textgrid_col shown[ARRAY_SIZE(cols)];
	bool named = any_range_named(rep, v);
	u32 nr_cols = ARRAY_SIZE(cols) - !named;
	char count[UNITS_MAX];
	struct textgrid g;
	int ret;

	if (!v->nr_ranges)
		return 0;
	memcpy(shown, cols, sizeof(cols));
	if (!v->several_vms)
		memmove(&shown[1], &shown[2], (--nr_cols - 1) * sizeof(*shown));
	fputs("\nMost frequent locations (2 MiB of RAM, one page of MMIO):\n", s->out);
	textgrid__init(&g, shown, nr_cols);
	for (u32 i = 0; i < v->nr_ranges; i++)
		add_range(&g, rep, v, &v->range[i], named);
	ret = textgrid__finish(&g, s);
	if (v->hidden)
		fprintf(s->out, "%s more ranges not shown (use --top N)\n",
			units__count(v->hidden, count));
	return ret;
}

static bool any_level(const struct fault_model *v)
{
	for (u32 i = 1; i <= FAULT_LEVELS; i++)
		if (v->faults[i] || v->mapped[i])
			return true;
	return false;
}

static int levels(const struct screen *s, const struct fault_model *v)
{
	static const struct textgrid_col cols[] = {
		{ .head = "size", .left = true }, { .head = "faults" }, { .head = "mappings made" },
	};
	struct textgrid g;

	if (!any_level(v))
		return 0;
	fputs("\nSizes of the pages mapped by faults on RAM:\n", s->out);
	textgrid__init(&g, cols, ARRAY_SIZE(cols));
	for (u32 i = 1; i <= FAULT_LEVELS + 1; i++) {
		u32 level = i % (FAULT_LEVELS + 1);

		if (!v->faults[level] && !v->mapped[level])
			continue;
		textgrid__add(&g, "%s", level ? level_name[level] : "none");
		textgrid__count(&g, v->faults[level]);
		textgrid__count(&g, v->mapped[level]);
	}
	if (textgrid__finish(&g, s))
		return -1;
	if (v->faults[0])
		screen__wrap(s, "", "  ", "none: no page was mapped, such as when only permissions "
			     "were restored");
	return 0;
}

static int refaults(const struct screen *s, const struct report *rep, const struct fault_model *v)
{
	static const struct textgrid_col cols[] = {
		{ .head = "taken by", .left = true }, { .head = "thread", .left = true },
		{ .head = "re-faults" }, { .head = "%" }, { .head = "time", .sum = true }, { .head = "%" },
	};
	const struct refaults *r = &v->refaults;
	u32 top = rep->opt->top ?: FAULT_RANGES, nr = r->nr < top ? r->nr : top;
	struct textgrid g;

	if (!r->count)
		return 0;
	fputc('\n', s->out);
	screen__wrap(s, "", "",
		     "Re-faults: pages that an earlier fault had mapped, by what took them away:");
	textgrid__init(&g, cols, ARRAY_SIZE(cols));
	for (u32 i = 0; i < nr; i++) {
		const struct refault_cause *c = &r->cause[i];

		textgrid__add(&g, "%s", c->known ? c->how : "unknown");
		textgrid__add(&g, "%s", *c->by ? c->by : "-");
		textgrid__count(&g, c->count);
		textgrid__percent(&g, c->count, v->count);
		textgrid__ns(&g, c->span_ns);
		textgrid__percent(&g, c->span_ns, v->span_ns);
	}
	if (textgrid__finish(&g, s))
		return -1;
	if (nr < r->nr)
		fprintf(s->out, "%u more not shown (use --top N)\n", r->nr - nr);
	if (!v->taken || r->no_address == r->count)
		screen__wrap(s, "", "  ",
			     "what took pages away is known if events mmu and memslot are "
			     "recorded too (kvmw record -e memory) from the VM's start on");
	if (v->taken || !rep->taken || !rep->taken->nr)
		return 0;
	fputc('\n', s->out);
	return render__taken_sums(s, rep, top);
}

static void notes(const struct screen *s, const struct fault_model *v)
{
	char count[UNITS_MAX], more[UNITS_MAX];

	if (v->no_gpa)
		screen__say(s, "", "  ",
			    "%s page faults have no guest physical address (shadow paging, or not "
			    "recorded) and are not listed by range",
			    units__count(v->no_gpa, count));
	if (v->over_limit)
		screen__say(s, "", "  ",
			    "%s faults are not counted here: more ranges than kvmw keeps",
			    units__count(v->over_limit, count));
	if (v->no_refault || v->no_taken)
		screen__say(s, "", "  ",
			    "%s faults and %s rows of memory taken were not looked at for "
			    "re-faults: more than kvmw keeps",
			    units__count(v->no_refault, count), units__count(v->no_taken, more));
	if (v->slots_over_limit)
		screen__say(s, "", "  ",
			    "%s changes of memory slots were ignored: more than %d slots",
			    units__count(v->slots_over_limit, count), MEMSLOTS_MAX);
}

static int view_fault__text(const struct screen *s, const struct report *rep, const void *model)
{
	const struct fault_model *v = model;

	if (v->count && (accesses(s, v) || results(s, v) ||
			 render__retries(s, &v->retries, rep->opt->top ?: FAULT_RANGES) ||
			 refaults(s, rep, v)))
		return -1;
	if (view_fault__ranges(s, rep, v) || levels(s, v))
		return -1;
	notes(s, v);
	return 0;
}

static void view_fault__json_times(struct json_object *item, const struct fault_model *v, u64 count,
				   const struct duration_stats *span)
{
	json__u64(item, "count", count);
	json__real(item, "count_percent", v->count ? 100.0 * count / v->count : 0);
	json__u64(item, "spans", span->count);
	json__ns(item, "time_ns", span->sum);
	json__real(item, "time_percent", span->count && v->span_ns ?
		   100.0 * span->sum / v->span_ns : 0);
	json__ns(item, "mean_ns", span->mean);
	json__ns(item, "p50_ns", span->p50);
	json__ns(item, "p99_ns", span->p99);
	json__ns(item, "max_ns", span->max);
}

static void json_mmio(struct json_object *item, u16 mmio)
{
	if (mmio <= 1)
		json__bool(item, "mmio", mmio);
	else
		json__text(item, "mmio", NULL);
}

static void json_accesses(struct json_object *obj, const struct fault_model *v)
{
	struct json_object *list = json__array(obj, "access"), *item;
	char name[TEXTGRID_CELL];

	for (u32 i = 0; i < v->nr_accesses; i++) {
		const struct fault_class *a = &v->access[i];

		item = json_object_new_object();
		json_object_array_add(list, item);
		json__text(item, "access", a->value == FAULT_UNKNOWN ? NULL :
			   view_fault__access_name(a->value, name, sizeof(name)));
		json_mmio(item, a->mmio);
		view_fault__json_times(item, v, a->count, &a->span);
	}
}

static void json_results(struct json_object *obj, const struct fault_model *v)
{
	struct json_object *list = json__array(obj, "results"), *item;

	for (u32 i = 0; i < v->nr_results; i++) {
		const struct fault_class *r = &v->result[i];

		item = json_object_new_object();
		json_object_array_add(list, item);
		json__text(item, "ret_pf", field__ret_pf(r->value));
		json_mmio(item, r->mmio);
		view_fault__json_times(item, v, r->count, &r->span);
	}
}

static void json_refaults(struct json_object *obj, const struct fault_model *v)
{
	struct json_object *all = json__object(obj, "refaults");
	const struct refaults *r = &v->refaults;

	json__u64(all, "count", r->count);
	json__ns(all, "time_ns", r->span_ns);
	json__causes(all, r);
	json__u64(all, "no_address", r->no_address);
	json__u64(all, "left_out", v->no_refault);
	json__u64(all, "taken_left_out", v->no_taken);
}

static void view_fault__json_ranges(struct json_object *obj, const struct report *rep,
				    const struct fault_model *v)
{
	struct json_object *list = json__array(obj, "ranges"), *item;

	for (u32 i = 0; i < v->nr_ranges; i++) {
		const struct fault_range *r = &v->range[i];
		const struct rec_vm *vm = recording__vm(rep->rec, r->vm);
		bool slot = r->slot != KVMW_NONE;

		item = json_object_new_object();
		json_object_array_add(list, item);
		json__vm(item, rep->rec, vm);
		json__address(item, "gpa", r->gpa);
		json__u64(item, "size", r->size);
		json__name(item, range_name(rep, r));
		json_mmio(item, r->mmio);
		json__ns(item, "slot", r->slot);
		json__address(item, "slot_gpa", slot ? r->slot_gpa : KVMW_NONE);
		json__ns(item, "slot_size", slot ? r->slot_size : KVMW_NONE);
		view_fault__json_times(item, v, r->count, &r->span);
	}
	json__u64(obj, "ranges_hidden", v->hidden);
}

static int view_fault__json(struct json_object *root, const struct report *rep, const void *model)
{
	struct json_object *obj = json__object(root, "page_faults"), *list, *item;
	const struct fault_model *v = model;

	json__u64(obj, "count", v->count);
	json__u64(obj, "time_ns", v->span_ns);
	json_accesses(obj, v);
	json_results(obj, v);
	json_refaults(obj, v);
	json__retries(obj, &v->retries);
	view_fault__json_ranges(obj, rep, v);
	list = json__array(obj, "levels");
	for (u32 i = 0; i <= FAULT_LEVELS; i++) {
		if (!v->faults[i] && !v->mapped[i])
			continue;
		item = json_object_new_object();
		json_object_array_add(list, item);
		json__ns(item, "level", i ?: KVMW_NONE);
		json__text(item, "size", i ? level_name[i] : NULL);
		json__u64(item, "faults", v->faults[i]);
		json__u64(item, "mapped", v->mapped[i]);
	}
	json__u64(obj, "no_gpa", v->no_gpa);
	json__u64(obj, "left_out", v->over_limit);
	json__u64(obj, "slots_left_out", v->slots_over_limit);
	return 0;
}

const struct report_view fault_report_view = {
	.event = KVMW_EVENT_FAULT,
	.text = view_fault__text,
	.json = view_fault__json,
};
