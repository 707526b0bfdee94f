/* SPDX-License-Identifier: GPL-2.0 */
/* kvmw report --outliers: chains of steps. */
#ifndef KVMW_RENDER_CHAINS_H
#define KVMW_RENDER_CHAINS_H

#include "util/analysis/chain/chain.h"
#include "util/render/screen.h"

void render__chains(const struct screen *s, const struct chains *chains);
/* 0, or -1 out of memory (error() said so). */
int render__chains_json(const struct screen *s, const struct chains *chains);

#endif
