// SPDX-License-Identifier: GPL-2.0
/* Provider "hypercall": hypercalls. */
#include "point.bpf.h"

POINT_PROGRAM(KVMW_EVENT_HYPERCALL, hypercall, KVM, kvm, kvm_hypercall)
POINT_PROGRAM(KVMW_EVENT_HYPERCALL, hypercall, HYPERV, kvm, kvm_hv_hypercall)
POINT_PROGRAM(KVMW_EVENT_HYPERCALL, hypercall, HYPERV_DONE, kvm, kvm_hv_hypercall_done)
POINT_PROGRAM(KVMW_EVENT_HYPERCALL, hypercall, XEN, kvm, kvm_xen_hypercall)

char LICENSE[] SEC("license") __weak = "GPL";
