// SPDX-License-Identifier: GPL-2.0
#include "util/analysis/field.h"
#include "util/render/json.h"
#include "util/render/retries.h"
#include "util/render/textgrid.h"
#include "util/render/units.h"

static void add_retry_line(struct textgrid *g, const char *class, const char *how, const char *by,
			   const struct retry_sum *sum, const struct retry_sum *all)
{
	textgrid__add(g, "%s", class);
	textgrid__add(g, "%s", how);
	textgrid__add(g, "%s", *by ? by : "-");
	textgrid__count(g, sum->count);
	textgrid__percent(g, sum->count, all->count);
	textgrid__ns(g, sum->span_ns);
	textgrid__percent(g, sum->span_ns, all->span_ns);
}

/* Returns the number of causes of the class that are not shown. */
static u32 add_retry_class(struct textgrid *g, const char *class, const struct refaults *r, u32 top,
			   const struct retry_sum *all)
{
	u32 nr = r->nr < top ? r->nr : top;

	for (u32 i = 0; i < nr; i++) {
		const struct refault_cause *c = &r->cause[i];
		const struct retry_sum sum = { .count = c->count, .span_ns = c->span_ns };

		add_retry_line(g, class, c->how, c->by, &sum, all);
	}
	return r->nr - nr;
}

int render__retries(const struct screen *s, const struct retries *r, u32 top)
{
	static const struct textgrid_col cols[] = {
		{ .head = "taken", .left = true }, { .head = "by", .left = true },
		{ .head = "thread", .left = true }, { .head = "retried" }, { .head = "%" },
		{ .head = "time", .sum = true }, { .head = "%" },
	};
	struct textgrid g;
	u32 hidden;

	if (!r->known || !r->all.count)
		return 0;
	fputc('\n', s->out);
	screen__wrap(s, "", "", "Retried page faults (RET_PF_RETRY), by what the host took from the VM meanwhile:");
	textgrid__init(&g, cols, ARRAY_SIZE(cols));
	hidden = add_retry_class(&g, "the page", &r->page, top, &r->all);
	hidden += add_retry_class(&g, "elsewhere", &r->elsewhere, top, &r->all);
	hidden += add_retry_class(&g, "before", &r->before, top, &r->all);
	if (r->without.count)
		add_retry_line(&g, "nothing", "-", "", &r->without, &r->all);
	if (r->unknown.count)
		add_retry_line(&g, "unknown", "-", "", &r->unknown, &r->all);
	if (textgrid__finish(&g, s))
		return -1;
	if (hidden)
		fprintf(s->out, "%u more not shown (use --top N)\n", hidden);
	if (r->before.count)
		screen__wrap(s, "", "  ",
			     "before: the page was taken before the fault and not mapped since; "
			     "whether that was still under way is unknown");
	if (r->unknown.count)
		screen__wrap(s, "", "  ", "unknown: where the page is in the VMM is unknown, or when the fault ended");
	return 0;
}

void json__causes(struct json_object *obj, const struct refaults *r)
{
	struct json_object *list = json__array(obj, "causes"), *item;

	for (u32 i = 0; i < r->nr; i++) {
		const struct refault_cause *c = &r->cause[i];

		item = json_object_new_object();
		json_object_array_add(list, item);
		json__text(item, "how", c->known ? c->how : NULL);
		json__text(item, "thread", *c->by ? c->by : NULL);
		json__text(item, "cause", field__cause(c->cause));
		json__ns(item, "syscall", c->syscall);
		json__u64(item, "count", c->count);
		json__ns(item, "time_ns", c->span_ns);
	}
}

static void json_class(struct json_object *obj, const char *name, const struct refaults *r)
{
	struct json_object *class = json__object(obj, name);

	json__u64(class, "count", r->count);
	json__ns(class, "time_ns", r->span_ns);
	json__causes(class, r);
}

static void json_sum(struct json_object *obj, const char *name, const struct retry_sum *sum)
{
	struct json_object *class = json__object(obj, name);

	json__u64(class, "count", sum->count);
	json__ns(class, "time_ns", sum->span_ns);
}

void json__retries(struct json_object *obj, const struct retries *r)
{
	struct json_object *all;

	if (!r->known) {
		json__text(obj, "retries", NULL);
		return;
	}
	all = json__object(obj, "retries");
	json__u64(all, "count", r->all.count);
	json__ns(all, "time_ns", r->all.span_ns);
	json_class(all, "page", &r->page);
	json_class(all, "elsewhere", &r->elsewhere);
	json_class(all, "before", &r->before);
	json_sum(all, "without", &r->without);
	json_sum(all, "unknown", &r->unknown);
}
