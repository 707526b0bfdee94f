/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names of exit reasons, chosen by the event's own isa and never by the CPU of the machine that
 * reads the recording.
 */
#ifndef KVMW_REASON_H
#define KVMW_REASON_H

#include "util/types.h"

#define REASON_NAME_MAX	96	/* bytes enough for every name, NUL included */

/*
 * isa is an enum kvmw_isa: reasons have the names that the kernel's trace events
 * and perf print, without prefix; KVMW_ISA_NONE means the KVM_EXIT_* numbers of
 * struct kvm_run, named in full.  A number without a name comes after the name
 * of the isa ("isa 0x63"); one that this isa cannot have, alone.  buf is filled and returned.
 */
const char *reason_name(u32 isa, u32 reason, char *buf, size_t size);

/* The name alone, or NULL: the number has none, or only with flags. */
const char *reason_known(u32 isa, u32 number);

/* NULL: unknown. */
const char *isa_name(u32 isa);

/*
 * Whether word means this reason: its number, its name in upper or lower case, with or
 * without KVM_EXIT_, or a short word that serves for all instruction sets ("io", "msr").
 */
bool reason_is(u32 isa, u32 reason, const char *word);

/* Whether word stands for a reason of any instruction set. */
bool reason_exists(const char *word);

/* Offers the names of an instruction set. */
struct nearest;
void reason_offer(u32 isa, struct nearest *n);

#define REASON_MAX_NAMED	0x1000	/* above all numbers that have a name */

#endif
