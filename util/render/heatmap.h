/* SPDX-License-Identifier: GPL-2.0 */
/* report --heatmap; in JSON the members of the report, and of a row. */
#ifndef KVMW_RENDER_HEATMAP_H
#define KVMW_RENDER_HEATMAP_H

#include <json-c/json.h>

#include "util/render/render.h"

void render__heat_steps_json(struct json_object *root, const struct report *rep);
/* 0, or -1 out of memory (error() said so). */
int render__heat_json(struct json_object *obj, const struct report *rep,
		      const struct report_row *row);

#endif
