// SPDX-License-Identifier: GPL-2.0
#include <linux/version.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/arch/arch.h"

/* Whether a module parameter is Y or 1. */
static bool is_on(const char *path)
{
	FILE *fp = fopen(path, "re");
	int c = fp ? getc(fp) : EOF;

	if (fp)
		fclose(fp);
	return c == 'Y' || c == '1';
}

/*
 * Bits of a physical address, without those used by memory encryption, which the kernel does
 * not count in /proc/cpuinfo.
 */
static u32 address_bits(void)
{
	FILE *fp = fopen("/proc/cpuinfo", "re");
	char line[4096];
	u32 bits = 52;

	while (fp && fgets(line, sizeof(line), fp))
		if (sscanf(line, "address sizes : %u bits physical", &bits) == 1)
			break;
	if (fp)
		fclose(fp);
	return bits > 12 && bits <= 52 ? bits : 52;
}

/*
 * 8e819d75cbcf ("KVM: x86: add a tracepoint for APICv/AVIC interrupt delivery"): before, an
 * interrupt that the CPU delivers looks like one that KVM will inject.
 */
#define SINCE_APICV_ACCEPT	KERNEL_VERSION(5, 17, 0)

bool arch__delivers_untold(u32 kernel_version)
{
	return kernel_version < SINCE_APICV_ACCEPT &&
	       (is_on("/sys/module/kvm_intel/parameters/enable_apicv") ||
		is_on("/sys/module/kvm_amd/parameters/avic"));
}

void arch__read_mmu(struct kvmw_config *config)
{
	bool ept = is_on("/sys/module/kvm_intel/parameters/ept");

	config->fault.direct = ept || is_on("/sys/module/kvm_amd/parameters/npt");
	config->arch.qualification = ept;
	config->fault.pfn_mask = (1ull << address_bits()) - 1 - 0xfff;
}

/* The kernel's names (arch/x86/kvm/mmu/mmu_internal.h), and ours. */
static const struct { const char *name; u8 number; } ret_pfs[] = {
	{ "RET_PF_RETRY", KVMW_RET_PF_RETRY }, { "RET_PF_EMULATE", KVMW_RET_PF_EMULATE },
	{ "RET_PF_INVALID", KVMW_RET_PF_INVALID }, { "RET_PF_FIXED", KVMW_RET_PF_FIXED },
	{ "RET_PF_SPURIOUS", KVMW_RET_PF_SPURIOUS }, { "RET_PF_CONTINUE", KVMW_RET_PF_CONTINUE },
	{ "RET_PF_WRITE_PROTECTED", KVMW_RET_PF_WRITE_PROTECTED },
};

u8 arch__ret_pf(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(ret_pfs); i++)
		if (!strcmp(ret_pfs[i].name, name))
			return ret_pfs[i].number;
	return KVMW_RET_PF_OTHER;
}

/*
 * 36e68442d1af ("bpf: Load and verify kernel module BTFs"), 5.11: until then modules have no BTF,
 * and the numbers are those of c4371c2a682e ("KVM: x86/mmu: Return unique RET_PF_* values if the
 * fault was fixed"), 5.10.
 */
static const u8 ret_pf_5_10[] = {
	KVMW_RET_PF_RETRY, KVMW_RET_PF_EMULATE, KVMW_RET_PF_INVALID, KVMW_RET_PF_FIXED,
	KVMW_RET_PF_SPURIOUS,
};

bool arch__ret_pf_by_version(u32 kernel_version, u8 *ret_pf)
{
	if (kernel_version >= KERNEL_VERSION(5, 11, 0))
		return false;
	memset(ret_pf, KVMW_RET_PF_OTHER, KVMW_MAX_RET_PF);
	memcpy(ret_pf, ret_pf_5_10, sizeof(ret_pf_5_10));
	return true;
}
