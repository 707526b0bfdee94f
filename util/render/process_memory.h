/* SPDX-License-Identifier: GPL-2.0 */
/* Where the memory of VMs' processes is, in words and JSON. */
#ifndef KVMW_RENDER_PROCESS_MEMORY_H
#define KVMW_RENDER_PROCESS_MEMORY_H

#include "util/render/json.h"
#include "util/analysis/process_memory.h"
#include "util/render/screen.h"

/* Below a heading of its own, a line for each process. */
void process_memories__print(const struct screen *s, const struct process_memories *list);

/* Member "process_memory". */
void process_memories__json(struct json_writer *w, struct json_object *root,
			    const struct process_memories *list);

#endif
