// SPDX-License-Identifier: GPL-2.0
/*
 * VMX basic exit reasons: Intel SDM vol. 3D, appendix C, under the names of the
 * kernel's asm/vmx.h (perf prints the same ones) where it has one.
 */
#include <stdio.h>
#include <string.h>

#include "util/arch/isa.h"

static const char *const names[] = {
	[0] = "EXCEPTION_NMI",
	[1] = "EXTERNAL_INTERRUPT",
	[2] = "TRIPLE_FAULT",
	[3] = "INIT_SIGNAL",
	[4] = "SIPI_SIGNAL",
	[5] = "IO_SMI",
	[6] = "OTHER_SMI",
	[7] = "INTERRUPT_WINDOW",
	[8] = "NMI_WINDOW",
	[9] = "TASK_SWITCH",
	[10] = "CPUID",
	[11] = "GETSEC",
	[12] = "HLT",
	[13] = "INVD",
	[14] = "INVLPG",
	[15] = "RDPMC",
	[16] = "RDTSC",
	[17] = "RSM",
	[18] = "VMCALL",
	[19] = "VMCLEAR",
	[20] = "VMLAUNCH",
	[21] = "VMPTRLD",
	[22] = "VMPTRST",
	[23] = "VMREAD",
	[24] = "VMRESUME",
	[25] = "VMWRITE",
	[26] = "VMOFF",
	[27] = "VMON",
	[28] = "CR_ACCESS",
	[29] = "DR_ACCESS",
	[30] = "IO_INSTRUCTION",
	[31] = "MSR_READ",
	[32] = "MSR_WRITE",
	[33] = "INVALID_STATE",
	[34] = "MSR_LOAD_FAIL",
	[36] = "MWAIT_INSTRUCTION",
	[37] = "MONITOR_TRAP_FLAG",
	[39] = "MONITOR_INSTRUCTION",
	[40] = "PAUSE_INSTRUCTION",
	[41] = "MCE_DURING_VMENTRY",
	[43] = "TPR_BELOW_THRESHOLD",
	[44] = "APIC_ACCESS",
	[45] = "EOI_INDUCED",
	[46] = "GDTR_IDTR",
	[47] = "LDTR_TR",
	[48] = "EPT_VIOLATION",
	[49] = "EPT_MISCONFIG",
	[50] = "INVEPT",
	[51] = "RDTSCP",
	[52] = "PREEMPTION_TIMER",
	[53] = "INVVPID",
	[54] = "WBINVD",
	[55] = "XSETBV",
	[56] = "APIC_WRITE",
	[57] = "RDRAND",
	[58] = "INVPCID",
	[59] = "VMFUNC",
	[60] = "ENCLS",
	[61] = "RDSEED",
	[62] = "PML_FULL",
	[63] = "XSAVES",
	[64] = "XRSTORS",
	[65] = "PCONFIG",
	[66] = "SPP",
	[67] = "UMWAIT",
	[68] = "TPAUSE",
	[69] = "LOADIWKEY",
	[70] = "ENCLV",
	[72] = "ENQCMD_PASID",
	[73] = "ENQCMDS_PASID",
	[74] = "BUS_LOCK",
	[75] = "NOTIFY",
	[76] = "SEAMCALL",
	[77] = "TDCALL",
	[78] = "RDMSRLIST",
	[79] = "WRMSRLIST",
	[84] = "MSR_READ_IMM",
	[85] = "MSR_WRITE_IMM",
};

/* SDM vol. 3C, "Format of Exit Reason in Basic VM-Exit Information". */
static const struct {
	u32 bit;
	const char *name;
} flags[] = {
	{ 1u << 31, "FAILED_VMENTRY" },
	{ 1u << 29, "VMX_ROOT" },
	{ 1u << 28, "PENDING_MTF" },
	{ 1u << 27, "SGX_ENCLAVE_MODE" },
	{ 1u << 26, "BUS_LOCK" },
	{ 1u << 25, "SHADOW_STACK_BUSY" },
};

/* Bits that VMX leaves at 0: with one of them set it is the number of another KVM, as PVM's. */
#define VMX_RESERVED	(0x01ff0000 | 1u << 30)

static const char *vmx_reason(u32 basic)
{
	return basic < ARRAY_SIZE(names) ? names[basic] : NULL;
}

static void vmx_reason_flags(u32 reason, char *buf, size_t size)
{
	size_t len = strlen(buf);

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (!(reason & flags[i].bit))
			continue;
		snprintf(buf + len, size - len, "|%s", flags[i].name);
		len += strlen(buf + len);
	}
}

/* The short words of SVM, where they mean the same: they serve on both. */
static const struct reason_word words[] = {
	{ "interrupt", 1 }, { "vintr", 7 }, { "hypercall", 18 }, { "io", 30 }, { "msr", 31 },
	{ "msr", 32 }, { "mwait", 36 }, { "monitor", 39 }, { "pause", 40 }, { "npf", 48 },
	{ "npf", 49 },
	{ NULL, 0 },
};

const struct isa isa_vmx = {
	.name = "VMX",
	.words = words,
	.number_mask = 0xffff,
	.reserved = VMX_RESERVED,
	.reason = vmx_reason,
	.flags = vmx_reason_flags,
};
