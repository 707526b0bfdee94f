/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the programs need from the architecture.  Each folder defines
 *
 *	arch_exit_detail()	details of an exit, from its own fields
 *	arch_hypercall_result()	the result that the guest gets from its hypercall
 *	arch_fault_nested()	whether faults of the current vCPU are at addresses of an L2
 *	arch_fault_access()	read, write or execute, from the error code of a page fault
 *	arch_spte_present()	whether an entry of KVM's page tables maps a page
 *	arch_preempt_count()	that of this CPU
 *	arch_config_of_vm(), arch_config_of_vcpu()
 *				what a snapshot says about them
 *	arch_syscall_regs(), arch_syscall_nr(), arch_syscall_arg(), arch_is_ioctl()
 *				system calls (syscall.bpf.h)
 *	arch_memslot_read(), arch_memslot_find(), arch_vcpu_space(), arch_kvm_mm()
 *				memory slots and the process of kernels whose KVM has no BTF
 */
#ifndef KVMW_ARCH_BPF_H
#define KVMW_ARCH_BPF_H

#if defined(__TARGET_ARCH_x86)
#include "x86/arch.bpf.h"
#endif

#endif
