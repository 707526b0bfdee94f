/* SPDX-License-Identifier: GPL-2.0 */
/* Further selection of rows within the window, as util/analysis/ knows it. */
#ifndef KVMW_ROW_FILTER_H
#define KVMW_ROW_FILTER_H

#include "util/types.h"

struct data_event;
struct recording;

#define ROW_FILTER_COLUMNS	48	/* that it needs of an event, at most */

struct row_filter {
	/* The columns that it needs of an event, NULL-terminated. NULL: it leaves nothing of it. */
	const char *const *(*columns)(const struct row_filter *f, u32 event);
	/*
	 * keep[i]: whether row i of these columns is one.  event: as the recording describes it.
	 * start_ns: when it began.
	 */
	void (*rows)(const struct row_filter *f, const struct recording *rec, u64 start_ns,
		     const struct data_event *event, u64 *const *col, u32 rows, u8 *keep);
	bool identity;		/* it asks recording__vcpu() and the like */
};

#endif
