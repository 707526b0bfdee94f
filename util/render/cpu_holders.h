/* SPDX-License-Identifier: GPL-2.0 */
/* Who had the CPUs while vCPUs waited for them: analysis/cpu_holders.h. */
#ifndef KVMW_RENDER_CPU_HOLDERS_H
#define KVMW_RENDER_CPU_HOLDERS_H

#include <json-c/json.h>

#include "util/analysis/report/report.h"
#include "util/render/screen.h"

struct cpu_holder;

/* The first top lines of rep->holders.  0, or -1 out of memory (error() said so). */
int render__cpu_holders(const struct screen *s, const struct report *rep, u32 top);

/* Members of obj: those of rep->holders. */
void render__cpu_holders_json(struct json_object *obj, const struct report *rep);
/* One of each, as --json and --csv have it; json_object_put() it. */
struct json_object *render__cpu_holder_json(const struct report *rep, const struct cpu_holder *h);

#endif
