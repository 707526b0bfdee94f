/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fields of the tracepoint kvm_exit on x86 (arch/x86/kvm/trace.h): one list for the program
 * that reads them and the recorder that finds them.
 *
 * FIELD(type, name, field, offset): our name, the kernel's, and its offset on all kernels from
 * 5.10 to 7.2.  If an offset differs, the program uses a slower method.
 */
#ifndef KVMW_X86_EXIT_FIELDS_H
#define KVMW_X86_EXIT_FIELDS_H

#define KVM_EXIT_FIELDS(FIELD)				\
	FIELD(u32, reason, exit_reason, 8)		\
	FIELD(u64, rip, guest_rip, 16)			\
	FIELD(u32, isa, isa, 24)			\
	FIELD(u64, info1, info1, 32)			\
	FIELD(u64, info2, info2, 40)			\
	FIELD(u32, intr_info, intr_info, 48)		\
	FIELD(u32, error_code, error_code, 52)

#endif
