// SPDX-License-Identifier: GPL-2.0
/*
 * Intel SDM volume 2, AMD APM volume 3: opcodes.  Documentation/arch/x86/x86_64/mm.rst: where the
 * kernel is; arch/x86/boot/compressed/kaslr.c: it is moved by multiples of CONFIG_PHYSICAL_ALIGN,
 * which is 2 MiB at least.
 */
#include <string.h>

#include "util/arch/exit_code.h"
#include "util/arch/reason.h"
#include "util/events.h"

const struct kernel_range guest_kernel_range = {
	.from = 0xffffffff80000000ULL, .to = 0xffffffffc0000000ULL, .step = 2 << 20,
};

/* Those with opcodes of more than a byte. */
static const struct opcode {
	u32 detail_kind;
	u8 nr, byte[3];
} opcodes[] = {
	{ KVMW_DETAIL_MSR_READ, 2, { 0x0f, 0x32 } },
	{ KVMW_DETAIL_MSR_WRITE, 2, { 0x0f, 0x30 } },
	{ KVMW_DETAIL_CPUID, 2, { 0x0f, 0xa2 } },
	{ KVMW_DETAIL_CR_READ, 2, { 0x0f, 0x20 } },
	{ KVMW_DETAIL_CR_WRITE, 2, { 0x0f, 0x22 } },
	{ KVMW_DETAIL_HYPERCALL, 3, { 0x0f, 0x01, 0xc1 } },
	{ KVMW_DETAIL_HYPERCALL, 3, { 0x0f, 0x01, 0xd9 } },
};

#define HLT		0xf4
#define HLT_BITS	8
#define PORT_BITS	5	/* 6 of 256 opcodes */

static bool is_port_in(u8 op)
{
	return op == 0xe4 || op == 0xe5 || op == 0xec || op == 0xed || op == 0x6c || op == 0x6d;
}

static bool is_prefix(u8 byte)
{
	return byte == 0x66 || byte == 0xf2 || byte == 0xf3;
}

/* OUT is IN with another bit. */
static u32 port_fits(bool out, const u8 *code, size_t size)
{
	for (; size && is_prefix(*code); size--)
		code++;
	return size && is_port_in(out ? *code ^ 2 : *code) ? PORT_BITS : 0;
}

bool exit_code__is_known(u32 isa, u32 reason, u32 detail_kind)
{
	if (detail_kind == KVMW_DETAIL_PIO_IN || detail_kind == KVMW_DETAIL_PIO_OUT)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++)
		if (opcodes[i].detail_kind == detail_kind)
			return true;
	return reason_is(isa, reason, "hlt");
}

u32 exit_code__fits(u32 isa, u32 reason, u32 detail_kind, const u8 *code, size_t size)
{
	if (detail_kind == KVMW_DETAIL_PIO_IN || detail_kind == KVMW_DETAIL_PIO_OUT)
		return port_fits(detail_kind == KVMW_DETAIL_PIO_OUT, code, size);
	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++)
		if (opcodes[i].detail_kind == detail_kind && opcodes[i].nr <= size &&
		    !memcmp(code, opcodes[i].byte, opcodes[i].nr))
			return 8 * opcodes[i].nr;
	return size && *code == HLT && reason_is(isa, reason, "hlt") ? HLT_BITS : 0;
}
