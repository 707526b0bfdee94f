/* SPDX-License-Identifier: GPL-2.0 */
/* The guest of tests/vmm.c. */
#ifndef KVMW_TESTS_VMM_CODE_H
#define KVMW_TESTS_VMM_CODE_H

#define CODE		0x1000		/* guest physical addresses */
#define HANDLER		0x1100
#define PARAM		0x2000		/* 16 bits each: how many CPUID, */
#define PARAM_ARM	(PARAM + 2)	/* WRMSR, */
#define PARAM_IRQ	(PARAM + 4)	/* interrupts */
#define TAKEN		(PARAM + 6)	/* interrupts that came */
#define STACK		0x3ff0

/* 16-bit real mode, at CODE. */
static const unsigned char code[] = {
	0x8b, 0x36, PARAM & 0xff, PARAM >> 8,	/*    mov si, [PARAM] */
	0x85, 0xf6,				/* 1: test si, si */
	0x74, 0x0b,				/*    jz 2f */
	0x66, 0x31, 0xc0,			/*    xor eax, eax */
	0x66, 0x31, 0xc9,			/*    xor ecx, ecx */
	0x0f, 0xa2,				/*    cpuid */
	0x4e,					/*    dec si */
	0xeb, 0xf1,				/*    jmp 1b */
	0x8b, 0x36, PARAM_ARM & 0xff, PARAM_ARM >> 8,	/* 2: mov si, [PARAM_ARM] */
	0x66, 0xb9, 0xe0, 0x06, 0x00, 0x00,	/*    mov ecx, IA32_TSC_DEADLINE */
	0x66, 0xba, 0xff, 0xff, 0xff, 0x00,	/*    mov edx, 0xffffff: in some years */
	0x85, 0xf6,				/* 3: test si, si */
	0x74, 0x05,				/*    jz 4f */
	0x0f, 0x30,				/*    wrmsr */
	0x4e,					/*    dec si */
	0xeb, 0xf7,				/*    jmp 3b */
	0xfa,					/* 4: cli */
	0xa1, TAKEN & 0xff, TAKEN >> 8,		/*    mov ax, [TAKEN] */
	0x3b, 0x06, PARAM_IRQ & 0xff, PARAM_IRQ >> 8,	/*    cmp ax, [PARAM_IRQ] */
	0x73, 0x04,				/*    jae 5f */
	0xfb,					/*    sti */
	0xf4,					/*    hlt */
	0xeb, 0xf2,				/*    jmp 4b */
	0xba, 0x10, 0x00,			/* 5: mov dx, 0x10 */
	0xee,					/*    out dx, al */
	0xeb, 0xc0,				/*    jmp 0 */
};

/* At CODE instead: writes to 64 KiB, a byte of each page, what is there, for ever. */
static const unsigned char walk_code[] = {
	0x80, 0x0c, 0x00,			/* 1: or byte [si], 0 */
	0x81, 0xc6, 0x00, 0x10,			/*    add si, 0x1000 */
	0xeb, 0xf7,				/*    jmp 1b */
};

static const unsigned char loop_code[] = { 0xeb, 0xfe };	/* jmp to itself */
/* mov dx, 0x10; out dx, al */
static const unsigned char smi_code[] = { 0xba, 0x10, 0x00, 0xee };

/* At HANDLER: of an interrupt. */
static const unsigned char handler[] = {
	0x66, 0x50, 0x66, 0x51, 0x66, 0x52,	/* push eax, ecx, edx */
	0x66, 0xb9, 0x0b, 0x08, 0x00, 0x00,	/* mov ecx, the x2APIC's EOI register */
	0x66, 0x31, 0xc0, 0x66, 0x31, 0xd2,	/* xor eax, eax; xor edx, edx */
	0x0f, 0x30,				/* wrmsr */
	0xff, 0x06, TAKEN & 0xff, TAKEN >> 8,	/* inc word [TAKEN] */
	0x66, 0x5a, 0x66, 0x59, 0x66, 0x58,	/* pop edx, ecx, eax */
	0xcf,					/* iret */
};

#endif
