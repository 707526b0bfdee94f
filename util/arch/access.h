/* SPDX-License-Identifier: GPL-2.0 */
/* What an exit means to a guest, whatever the number: for findings. */
#ifndef KVMW_ACCESS_H
#define KVMW_ACCESS_H

#include "util/types.h"

enum access_class {
	ACCESS_OTHER,
	ACCESS_CLOCK,		/* reads a clock that exits */
	ACCESS_TIMER,		/* sets a timer of the local APIC */
	ACCESS_IPI,
	ACCESS_EOI,
	ACCESS_RAM,		/* a page fault on memory */
	ACCESS_SMI,		/* asks for a system management interrupt */
	NR_ACCESS_CLASSES,
};

/* kind, value: of an exit's detail. *device, for a clock: "HPET". */
enum access_class access_class(u32 kind, u64 value, const char **device);

/* Whether an exit sets a timer to a time of the guest's TSC, which is the value written. */
bool access_is_deadline(u32 kind, u64 value);

/* Whether an exit sends an interrupt to a vCPU. */
bool access_sends_ipi(u32 kind, u64 value);

enum exit_class {
	EXIT_OTHER, EXIT_HALT, EXIT_SHUTDOWN,
	EXIT_BY_HOST,		/* an interrupt or NMI of the host */
	EXIT_SMM,		/* a system management interrupt, or the way back from it */
	EXIT_ENTERS_NESTED,	/* L1 runs a nested guest */
};

enum exit_class exit_class(u32 isa, u32 reason);

/*
 * Whether an exit, by the kind and value of its detail, is probably the notification of a virtio
 * queue: by the places that VMMs give the registers for it.
 */
bool access_is_probably_notify(u32 kind, u64 value);

/* Whether a page fault, by its info1, was a write to a page that is mapped, but not writable. */
bool fault_is_of_protection(u32 isa, u64 info1);

/* Whether info1, or info2, of an exit holds no address and no value of the guest's. */
bool exit_info_is_plain(u32 isa, u32 reason, bool second);

/* Whether every machine has the same device at this guest physical address. */
bool gpa_is_of_platform(u64 gpa);

#endif
