/* SPDX-License-Identifier: GPL-2.0 */
/* The instruction sets that an event's isa (enum kvmw_isa) stands for. */
#ifndef KVMW_ISA_H
#define KVMW_ISA_H

#include "util/types.h"

/* Another word for a reason, which --reason takes: its name in the other instruction set. */
struct reason_word {
	const char *word;
	u32 number;
};

struct isa {
	const char *name;
	const char *prefix;	/* of all names, which --reason does not need; NULL: none */
	const struct reason_word *words;	/* the last one is NULL; or NULL: none */
	u32 number_mask;	/* bits of a reason that are its number; 0: all */
	u32 reserved;		/* bits that no reason of this instruction set has */
	const char *(*reason)(u32 number);	/* its name; NULL: it has none */
	/* Appends the other bits of a reason to buf as "|FLAG"; NULL: there are none. */
	void (*flags)(u32 reason, char *buf, size_t size);
};

/* KVM_EXIT_* of struct kvm_run, which belong to no instruction set. */
extern const struct isa isa_kvm;

extern const struct isa isa_vmx, isa_svm;

#endif
