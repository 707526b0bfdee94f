/* SPDX-License-Identifier: GPL-2.0 */
/* Rows over time, a character for each step: columns of the table of exits, and lines of -v. */
#ifndef KVMW_RENDER_SPARKS_H
#define KVMW_RENDER_SPARKS_H

#include <json-c/json.h>

#include "util/render/render.h"
#include "util/render/textgrid.h"

#define SPARKS_GROUP	"over time"
#define SPARKS_WORDS	192	/* bytes */

/*
 * The next cell: how often, and the 99th percentile, against the row's greatest; empty of a row
 * without sparks.
 */
void textgrid__rate_sparks(struct textgrid *g, const struct screen *s, const struct report *rep,
			   const struct report_row *row);
void textgrid__p99_sparks(struct textgrid *g, const struct screen *s, const struct report *rep,
			  const struct report_row *row);
/* " over time: each character 268 ms, ..." Returns buf. */
const char *sparks__legend(const struct report *rep, char *buf);
/* Both of each row, with their greatest. 0, or -1 out of memory. */
int render__sparks(const struct screen *s, const struct report *rep);

void render__spark_steps_json(struct json_object *root, const struct report *rep);
void render__sparks_json(struct json_object *obj, const struct report *rep,
			 const struct report_row *row);

#endif
