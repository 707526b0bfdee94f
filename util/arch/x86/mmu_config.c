// SPDX-License-Identifier: GPL-2.0
#include <linux/version.h>
#include <stdio.h>
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
 * interrupt that the CPU delivers is not told from one that KVM will inject.
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
