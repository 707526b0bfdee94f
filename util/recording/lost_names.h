/* SPDX-License-Identifier: GPL-2.0 */
/* Frames of stacks without a name, but with a known place in a file. */
#ifndef KVMW_LOST_NAMES_H
#define KVMW_LOST_NAMES_H

#include <json-c/json.h>

#include "util/symbols/elf_symbols.h"

/* One of them, [frame, build id, address], maybe anything; frame >= nr is none. false: no entry. */
bool lost_name__parse(struct json_object *item, size_t nr, size_t *frame, struct elf_place *place);

#endif
