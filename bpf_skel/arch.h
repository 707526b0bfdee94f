/* SPDX-License-Identifier: GPL-2.0 */
/* What the BPF programs and the recorder know about the architecture: selects its folder. */
#ifndef KVMW_ARCH_SHARED_H
#define KVMW_ARCH_SHARED_H

#if defined(__TARGET_ARCH_x86) || defined(__x86_64__)
#include "bpf_skel/x86/arch.h"
#else
#error "no folder in bpf_skel/ for this architecture"
#endif

#endif
