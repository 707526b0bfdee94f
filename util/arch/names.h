/* SPDX-License-Identifier: GPL-2.0 */
/* Names of numbers in events.  NULL: unknown. */
#ifndef KVMW_NAMES_H
#define KVMW_NAMES_H

#include "util/types.h"

/* KVM's own hypercalls, include/uapi/linux/kvm_para.h: "KVM_HC_SEND_IPI". */
const char *hypercall_name(u64 nr);

/* Common MSRs of x86, named as in the manuals of Intel and AMD, without prefix: "EFER". */
const char *msr_name(u64 index);

#endif
