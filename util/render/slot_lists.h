/* SPDX-License-Identifier: GPL-2.0 */
/* The memory slots of VMs, in words and JSON. */
#ifndef KVMW_RENDER_SLOT_LISTS_H
#define KVMW_RENDER_SLOT_LISTS_H

#include "util/analysis/slot_lists.h"
#include "util/render/json.h"
#include "util/render/screen.h"

/* Below a heading of its own, a line for each VM. */
void slot_lists__print(const struct screen *s, const struct slot_lists *lists);

/* Member "memory_slots". */
void slot_lists__json(struct json_writer *w, struct json_object *root,
		      const struct slot_lists *lists);

#endif
