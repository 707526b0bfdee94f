/* SPDX-License-Identifier: GPL-2.0 */
/* kvmw list: as render.h, text and JSON of a finished model. */
#ifndef KVMW_RENDER_LIST_H
#define KVMW_RENDER_LIST_H

#include "util/analysis/listing.h"
#include "util/render/screen.h"

void render__list(const struct screen *s, const struct listing *list);
/* 0, or -1 out of memory (error() said so). */
int render__list_json(const struct screen *s, const struct listing *list);

#endif
