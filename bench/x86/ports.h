/* SPDX-License-Identifier: GPL-2.0 */
/* What the x86 guest and its VMM agree upon; included by C and assembly. */
#ifndef BENCH_X86_PORTS_H
#define BENCH_X86_PORTS_H

/* No device of KVM's own ever lived there. */
#define PORT_COUNTED	0x5150
#define PORT_CONTROL	0x5158

/* Values written to the control port. */
#define CTL_READY	1
#define CTL_REFILL	2
#define CTL_FINAL	3

/*
 * IA32_MCG_STATUS: KVM intercepts reads and writes of it on VMX and SVM alike,
 * answers both in the kernel, and a write of what was read has no effect.
 */
#define MSR_COUNTED	0x17a

#endif
