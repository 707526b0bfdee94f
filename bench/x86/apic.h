/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What only --ipi and --timer need: KVM's interrupt controllers, a local APIC
 * in x2APIC mode, descriptor tables (guest_has_irqchip()). All return 0, or -1
 * after one line.
 */
#ifndef BENCH_X86_APIC_H
#define BENCH_X86_APIC_H

#include "../vm.h"

/* Flat 64-bit segments; their accessed bits are set in the GDT. */
#define SEL_CODE	0x08
#define SEL_DATA	0x10

int apic_vm_init(struct guest_vm *vm);
/* GDT and IDT, behind the code in its page, which is at @gpa. */
void apic_load(struct guest_vm *vm, uint8_t *code, uint64_t gpa);
void apic_sregs(struct kvm_sregs *sregs, uint64_t code_gpa);
/* After KVM_SET_SREGS with what apic_sregs() put there. */
int apic_vcpu_init(struct guest_vcpu *vcpu);

#endif
