/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state of the recorded VMs' threads when the recording begins and ends, from /proc, which
 * shows vCPUs without events, too; that of their control groups, how KVM has set up the VMs,
 * where their memory is, and that of the host. Nothing here is needed for a recording: what cannot
 * be read is missing from it.
 */
#ifndef KVMW_SNAPSHOT_H
#define KVMW_SNAPSHOT_H

#include "util/capture/cgroups.h"
#include "util/capture/host_state.h"
#include "util/capture/interned.h"
#include "util/capture/session.h"
#include "util/capture/vcpu_files.h"
#include "util/capture/vm_configs.h"
#include "util/capture/vm_memory.h"
#include "util/capture/vm_slots.h"

#define SNAPSHOT_MAX_THREADS 16384	/* of one moment */

struct snapshot {			/* all zero: empty */
	struct interned names;
	struct cgroups groups;
	struct host_state host;
	struct vm_configs configs;
	struct vm_memories memory;
	struct vcpu_files vcpus;	/* while it reads */
	struct vm_slots slots;		/* of the beginning, until they are sent */
	struct kvmw_thread *thread;	/* of the moment that was read last */
	u32 nr, room;
	u32 *pids;			/* processes read at that moment */
	u32 nr_pids, pids_room;
	u32 left_out;			/* threads beyond SNAPSHOT_MAX_THREADS */
};

/*
 * Reads the VMs that are selected, or whose vCPUs were seen. kind: KVMW_thread_START or _END.
 * 0, or -1: out of memory (error() said so).
 */
int snapshot__read(struct snapshot *snap, u32 kind, const struct session_opts *opts,
		   const struct session *session);
/* Sends what was read: rows, and the names that they refer to. 0 or -1. */
int snapshot__send(struct snapshot *snap, struct sink *sink);
void snapshot__free(struct snapshot *snap);

#endif
