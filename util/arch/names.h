/* SPDX-License-Identifier: GPL-2.0 */
/* What the numbers in events are called.  NULL: no name is known. */
#ifndef KVMW_NAMES_H
#define KVMW_NAMES_H

#include "util/types.h"

/* KVM's own hypercalls, include/uapi/linux/kvm_para.h: "KVM_HC_SEND_IPI". */
const char *hypercall_name(u64 nr);

/* Common MSRs of x86, as the manuals of Intel and AMD call them, without prefix: "EFER". */
const char *msr_name(u64 index);

#endif
