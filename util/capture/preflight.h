/* SPDX-License-Identifier: GPL-2.0 */
/* May this process record, and can this kernel. */
#ifndef KVMW_PREFLIGHT_H
#define KVMW_PREFLIGHT_H

#include "util/types.h"

/*
 * 0: KVM is here, the kernel has what kvmw builds on, and the process has the
 * capabilities; -1: error() named the one thing that is missing and the way out.
 */
int host__can_record(void);

/* Whether the process has CAP_SYS_ADMIN, which the BTF of modules takes. */
bool host__is_admin(void);

/*
 * BPF programs see the process ids of the initial PID namespace: elsewhere VMs can not
 * be told by them. 0, or -1 after error().
 */
int host__check_pid_namespace(void);

#endif
