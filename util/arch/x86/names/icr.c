// SPDX-License-Identifier: GPL-2.0
/*
 * The APIC's interrupt command register: Intel SDM vol. 3A, "Issuing Interprocessor Interrupts";
 * AMD APM vol. 2, 16.5.
 */
#include <stdio.h>

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
