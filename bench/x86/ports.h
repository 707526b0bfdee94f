/* SPDX-License-Identifier: GPL-2.0 */
/* Conventions of the x86 guest and its VMM; included by C and assembly. */
#ifndef BENCH_X86_PORTS_H
#define BENCH_X86_PORTS_H

/* In the block: the hypercall is VMMCALL, else VMCALL. */
#define BLK_VMMCALL	BLK_ARCH

/* Never used by a device of KVM. */
#define PORT_COUNTED	0x5150
#define PORT_CONTROL	0x5158

/* Values written to the control port. */
#define CTL_READY	1
#define CTL_REFILL	2
#define CTL_FINAL	3

/*
 * IA32_MCG_STATUS: KVM intercepts reads and writes of it on both VMX and SVM,
 * handles them in the kernel, and writing back the value read has no effect.
 */
#define MSR_COUNTED	0x17a

/*
 * Registers of the local APIC in x2APIC mode (Intel SDM 3, "Extended xAPIC").
 * Unlike xAPIC's memory, each access is one exit on both VMX and SVM, unless the
 * CPU virtualizes it (APICv, AVIC).
 */
#define MSR_X2APIC_EOI	0x80b
#define MSR_X2APIC_ICR	0x830
#define MSR_X2APIC_TMICT	0x838

#define ICR_SELF	0x44000		/* shorthand "self", asserted, fixed */
#define VECTOR_IPI	0x20
#define VECTOR_TIMER	0x21
#define VECTOR_LAST	VECTOR_TIMER

#endif
