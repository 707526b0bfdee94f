// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "util/arch/reason.h"
#include "util/events.h"

const char *isa_name(u32 isa)
{
	static const char *const names[] = {
		[KVMW_ISA_NONE] = "KVM", [KVMW_ISA_VMX] = "VMX", [KVMW_ISA_SVM] = "SVM",
	};

	return isa < ARRAY_SIZE(names) ? names[isa] : NULL;
}

const char *reason_known(u32 isa, u32 number)
{
	switch (isa) {
	case KVMW_ISA_NONE:
		return kvm_exit_reason(number);
	case KVMW_ISA_VMX:
		return vmx_reason(number);
	case KVMW_ISA_SVM:
		return svm_reason(number);
	default:
		return NULL;
	}
}

const char *reason_name(u32 isa, u32 reason, char *buf, size_t size)
{
	u32 number = isa == KVMW_ISA_VMX ? reason & 0xffff : reason;
	const char *name = reason_known(isa, number), *set = isa_name(isa);

	if (reason == KVMW_REASON_OTHER)
		name = "(other)";
	if (name)
		snprintf(buf, size, "%s", name);
	else if (isa == KVMW_ISA_NONE)
		snprintf(buf, size, "KVM_EXIT %u", number);
	else if (set)
		snprintf(buf, size, "%s 0x%x", set, number);
	else
		snprintf(buf, size, "isa %u 0x%x", isa, number);
	if (isa == KVMW_ISA_VMX && reason != KVMW_REASON_OTHER)
		vmx_reason_flags(reason, buf, size);
	return buf;
}
