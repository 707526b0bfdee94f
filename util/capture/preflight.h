/* SPDX-License-Identifier: GPL-2.0 */
/* Checks whether this process and this kernel can record. */
#ifndef KVMW_PREFLIGHT_H
#define KVMW_PREFLIGHT_H

#include "util/types.h"

/*
 * 0: KVM, the needed kernel features and the capabilities are there; -1: error() named what is
 * missing and the remedy.  bytes: of the maps and rings whose size options choose.
 */
int host__can_record(u64 bytes);

/* Whether the process has CAP_SYS_ADMIN, which is needed for the BTF of modules. */
bool host__is_admin(void);

/* Whether the process has the capabilities to look into those of other users. */
bool host__may_inspect(void);

/* Whether process ids in /proc are those that BPF programs see: of the initial PID namespace. */
bool host__knows_pids(void);

/*
 * BPF programs see process ids of the initial PID namespace, so VMs cannot be selected by PID in
 * others. 0, or -1 after error().
 */
int host__check_pid_namespace(void);

#endif
