// SPDX-License-Identifier: GPL-2.0
/*
 * The APIC's interrupt command register: Intel SDM vol. 3A, "Issuing Interprocessor Interrupts",
 * and for the x2APIC "ICR Operation in x2APIC Mode", "Logical Destination Mode in x2APIC Mode"; AMD
 * APM vol. 2, 16.5 and 16.11.  KVM gives a vCPU its number as its x2APIC id
 * (kvm_apic_set_x2apic_id(), arch/x86/kvm/lapic.c).
 */
#include <stdio.h>
#include <string.h>

#include "util/arch/names.h"

const char *icr_name(u64 icr, char *buf, size_t size)
{
	static const char *const modes[] = {
		"vector", "lowest priority", "SMI", "remote read", "NMI", "INIT", "SIPI", "ExtINT",
	};
	static const char *const shorthands[] = { "", " to self", " to all", " to others" };
	u32 mode = icr >> 8 & 7, shorthand = icr >> 18 & 3, vector = icr & 0xff;
	char number[8] = "";

	/* Where the vector is one, or the page at which a CPU starts. */
	if (mode <= 1 || mode == 6)
		snprintf(number, sizeof(number), " 0x%x", vector);
	snprintf(buf, size, "%s%s%s", modes[mode], number, shorthands[shorthand]);
	return buf;
}

#define MSR_X2APIC_ICR	0x830
#define MSR_HV_ICR	0x40000071
#define ICR_COMMAND	0xfff		/* vector, mode, logical destination */
#define ICR_LOGICAL	0x800
#define TO_ALL		0xffffffffU
#define MAX_LISTED	4		/* destinations */

/* A group: ICR_COMMAND, the shorthand, flags; from bit 16 on the destination. */
#define GROUP_SHORTHAND	12
#define GROUP_FOREIGN	(1U << 14)
#define GROUP_X2APIC	(1U << 15)
#define GROUP_HV	(1ULL << 47)

u64 written_group(u64 msr, u64 value, bool foreign)
{
	u64 group = (value & ICR_COMMAND) | (value >> 18 & 3) << GROUP_SHORTHAND;

	/* All ones: unknown. */
	if (value == UINT64_MAX || (msr != MSR_X2APIC_ICR && msr != MSR_HV_ICR))
		return 0;
	/* Hyper-V's register is the APIC's, whose destinations are in the guest's hands. */
	if (msr == MSR_HV_ICR)
		return group | GROUP_HV;
	if (value >> 18 & 3)
		return group | GROUP_X2APIC;
	return group | GROUP_X2APIC | (foreign ? GROUP_FOREIGN : 0) | value >> 32 << 16;
}

/* The ids of a destination; 0: all. */
static u32 icr__ids(u32 to, bool logical, u32 *id)
{
	u32 nr = 0;

	if (to == TO_ALL)
		return 0;
	if (!logical) {
		id[0] = to;
		return 1;
	}
	for (u32 i = 0; i < 16; i++)
		if (to >> i & 1)
			id[nr++] = (to >> 16) * 16 + i;
	return nr;
}

const char *written_name(u64 group, bool (*is_vcpu)(const void *arg, u32 number), const void *arg,
			 char *buf, size_t size)
{
	u32 id[16], nr, to = group >> 16;
	bool vcpus = !(group & GROUP_FOREIGN);
	size_t len;

	if (!group)
		return NULL;
	len = snprintf(buf, size, "ICR: %s", (group >> 8 & 7) ? "" : "IPI ");
	icr_name((group & ICR_COMMAND) | (group >> GROUP_SHORTHAND & 3) << 18, buf + len,
		 size - len);
	if (!(group & GROUP_X2APIC) || group >> GROUP_SHORTHAND & 3)
		return buf;
	nr = icr__ids(to, group & ICR_LOGICAL, id);
	for (u32 i = 0; i < nr; i++)
		vcpus &= is_vcpu(arg, id[i]);
	len = strlen(buf);
	if (!nr)
		snprintf(buf + len, size - len, to == TO_ALL ? " to all" : " to none");
	else if (nr > MAX_LISTED)
		snprintf(buf + len, size - len, " to %u APICs, mask 0x%x", nr, to);
	else
		for (u32 i = 0; i < nr; i++, len = strlen(buf))
			snprintf(buf + len, size - len, "%s%u",
				 i ? "," : vcpus ? nr > 1 ? " to vCPUs " : " to vCPU " :
				 nr > 1 ? " to APIC ids " : " to APIC id ", id[i]);
	return buf;
}
