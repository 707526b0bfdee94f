// SPDX-License-Identifier: GPL-2.0
#include "util/render/views.h"

extern const struct report_view halt_view, sched_view;
extern const struct report_view stack_view;
extern const struct report_view dirty_view;
extern const struct report_view irq_view, fault_view;

static const struct report_view *const views[] = {
	&halt_view,
	&sched_view,
	&stack_view,
	&dirty_view,
	&irq_view,
	&fault_view,
};

const struct report_view *report_view__find(u32 event)
{
	for (size_t i = 0; i < ARRAY_SIZE(views); i++)
		if (views[i]->event == event)
			return views[i];
	return NULL;
}
