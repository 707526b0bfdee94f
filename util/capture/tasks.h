/* SPDX-License-Identifier: GPL-2.0 */
/* Names of the threads that rows refer to, from BPF programs to IDENT. */
#ifndef KVMW_TASKS_H
#define KVMW_TASKS_H

#include "util/capture/sink.h"
#include "bpf_skel/shared.h"

/* Starts as all 0. */
struct tasks {
	struct kvmw_ring_task *task;	/* those not sent yet */
	u32 nr, room;
};

/* Keeps the latest name of a thread until the next tasks__send(). -1: out of memory. */
int tasks__note(struct tasks *tasks, const struct kvmw_ring_task *task);

/* Sends an IDENT frame with the names noted since the last call, if any. -1: failed. */
int tasks__send(struct tasks *tasks, struct sink *sink);
void tasks__forget(struct tasks *tasks);

#endif
