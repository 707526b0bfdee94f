/* SPDX-License-Identifier: GPL-2.0 */
/* Processes that run VMs, recorded or not, named in IDENT frames: rows refer to them by pid. */
#ifndef KVMW_NEIGHBOURS_H
#define KVMW_NEIGHBOURS_H

#include <json-c/json.h>

#include "util/capture/sink.h"
#include "util/capture/vm.h"

struct neighbours {
	struct json_object *list;
	u32 nr;
	int err;
};

/* An empty list, for neighbours__end(). */
struct neighbours neighbours__begin(void);
void neighbours__add(struct neighbours *n, const struct vm *vm);
/* Sends the list, if it has any, and frees it; send: else only frees it. 0 or -1. */
int neighbours__end(struct neighbours *n, struct sink *sink, bool send);

#endif
