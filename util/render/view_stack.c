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

static int view_stack__text(const struct screen *s, const struct report *rep, const void *model)
{
	char count[UNITS_MAX], words[128];

	for (u32 i = 0; has_stacks(rep) && i < report__visible(rep); i++) {
		const struct report_row *row = &rep->row[i];

		snprintf(words, sizeof(words), "Stack %u: %s time%s, %.1f%% of all", i + 1,
			 units__count(row->count, count), row->count == 1 ? "" : "s",
			 row->count_percent);
		fputc('\n', s->out);
		screen__wrap(s, "", "  ", words);
		view_stack__frames(s, "kernel", stack_of(rep, row, false));
		view_stack__frames(s, "VMM", stack_of(rep, row, true));
	}
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
