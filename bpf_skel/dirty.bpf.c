// SPDX-License-Identifier: GPL-2.0
/* Provider "dirty": dirty pages. */
#include "point.bpf.h"

POINT_PROGRAM(KVMW_EVENT_DIRTY, dirty, RING_PUSH, kvm, kvm_dirty_ring_push)
POINT_PROGRAM(KVMW_EVENT_DIRTY, dirty, RING_RESET, kvm, kvm_dirty_ring_reset)
POINT_PROGRAM(KVMW_EVENT_DIRTY, dirty, RING_EXIT, kvm, kvm_dirty_ring_exit)
POINT_PROGRAM(KVMW_EVENT_DIRTY, dirty, PML_FULL, kvm, kvm_pml_full)

char LICENSE[] SEC("license") __weak = "GPL";
