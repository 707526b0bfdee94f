/* SPDX-License-Identifier: GPL-2.0 */
/* One thread, as /proc shows it. */
#ifndef KVMW_PROC_THREAD_H
#define KVMW_PROC_THREAD_H

#include "util/capture/interned.h"
#include "util/event_desc.h"

/*
 * Reads a thread, all but kind and time_ns, and takes note of its texts and its stack. Numbers that
 * cannot be read are all ones. number: of the vCPU, if the thread sleeps inside KVM_RUN. 0; 1: it
 * is not there any more; -1: out of memory (error() said so).
 */
int proc_thread__read(u32 pid, u32 tid, struct interned *names, struct kvmw_thread *row);

#endif
