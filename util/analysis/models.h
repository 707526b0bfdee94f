/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a family's report shows besides its table: a separate model, made from whole rows.
 * Adding one: a struct report_model in a file of its own, a line in models.c, and a
 * struct report_view that prints it, see render/views.h.
 */
#ifndef KVMW_MODELS_H
#define KVMW_MODELS_H

#include "util/analysis/report/report.h"
#include "util/recording/scan.h"

struct report_model {
	u32 event;
	/*
	 * Reads the rows, in the same pass as the table; its arg becomes the const struct
	 * report_options *.  Neither --vcpu nor --pid is applied to rows: who owns an id is
	 * known at the end, see report__selects().
	 */
	struct scan_consumer scan;
	/*
	 * Once after the scan, even if no row was there: turns the scan's state into the
	 * finished model, which the view prints.  scan.free() frees it; rep must outlive
	 * it.  0, or -1 (error() said why).
	 */
	int (*finish)(void *state, const struct report *rep);
};

/* NULL: this event has none. */
const struct report_model *report_model__find(u32 event);

#endif
