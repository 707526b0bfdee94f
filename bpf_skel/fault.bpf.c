// SPDX-License-Identifier: GPL-2.0
/* Provider "fault": guest page faults. */
#include "point.bpf.h"

POINT_PROGRAM(KVMW_EVENT_FAULT, fault, FAST, kvmmmu, fast_page_fault)
POINT_PROGRAM(KVMW_EVENT_FAULT, fault, MMIO, kvmmmu, handle_mmio_page_fault)
POINT_PROGRAM(KVMW_EVENT_FAULT, fault, SET_SPTE, kvmmmu, kvm_mmu_set_spte)
POINT_PROGRAM(KVMW_EVENT_FAULT, fault, ASYNC_GET, kvm, kvm_try_async_get_page)
POINT_PROGRAM(KVMW_EVENT_FAULT, fault, ASYNC_NOT_PRESENT, kvm, kvm_async_pf_not_present)
POINT_PROGRAM(KVMW_EVENT_FAULT, fault, ASYNC_READY, kvm, kvm_async_pf_ready)
POINT_PROGRAM(KVMW_EVENT_FAULT, fault, ASYNC_DONE, kvm, kvm_async_pf_completed)

char LICENSE[] SEC("license") __weak = "GPL";
