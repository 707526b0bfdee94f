/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a family's report shows besides its table: a view of its own, made from whole
 * rows.  Adding one: a struct report_view in a file of its own, and a line in views.c.
 */
#ifndef KVMW_VIEWS_H
#define KVMW_VIEWS_H

#include <json-c/json.h>

#include "util/analysis/report/report.h"
#include "util/recording/scan.h"
#include "util/render/screen.h"

struct report_view {
	u32 event;
	/*
	 * Reads the rows, in the same pass as the table; its arg becomes the const struct
	 * report_options *.  Neither --vcpu nor --pid is applied to rows: who owns an id is
	 * known at the end, see report__selects().  NULL: it needs only the model.
	 */
	const struct scan_consumer *consumer;
	/*
	 * After the table, and into the object of --json.  state: the consumer's result, which
	 * may be finished in here; NULL without a consumer.  Called even if no row was there.
	 */
	void (*text)(const struct screen *s, const struct report *rep, void *state);
	int (*json)(struct json_object *root, const struct report *rep, void *state);
};

/* NULL: this event has none. */
const struct report_view *report_view__find(u32 event);

#endif
