/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest: 64-bit long mode, ring 0. Any exception ends it as a triple
 * fault. Position independent; the VMM copies guest_code..guest_code_end to
 * guest memory and starts it with
 *   r15 = address of its struct guest_block, everything mapped 1:1,
 *   rsp = end of that page.
 * Registers: r13 next page to touch, r14 rest of the current loop.
 *
 * Interrupts are off except in the loops that take them. Their handlers use
 * rax, rcx, rdx.
 */
#include "../block.h"
#include "ports.h"

/* linux/kvm_para.h, which is for C only */
#define KVM_HC_VAPIC_POLL_IRQ	1

	.macro	loop_begin op
	mov	BLK_PER_ROUND + 8 * \op(%r15), %r14
	test	%r14, %r14
	jz	2f
1:
	.endm

	.macro	counted cnt
	incq	BLK_COUNT + 8 * \cnt(%r15)
	.endm

	.macro	loop_end
	dec	%r14
	jnz	1b
2:
	.endm

	.macro	control what
	mov	$PORT_CONTROL, %edx
	mov	$\what, %eax
	out	%al, %dx
	.endm

	.section .rodata
	.globl	guest_code
	.globl	guest_code_end
	.balign	16
guest_code:
	/* Set-up: take the faults on code, page tables and blocks now. */
	mov	BLK_WARM_GPA(%r15), %rsi
	mov	BLK_WARM_PAGES(%r15), %rcx
	test	%rcx, %rcx
	jz	2f
1:	lock orl $0, (%rsi)
	add	$GUEST_STRIDE, %rsi
	dec	%rcx
	jnz	1b
2:	/* The first access to an MMIO page has another reason on VMX. */
	cmpq	$0, BLK_PER_ROUND + 8 * OP_MMIO(%r15)
	je	3f
	mov	BLK_MMIO_GPA(%r15), %rdi
	xor	%eax, %eax
	mov	%eax, (%rdi)
3:	mov	BLK_TOUCH_GPA(%r15), %r13
	control	CTL_READY

.Lround:
	loop_begin OP_CPUID
	xor	%eax, %eax
	xor	%ecx, %ecx
	cpuid
	counted	CNT_CPUID
	loop_end

	loop_begin OP_PIO
	mov	$PORT_COUNTED, %edx
	mov	%r14d, %eax
	out	%al, %dx
	counted	CNT_PIO
	loop_end

	loop_begin OP_MMIO
	mov	BLK_MMIO_GPA(%r15), %rdi
	mov	%r14d, %eax
	mov	%eax, (%rdi)
	counted	CNT_MMIO
	loop_end

	/* Reads and writes in turn; writes the value that was read. */
	loop_begin OP_MSR
	mov	$MSR_COUNTED, %ecx
	rdmsr
	counted	CNT_RDMSR
	dec	%r14
	jz	2f
	wrmsr
	counted	CNT_WRMSR
	loop_end

	loop_begin OP_HLT
	hlt
	counted	CNT_HLT
	loop_end

	/* The window is a multiple of a round's pages: ask only here. */
	cmpq	$0, BLK_PER_ROUND + 8 * OP_TOUCH(%r15)
	je	4f
	cmp	BLK_TOUCH_END(%r15), %r13
	jb	4f
	control	CTL_REFILL
	counted	CNT_REFILLS
	mov	BLK_TOUCH_GPA(%r15), %r13
4:
	loop_begin OP_TOUCH
	mov	%r13, (%r13)
	add	$4096, %r13
	counted	CNT_TOUCH
	loop_end

	/* A hypercall for which KVM does nothing and returns 0. */
	loop_begin OP_VMCALL
	mov	$KVM_HC_VAPIC_POLL_IRQ, %eax
	cmpq	$0, BLK_VMMCALL(%r15)
	jne	3f
	vmcall
	jmp	4f
3:	vmmcall
4:	test	%rax, %rax
	jnz	5f
	counted	CNT_VMCALL
5:
	loop_end

	/*
	 * Both loops that take interrupts wait for a further one, not for as many
	 * as were sent: were one injected twice (QEMU's SVM does), the VMM would
	 * print the counts, where a guest that waits would never end.
	 * Interrupts are on, so KVM needs no exit to detect when they are.
	 */
	loop_begin OP_IPI
	mov	BLK_COUNT + 8 * CNT_IPI_TAKEN(%r15), %rbx
	sti
	mov	$MSR_X2APIC_ICR, %ecx
	mov	$ICR_SELF | VECTOR_IPI, %eax
	xor	%edx, %edx
	counted	CNT_IPI
	wrmsr
3:	cmp	%rbx, BLK_COUNT + 8 * CNT_IPI_TAKEN(%r15)
	je	3b
	cli
	loop_end

	/*
	 * An interrupt that comes early waits for the HLT, within sti's shadow.
	 * If the shadow is lost (an exit between the two under an emulator such
	 * as QEMU's SVM), guest_timer skips the HLT, which nothing would end.
	 * The loop may take several turns, because KVM wakes a vCPU for other
	 * reasons too.
	 */
	loop_begin OP_TIMER
	mov	BLK_COUNT + 8 * CNT_TIMER_FIRED(%r15), %rbx
	mov	$MSR_X2APIC_TMICT, %ecx
	mov	BLK_TIMER(%r15), %eax
	xor	%edx, %edx
	counted	CNT_TIMER
	wrmsr
3:	sti
.Lhalt:
	hlt
	counted	CNT_HALT
.Lhalted:
	cli
	cmp	%rbx, BLK_COUNT + 8 * CNT_TIMER_FIRED(%r15)
	je	3b
	loop_end

	counted	CNT_ROUNDS
	cmpq	$0, BLK_STOP(%r15)
	jne	5f
	mov	BLK_ROUNDS(%r15), %rax
	test	%rax, %rax
	jz	.Lround
	cmp	%rax, BLK_COUNT + 8 * CNT_ROUNDS(%r15)
	jb	.Lround
5:
	cmpq	$0, BLK_CRASH(%r15)
	je	6f
	ud2
6:	control	CTL_FINAL
	ud2

	.globl	guest_ipi
guest_ipi:
	counted	CNT_IPI_TAKEN
	jmp	7f

	.globl	guest_timer
guest_timer:
	counted	CNT_TIMER_FIRED
	lea	.Lhalt(%rip), %rax
	cmp	%rax, (%rsp)
	jne	7f
	lea	.Lhalted(%rip), %rax
	mov	%rax, (%rsp)
7:	mov	$MSR_X2APIC_EOI, %ecx
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
	iretq
guest_code_end:

	.section .note.GNU-stack, "", @progbits
