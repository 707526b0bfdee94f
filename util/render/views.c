// SPDX-License-Identifier: GPL-2.0
#include "util/render/render.h"
#include "util/render/views.h"

static const struct report_view *const views[] = {
	&halt_report_view,
	&sched_report_view,
	&stack_report_view,
	&dirty_report_view,
	&irq_report_view,
	&fault_report_view,
	&mmu_report_view,
};

const struct report_view *report_view__find(const struct report *rep)
{
	for (size_t i = 0; i < ARRAY_SIZE(views) && !rep->opt->heat; i++)
		if (views[i]->event == rep->event && (!rep->opt->where || views[i]->of_table))
			return views[i];
	return NULL;
}

int render__view(const struct screen *s, const struct report *rep, const void *model)
{
	const struct report_view *view = report_view__find(rep);

	return view ? view->text(s, rep, model) : 0;
}
