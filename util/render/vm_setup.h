/* SPDX-License-Identifier: GPL-2.0 */
/* How VMs were set up, in words and JSON. */
#ifndef KVMW_RENDER_VM_SETUP_H
#define KVMW_RENDER_VM_SETUP_H

#include "util/analysis/vm_setup.h"
#include "util/render/json.h"
#include "util/render/screen.h"

/* Below a heading of its own; nothing if nothing is known. */
void vm_setups__print(const struct screen *s, const struct vm_setups *setups);

/* Member "vm_configs". */
void vm_setups__json(struct json_writer *w, struct json_object *root,
		     const struct vm_setups *setups);

#endif
