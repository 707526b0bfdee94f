/* SPDX-License-Identifier: GPL-2.0 */
/* Names of the threads that rows refer to, which BPF programs note, as IDENT. */
#ifndef KVMW_TASKS_H
#define KVMW_TASKS_H

#include "util/capture/sink.h"
#include "bpf_skel/shared.h"

/* What the last call saw; all 0 at the start. */
struct tasks {
	u32 nr;
	u32 tids[KVMW_MAX_TASKS];		/* ascending */
	struct kvmw_task names[KVMW_MAX_TASKS];
};

/*
 * Sends an IDENT frame with the names in the map that are new, or others than in the last
 * call. map_fd: of a map from thread id to struct kvmw_task. -1: failed.
 */
int tasks__send(struct tasks *tasks, struct sink *sink, int map_fd);

#endif
