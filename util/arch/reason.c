// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "util/arch/isa.h"
#include "util/arch/reason.h"
#include "util/events.h"

static const struct isa *const isas[] = {
	[KVMW_ISA_NONE] = &isa_kvm, [KVMW_ISA_VMX] = &isa_vmx, [KVMW_ISA_SVM] = &isa_svm,
};

static const struct isa *find_isa(u32 isa)
{
	return isa < ARRAY_SIZE(isas) ? isas[isa] : NULL;
}

const char *reason_known(u32 isa, u32 number)
{
	const struct isa *found = find_isa(isa);

	return found ? found->reason(number) : NULL;
}

const char *isa_name(u32 isa)
{
	const struct isa *found = find_isa(isa);

	return found ? found->name : NULL;
}

const char *isa_examples(u32 isa)
{
	const struct isa *found = find_isa(isa);

	return found ? found->examples : "";
}

const char *reason_name(u32 isa, u32 reason, char *buf, size_t size)
{
	const struct isa *found = find_isa(isa);
	u32 number = found && found->number_mask ? reason & found->number_mask : reason;
	const char *name = reason_known(isa, number);

	if (reason == KVMW_REASON_OTHER) {
		snprintf(buf, size, "(other)");
		return buf;
	}
	if (found && reason & found->reserved) {
		snprintf(buf, size, "0x%x", reason);
		return buf;
	}
	if (name)
		snprintf(buf, size, "%s", name);
	else if (isa == KVMW_ISA_NONE)
		snprintf(buf, size, "KVM_EXIT %u", number);
	else if (found)
		snprintf(buf, size, "%s 0x%x", found->name, number);
	else
		snprintf(buf, size, "isa %u 0x%x", isa, number);
	if (found && found->flags)
		found->flags(reason, buf, size);
	return buf;
}
