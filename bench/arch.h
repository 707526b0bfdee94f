/* SPDX-License-Identifier: GPL-2.0 */
/* What kvmw bench guest needs from the architecture; Build picks its folder. */
#ifndef BENCH_ARCH_H
#define BENCH_ARCH_H

#include <stddef.h>
#include <stdint.h>

struct guest_result;
struct guest_vcpu;
struct guest_vm;

/*
 * The number of VM exits of a whole run, by the reason's name in the kernel's
 * tables, for each instruction set that may have run it. Interrupts of the
 * host during the run come on top. ARCH_UNKNOWN: there may be some; their
 * number depends on timing or on the host's CPU.
 */
#define ARCH_UNKNOWN	UINT64_MAX
struct arch_reason {
	const char *isa;
	const char *reason;
	uint64_t count;
};
#define ARCH_MAX_REASONS	32
size_t arch_reasons(const struct guest_result *res,
		    struct arch_reason out[ARCH_MAX_REASONS]);

/* The instruction sets, "A / B", and an operation's exit reasons on each; "" for no operation. */
extern const char arch_isas[];
const char *arch_op_reasons(int op);

/* What a return to the VMM means. */
enum arch_exit {
	ARCH_UNEXPECTED,
	ARCH_PIO,
	ARCH_MMIO,
	ARCH_HLT,
	ARCH_READY,
	ARCH_REFILL,
	ARCH_FINAL,
};

/* Those that return an int: 0, or -1 after one line. */

/* Limits of the host, before any memory is taken. */
int arch_check(struct guest_vm *vm, uint64_t gpa_end);
int arch_vm_init(struct guest_vm *vm);
/* Guest pages below GUEST_STRIDE * this are the architecture's own, blocks follow. */
unsigned int arch_sys_pages(const struct guest_vm *vm);
/* Guest physical address from which touch windows may lie. */
uint64_t arch_touch_base(void);
uint64_t arch_mmio_gpa(unsigned int vcpu);
/* Code and page tables into vm->sys. */
void arch_load(struct guest_vm *vm);
/* Fills in the architecture's part of the block. */
void arch_fill_block(struct guest_vcpu *vcpu);
int arch_vcpu_init(struct guest_vcpu *vcpu);
enum arch_exit arch_exit(const struct guest_vcpu *vcpu);
/* Registers as one line, "" where KVM does not give them. */
void arch_dump(const struct guest_vcpu *vcpu, char *buf, size_t size);

#endif
