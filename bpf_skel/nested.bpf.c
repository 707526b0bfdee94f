// SPDX-License-Identifier: GPL-2.0
/* Provider "nested": nested guests. */
#include "point.bpf.h"

POINT_PROGRAM(KVMW_EVENT_NESTED, nested, ENTER, kvm, kvm_nested_vmenter)
POINT_PROGRAM(KVMW_EVENT_NESTED, nested, ENTER, kvm, kvm_nested_vmrun)
POINT_PROGRAM(KVMW_EVENT_NESTED, nested, EXIT, kvm, kvm_nested_vmexit)
POINT_PROGRAM(KVMW_EVENT_NESTED, nested, INJECT, kvm, kvm_nested_vmexit_inject)
POINT_PROGRAM(KVMW_EVENT_NESTED, nested, INTERCEPTS, kvm, kvm_nested_intercepts)
POINT_PROGRAM(KVMW_EVENT_NESTED, nested, INTR, kvm, kvm_nested_intr_vmexit)
POINT_PROGRAM(KVMW_EVENT_NESTED, nested, INVLPGA, kvm, kvm_invlpga)
POINT_PROGRAM(KVMW_EVENT_NESTED, nested, SKINIT, kvm, kvm_skinit)
POINT_PROGRAM(KVMW_EVENT_NESTED, nested, FAILED, kvm, kvm_nested_vmenter_failed)

char LICENSE[] SEC("license") __weak = "GPL";
