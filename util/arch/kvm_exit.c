// SPDX-License-Identifier: GPL-2.0
/* Why KVM_RUN returned to the VMM: KVM_EXIT_* of linux/kvm.h, or its error. */
#include <string.h>

#include "util/arch/isa.h"
#include "util/events.h"

#define NAME(number, name) [number] = "KVM_EXIT_" #name

static const char *const names[] = {
	NAME(0, UNKNOWN),
	NAME(1, EXCEPTION),
	NAME(2, IO),
	NAME(3, HYPERCALL),
	NAME(4, DEBUG),
	NAME(5, HLT),
	NAME(6, MMIO),
	NAME(7, IRQ_WINDOW_OPEN),
	NAME(8, SHUTDOWN),
	NAME(9, FAIL_ENTRY),
	NAME(10, INTR),
	NAME(11, SET_TPR),
	NAME(12, TPR_ACCESS),
	NAME(13, S390_SIEIC),
	NAME(14, S390_RESET),
	NAME(15, DCR),
	NAME(16, NMI),
	NAME(17, INTERNAL_ERROR),
	NAME(18, OSI),
	NAME(19, PAPR_HCALL),
	NAME(20, S390_UCONTROL),
	NAME(21, WATCHDOG),
	NAME(22, S390_TSCH),
	NAME(23, EPR),
	NAME(24, SYSTEM_EVENT),
	NAME(25, S390_STSI),
	NAME(26, IOAPIC_EOI),
	NAME(27, HYPERV),
	NAME(28, ARM_NISV),
	NAME(29, X86_RDMSR),
	NAME(30, X86_WRMSR),
	NAME(31, DIRTY_RING_FULL),
	NAME(32, AP_RESET_HOLD),
	NAME(33, X86_BUS_LOCK),
	NAME(34, XEN),
	NAME(35, RISCV_SBI),
	NAME(36, RISCV_CSR),
	NAME(37, NOTIFY),
	NAME(38, LOONGARCH_IOCSR),
	NAME(39, MEMORY_FAULT),
	NAME(40, TDX),
	NAME(41, ARM_SEA),
};

static const char *kvm_exit_reason(u32 reason)
{
	if (reason > KVMW_REASON_ERRNO && reason < KVMW_REASON_ERRNO + 4096)
		return strerrorname_np(reason - KVMW_REASON_ERRNO);
	return reason < ARRAY_SIZE(names) ? names[reason] : NULL;
}

const struct isa isa_kvm = { .name = "KVM", .prefix = "KVM_EXIT_", .reason = kvm_exit_reason };
