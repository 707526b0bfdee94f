/* SPDX-License-Identifier: GPL-2.0 */
/* Sums of the memory that the host took from VMs: analysis/taken_sums.h. */
#ifndef KVMW_RENDER_TAKEN_SUMS_H
#define KVMW_RENDER_TAKEN_SUMS_H

#include <json-c/json.h>

#include "util/analysis/report/report.h"
#include "util/render/screen.h"

struct taken_sum;

/* The first top lines of rep->taken.  0, or -1 out of memory (error() said so). */
int render__taken_sums(const struct screen *s, const struct report *rep, u32 top);

/* Member taken of root: rep->taken. */
void render__taken_sums_json(struct json_object *root, const struct report *rep);
/* One of its lines. */
struct json_object *render__taken_sum_json(const struct taken_sum *t);

#endif
