/* SPDX-License-Identifier: GPL-2.0 */
/* The facts about the host that matter to its VMs: table "host". */
#ifndef KVMW_HOST_STATE_H
#define KVMW_HOST_STATE_H

#include "util/capture/interned.h"
#include "util/event_desc.h"

#define HOST_STATE_MAX 128

struct host_state {		/* all zero: empty */
	struct kvmw_host row[HOST_STATE_MAX];	/* of the moment that was read last */
	u32 nr;
};

/*
 * Reads it, at the end (moment 2) only what changes. 0, or -1: out of memory (error() said so).
 */
int host_state__read(struct host_state *host, u32 moment, struct interned *names);

#endif
