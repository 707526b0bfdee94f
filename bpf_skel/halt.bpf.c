// SPDX-License-Identifier: GPL-2.0
/* Provider "halt": halts. */
#include "point.bpf.h"

POINT_PROGRAM(KVMW_EVENT_HALT, halt, WINDOW, kvm, kvm_halt_poll_ns)

char LICENSE[] SEC("license") __weak = "GPL";
