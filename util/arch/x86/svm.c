// SPDX-License-Identifier: GPL-2.0
/*
 * SVM exit codes: AMD APM vol. 2, appendix C; the software-defined ones of SEV-ES:
 * the GHCB specification.  The names are those that the kernel's trace events and perf print,
 * except for "tr", which both misspell as "rt".
 */
#include "util/arch/isa.h"

static const struct code {
	u32 code;
	const char *name;
} codes[] = {
	/* Reads and writes of CR0-15 and DR0-15 and exceptions: see below. */
	{ 0x060, "interrupt" },
	{ 0x061, "nmi" },
	{ 0x062, "smi" },
	{ 0x063, "init" },
	{ 0x064, "vintr" },
	{ 0x065, "cr0_sel_write" },
	{ 0x066, "read_idtr" },
	{ 0x067, "read_gdtr" },
	{ 0x068, "read_ldtr" },
	{ 0x069, "read_tr" },
	{ 0x06a, "write_idtr" },
	{ 0x06b, "write_gdtr" },
	{ 0x06c, "write_ldtr" },
	{ 0x06d, "write_tr" },
	{ 0x06e, "rdtsc" },
	{ 0x06f, "rdpmc" },
	{ 0x070, "pushf" },
	{ 0x071, "popf" },
	{ 0x072, "cpuid" },
	{ 0x073, "rsm" },
	{ 0x074, "iret" },
	{ 0x075, "swint" },
	{ 0x076, "invd" },
	{ 0x077, "pause" },
	{ 0x078, "hlt" },
	{ 0x079, "invlpg" },
	{ 0x07a, "invlpga" },
	{ 0x07b, "io" },
	{ 0x07c, "msr" },
	{ 0x07d, "task_switch" },
	{ 0x07e, "ferr_freeze" },
	{ 0x07f, "shutdown" },
	{ 0x080, "vmrun" },
	{ 0x081, "hypercall" },
	{ 0x082, "vmload" },
	{ 0x083, "vmsave" },
	{ 0x084, "stgi" },
	{ 0x085, "clgi" },
	{ 0x086, "skinit" },
	{ 0x087, "rdtscp" },
	{ 0x088, "icebp" },
	{ 0x089, "wbinvd" },
	{ 0x08a, "monitor" },
	{ 0x08b, "mwait" },
	{ 0x08c, "mwait_cond" },
	{ 0x08d, "xsetbv" },
	{ 0x08e, "rdpru" },
	{ 0x08f, "write_efer_trap" },
	/* 0x090-0x09f: traps after writes of CR0-15, see below. */
	{ 0x0a0, "invlpgb" },
	{ 0x0a1, "illegal_invlpgb" },
	{ 0x0a2, "invpcid" },
	{ 0x0a3, "mcommit" },
	{ 0x0a4, "tlbsync" },
	{ 0x0a5, "buslock" },
	{ 0x0a6, "idle-halt" },
	{ 0x400, "npf" },
	{ 0x401, "avic_incomplete_ipi" },
	{ 0x402, "avic_unaccelerated_access" },
	{ 0x403, "vmgexit" },
	{ 0x80000001, "vmgexit_mmio_read" },
	{ 0x80000002, "vmgexit_mmio_write" },
	{ 0x80000003, "vmgexit_nmi_complete" },
	{ 0x80000004, "vmgexit_ap_hlt_loop" },
	{ 0x80000005, "vmgexit_ap_jump_table" },
	{ 0x80000010, "vmgexit_page_state_change" },
	{ 0x80000011, "vmgexit_guest_request" },
	{ 0x80000012, "vmgexit_ext_guest_request" },
	{ 0x80000013, "vmgexit_ap_creation" },
	{ 0x8000fffd, "vmgexit_hypervisor_feature" },
	{ 0x8000fffe, "vmgexit_term_request" },
	{ 0x8000ffff, "vmgexit_unsupported_event" },
	{ 0xf0000000, "software" },
	/* VMEXIT_INVALID is -1. */
	{ 0xffffffff, "invalid_guest_state" },
};

#define SIXTEEN(pre, post) \
	pre "0" post, pre "1" post, pre "2" post, pre "3" post, pre "4" post, pre "5" post, \
	pre "6" post, pre "7" post, pre "8" post, pre "9" post, pre "10" post, pre "11" post, \
	pre "12" post, pre "13" post, pre "14" post, pre "15" post

static const char *const registers[] = {
	SIXTEEN("read_cr", ""), SIXTEEN("write_cr", ""),
	SIXTEEN("read_dr", ""), SIXTEEN("write_dr", ""),
};

static const char *const traps[] = { SIXTEEN("write_cr", "_trap") };

static const char *const exceptions[32] = {
	[0] = "DE excp", [1] = "DB excp", [3] = "BP excp",
	[4] = "OF excp", [5] = "BR excp", [6] = "UD excp", [7] = "NM excp",
	[8] = "DF excp", [10] = "TS excp", [11] = "NP excp",
	[12] = "SS excp", [13] = "GP excp", [14] = "PF excp", [16] = "MF excp",
	[17] = "AC excp", [18] = "MC excp", [19] = "XF excp", [21] = "CP excp",
	[28] = "HV excp", [29] = "VC excp", [30] = "SX excp",
};

static const char *svm_reason(u32 code)
{
	if (code < 0x40)
		return registers[code];
	if (code < 0x60)
		return exceptions[code - 0x40];
	if (code >= 0x90 && code < 0xa0)
		return traps[code - 0x90];
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i].code == code)
			return codes[i].name;
	return NULL;
}

const struct isa isa_svm = { .name = "SVM", .reason = svm_reason };
