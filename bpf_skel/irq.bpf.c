// SPDX-License-Identifier: GPL-2.0
/* Provider "irq": interrupts. */
#include "point.bpf.h"

POINT_PROGRAM(KVMW_EVENT_IRQ, irq, SET_IRQ, kvm, kvm_set_irq)
POINT_PROGRAM(KVMW_EVENT_IRQ, irq, PIC_SET, kvm, kvm_pic_set_irq)
POINT_PROGRAM(KVMW_EVENT_IRQ, irq, IOAPIC_SET, kvm, kvm_ioapic_set_irq)
POINT_PROGRAM(KVMW_EVENT_IRQ, irq, MSI_SET, kvm, kvm_msi_set_irq)
POINT_PROGRAM(KVMW_EVENT_IRQ, irq, IPI, kvm, kvm_apic_ipi)
POINT_PROGRAM(KVMW_EVENT_IRQ, irq, ACCEPT, kvm, kvm_apic_accept_irq)
POINT_PROGRAM(KVMW_EVENT_IRQ, irq, INJECT, kvm, kvm_inj_virq)
POINT_PROGRAM(KVMW_EVENT_IRQ, irq, EXCEPTION, kvm, kvm_inj_exception)
POINT_PROGRAM(KVMW_EVENT_IRQ, irq, EOI, kvm, kvm_eoi)
POINT_PROGRAM(KVMW_EVENT_IRQ, irq, PV_EOI, kvm, kvm_pv_eoi)
POINT_PROGRAM(KVMW_EVENT_IRQ, irq, ACK, kvm, kvm_ack_irq)
POINT_PROGRAM(KVMW_EVENT_IRQ, irq, APIC, kvm, kvm_apic)
POINT_PROGRAM(KVMW_EVENT_IRQ, irq, IOAPIC_EOI, kvm, kvm_ioapic_delayed_eoi_inj)
POINT_PROGRAM(KVMW_EVENT_IRQ, irq, AVIC_IPI, kvm, kvm_avic_incomplete_ipi)
POINT_PROGRAM(KVMW_EVENT_IRQ, irq, AVIC_ACCESS, kvm, kvm_avic_unaccelerated_access)
POINT_PROGRAM(KVMW_EVENT_IRQ, irq, PI_UPDATE, kvm, kvm_pi_irte_update)

char LICENSE[] SEC("license") __weak = "GPL";
