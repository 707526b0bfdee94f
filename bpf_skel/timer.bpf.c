// SPDX-License-Identifier: GPL-2.0
/* Provider "timer": timers and clocks. */
#include "point.bpf.h"

POINT_PROGRAM(KVMW_EVENT_TIMER, timer, HV_STATE, kvm, kvm_hv_timer_state)
POINT_PROGRAM(KVMW_EVENT_TIMER, timer, WAIT_EXPIRE, kvm, kvm_wait_lapic_expire)
POINT_PROGRAM(KVMW_EVENT_TIMER, timer, PVCLOCK, kvm, kvm_pvclock_update)
POINT_PROGRAM(KVMW_EVENT_TIMER, timer, MASTERCLOCK, kvm, kvm_update_master_clock)
POINT_PROGRAM(KVMW_EVENT_TIMER, timer, TRACK_TSC, kvm, kvm_track_tsc)
POINT_PROGRAM(KVMW_EVENT_TIMER, timer, TSC_OFFSET, kvm, kvm_write_tsc_offset)

char LICENSE[] SEC("license") __weak = "GPL";
