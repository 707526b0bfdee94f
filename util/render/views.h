/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a family's report prints what it shows besides its table.  Adding one: a struct
 * report_view in a file of its own, declared here, and a line in views.c; its model, if the
 * report's own is not enough, is described in analysis/models.h.
 */
#ifndef KVMW_VIEWS_H
#define KVMW_VIEWS_H

#include <json-c/json.h>

#include "util/analysis/report/report.h"
#include "util/render/screen.h"

struct report_view {
	u32 event;
	/* it shows the table's rows, so that it holds for chosen events, too */
	bool of_table;
	/*
	 * After the table, and into the object of --json.  model: the finished model of this
	 * event, NULL if there is no struct report_model of it.  0, or -1 (error() said why).
	 */
	int (*text)(const struct screen *s, const struct report *rep, const void *model);
	int (*json)(struct json_object *root, const struct report *rep, const void *model);
};

extern const struct report_view dirty_report_view;
extern const struct report_view fault_report_view;
extern const struct report_view halt_report_view;
extern const struct report_view irq_report_view;
extern const struct report_view mmu_report_view;
extern const struct report_view sched_report_view;
extern const struct report_view stack_report_view;

/* NULL: this event has none, or it needs all events and --where chose some; or maps are shown. */
const struct report_view *report_view__find(const struct report *rep);

#endif
