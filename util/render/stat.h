/* SPDX-License-Identifier: GPL-2.0 */
/* kvmw stat: the counts of an interval, or of all the time. */
#ifndef KVMW_RENDER_STAT_H
#define KVMW_RENDER_STAT_H

#include "util/render/outbuf.h"
#include "util/render/render.h"
#include "util/render/textgrid.h"

/* What the counters cover, and how much they counted: before everything else. */
void render__stat_heading(const struct screen *s, const struct report *rep);
/*
 * The rows and their total.  end_ns: of the interval, since the start; KVMW_NONE: it is all.
 * parts: of all intervals. 0, or -1 out of memory.
 */
int render__stat_table(const struct screen *s, const struct report *rep, u64 end_ns,
		       struct textgrid_parts *parts);
/* The same as lines of CSV; names: with a line of the columns' names before. */
int render__stat_csv(const struct screen *s, const struct report *rep, u64 end_ns, bool names);

#endif
