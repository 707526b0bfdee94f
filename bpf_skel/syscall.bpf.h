/* SPDX-License-Identifier: GPL-2.0 */
/* System calls, as the architecture passes them. */
#ifndef KVMW_SYSCALL_BPF_H
#define KVMW_SYSCALL_BPF_H

#if defined(__TARGET_ARCH_x86)
#include "x86/syscall.bpf.h"
#endif

#endif
