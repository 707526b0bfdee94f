/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The meaning of numbers in events.  NULL: no name is known.  Names live as long as the program and
 * have at most 30 characters; they are in the architecture's folder, util/arch/x86/names/.
 */
#ifndef KVMW_NAMES_H
#define KVMW_NAMES_H

#include "util/types.h"

/* KVM's own hypercalls, include/uapi/linux/kvm_para.h: "KVM_HC_SEND_IPI". */
const char *hypercall_name(u64 nr);
/* Those of Hyper-V's guests: "PostMessage". */
const char *hv_hypercall_name(u64 code);

/* "COM1 transmit"; some ports are one thing when read and another when written. */
const char *port_name(u64 port, bool written);

/* Guest physical addresses that no memory is at: a register, else the device there. */
const char *mmio_name(u64 gpa);
/* The device alone, for what is only known by its page. */
const char *mmio_page_name(u64 gpa);
/* By the register's offset from the APIC's base, however the guest got at it: "APIC EOI". */
const char *apic_register_name(u64 offset);

/* Model-specific registers, named as in the manuals of Intel and AMD, without prefix: "EFER". */
const char *msr_name(u64 index);
const char *cpuid_name(u64 leaf);
const char *cr_name(u64 number);

const char *exception_name(u64 vector);
/* What Linux, 5.10 or newer, uses an interrupt vector for: "local timer". */
const char *linux_vector_name(u64 vector);
/* The same where the host is Linux: "host: local timer"; if a guest is: "Linux: local timer". */
const char *host_vector_name(u64 vector);
const char *guest_vector_name(u64 vector);

/* System calls that take memory from a process, its own or another one: "madvise". */
const char *memory_syscall_name(u64 nr);
/* Those in which threads sleep: "futex". */
const char *sleep_syscall_name(u64 nr);

#define ICR_NAME_MAX	96	/* bytes enough for icr_name() and written_name() */

/* What the interrupt command register holds: "vector 0xfd to others". buf is returned. */
const char *icr_name(u64 icr, char *buf, size_t size);

/*
 * The effect of a value that a guest writes to an MSR, in 48 bits: writes of one group do the
 * same.  foreign: the guest is a nested one, whose vCPUs are not those of the VM.  0: the value
 * says nothing that counts.
 */
u64 written_group(u64 msr, u64 value, bool foreign);
/* "ICR: IPI vector 0xfd to vCPU 1"; is_vcpu: whether the VM has a vCPU of that number. Or NULL. */
const char *written_name(u64 group, bool (*is_vcpu)(const void *arg, u32 number), const void *arg,
			 char *buf, size_t size);

/* What a hypervisor offers its guest, by bits of CPUID leaves: those of table vm_config. */
enum feature_word { FEATURES_KVM, FEATURES_HYPERV, HINTS_HYPERV, NR_FEATURE_WORDS };
/* NULL: it has no name. */
const char *feature_name(enum feature_word word, u32 bit);

/*
 * Whether the tables above name each register of what QEMU calls a memory region by this name,
 * so that the region's own name would say less.
 */
bool names__know_registers(const char *region);

#endif
