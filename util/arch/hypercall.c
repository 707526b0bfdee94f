// SPDX-License-Identifier: GPL-2.0
/* KVM_HC_* of include/uapi/linux/kvm_para.h. */
#include "util/arch/names.h"

#define NAME(number, name) [number] = "KVM_HC_" #name

static const char *const names[] = {
	NAME(1, VAPIC_POLL_IRQ),
	NAME(2, MMU_OP),
	NAME(3, FEATURES),
	NAME(4, PPC_MAP_MAGIC_PAGE),
	NAME(5, KICK_CPU),
	NAME(6, MIPS_GET_CLOCK_FREQ),
	NAME(7, MIPS_EXIT_VM),
	NAME(8, MIPS_CONSOLE_OUTPUT),
	NAME(9, CLOCK_PAIRING),
	NAME(10, SEND_IPI),
	NAME(11, SCHED_YIELD),
	NAME(12, MAP_GPA_RANGE),
};

const char *hypercall_name(u64 nr)
{
	return nr < ARRAY_SIZE(names) ? names[nr] : NULL;
}
