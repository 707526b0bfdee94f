/* SPDX-License-Identifier: GPL-2.0 */
/* Page faults that were retried, and what took the pages of faults; part of event fault's view. */
#ifndef KVMW_RENDER_RETRIES_H
#define KVMW_RENDER_RETRIES_H

#include "util/analysis/retries.h"
#include "util/render/json.h"
#include "util/render/render.h"

/* Nothing if there are none, or if it is unknown what was taken. top: causes of each class. */
int render__retries(const struct screen *s, const struct retries *r, u32 top);
void json__retries(struct json_object *obj, const struct retries *r);

/* Member "causes". */
void json__causes(struct json_object *obj, const struct refaults *r);

#endif
