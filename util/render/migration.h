/* SPDX-License-Identifier: GPL-2.0 */
/* Will it migrate? Of the view of event dirty. */
#ifndef KVMW_RENDER_MIGRATION_H
#define KVMW_RENDER_MIGRATION_H

#include <json-c/json.h>

#include "util/analysis/migration.h"
#include "util/render/screen.h"

/* 0, or -1 out of memory. */
int render__migration(const struct screen *s, const struct migration_replay *m);
void render__migration_json(struct json_object *obj, const struct migration_replay *m);

#endif
