// SPDX-License-Identifier: GPL-2.0
/* kvmw report -e stack: the whole stacks of the rows that are shown. */
#include "util/render/json.h"
#include "util/render/units.h"
#include "util/render/views.h"

/* NULL: there is none, or it was not stored. */
static const struct rec_stack *stack_of(const struct report *rep, const struct report_row *row,
					bool user)
{
	u64 ids = row->key[report_options__position(rep->opt, KEY_DETAIL)].v[1];
	u32 id = user ? ids : ids >> 32;

	return (s32)id < 0 ? NULL : recording__stack(rep->rec, id);
}

static void view_stack__frames(const struct screen *s, const char *where,
			       const struct rec_stack *stack)
{
	char first[16];

	for (u32 i = 0; stack && i < stack->nr; i++) {
		snprintf(first, sizeof(first), "  %-6s ", i ? "" : where);
		screen__wrap(s, first, "           ", stack->frame[i]);
	}
}

static bool has_stacks(const struct report *rep)
{
	return report_options__sorts_by(rep->opt, KEY_DETAIL);
}

/* Whether rows of functions are fewer than stacks. */
static bool stands_for_several(const struct report *rep)
{
	for (u32 i = 0; rep->opt->functions && i < rep->rec->nr_stacks; i++) {
		if (rep->rec->stack[i].functions != rep->rec->stack[i].same)
			return true;
	}
	return false;
}

static u32 view_stack__kind(const struct report *rep, const struct report_row *row)
{
	return (u16)row->key[report_options__position(rep->opt, KEY_DETAIL)].v[0];
}

/* "Stack 1, vmm: 151 samples of 10.1ms, 1.53s on a CPU, 82.1% of all" */
static void view_stack__heading(const struct screen *s, const struct report *rep, u32 i)
{
	const struct report_row *row = &rep->row[i];
	u32 kind = view_stack__kind(rep, row);
	const char *name = recording__kind(rep->rec, KVMW_EVENT_STACK, kind);
	char count[UNITS_MAX], each[UNITS_MAX], all[UNITS_MAX], words[160];

	units__count(row->count, count);
	if (kind == KVMW_stack_VMM && row->done)
		snprintf(words, sizeof(words),
			 "Stack %u, %s: %s sample%s of %s, %s on a CPU, %.1f%% of all", i + 1, name,
			 count, row->count == 1 ? "" : "s",
			 units__ns(row->time_ns / row->done, UNITS_3, each),
			 units__ns(row->time_ns, UNITS_3, all), row->count_percent);
	else
		snprintf(words, sizeof(words), "Stack %u%s%s: %s time%s, %.1f%% of all", i + 1,
			 name ? ", " : "", name ?: "", count, row->count == 1 ? "" : "s",
			 row->count_percent);
	fputc('\n', s->out);
	screen__wrap(s, "", "  ", words);
}

static int view_stack__text(const struct screen *s, const struct report *rep, const void *model)
{
	for (u32 i = 0; has_stacks(rep) && i < report__visible(rep); i++) {
		const struct report_row *row = &rep->row[i];

		view_stack__heading(s, rep, i);
		view_stack__frames(s, "kernel", stack_of(rep, row, false));
		view_stack__frames(s, "VMM", stack_of(rep, row, true));
	}
	if (has_stacks(rep) && stands_for_several(rep))
		screen__wrap(s, "\n# ", "# ", "a row is all stacks of the same functions, and one of them is shown whole; "
			     "-v shows a row for each");
	return 0;
}

static void list(struct json_object *obj, const char *key, const struct rec_stack *stack)
{
	struct json_object *frames = json__array(obj, key);

	for (u32 i = 0; stack && i < stack->nr; i++)
		json_object_array_add(frames, json_object_new_string(stack->frame[i]));
}

static int view_stack__json(struct json_object *root, const struct report *rep, const void *model)
{
	struct json_object *stacks = json__array(root, "stacks"), *item;

	for (u32 i = 0; has_stacks(rep) && i < report__visible(rep); i++) {
		item = json_object_new_object();
		json_object_array_add(stacks, item);
		list(item, "kernel", stack_of(rep, &rep->row[i], false));
		list(item, "user", stack_of(rep, &rep->row[i], true));
	}
	return 0;
}

const struct report_view stack_report_view = {
	.event = KVMW_EVENT_STACK,
	.of_table = true,
	.text = view_stack__text,
	.json = view_stack__json,
};
