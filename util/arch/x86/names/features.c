// SPDX-License-Identifier: GPL-2.0
/*
 * Features that a hypervisor offers to its guest.  KVM: Documentation/virt/kvm/x86/cpuid.rst of the
 * kernel.  Hyper-V: Hypervisor Top Level Functional Specification, "Feature Discovery"; EDX of leaf
 * 0x40000003 from bit 32 on.
 */
#include "util/arch/names.h"
#include "util/array.h"

static const char *const of_kvm[] = {
	[0] = "kvmclock (old MSRs)", [1] = "no I/O delay", [2] = "MMU hypercalls", [3] = "kvmclock",
	[4] = "async PF", [5] = "steal time", [6] = "PV EOI", [7] = "PV unhalt", [9] = "PV TLB flush",
	[10] = "async PF as exit", [11] = "PV IPI", [12] = "poll control", [13] = "PV yield",
	[14] = "async PF interrupt", [15] = "MSI extended destination", [16] = "map GPA range",
	[17] = "migration control", [24] = "stable kvmclock",
};

static const char *const of_hyperv[] = {
	[0] = "VP runtime", [1] = "reference counter", [2] = "SynIC", [3] = "synthetic timers",
	[4] = "APIC MSRs", [5] = "hypercalls", [6] = "VP index", [7] = "reset", [9] = "reference TSC",
	[10] = "guest idle", [11] = "frequency MSRs", [13] = "reenlightenment",
	[32 + 10] = "crash MSRs", [32 + 19] = "direct synthetic timers",
};

static const char *const hints_of_hyperv[] = {
	[1] = "local TLB flush", [2] = "remote TLB flush", [3] = "APIC MSRs advised", [5] = "relaxed timing",
	[9] = "no AutoEOI", [10] = "cluster IPI", [11] = "sparse processor masks",
	[14] = "enlightened VMCS",
};

const char *feature_name(enum feature_word word, u32 bit)
{
	static const struct { const char *const *name; u32 nr; } words[NR_FEATURE_WORDS] = {
		[FEATURES_KVM] = { of_kvm, ARRAY_SIZE(of_kvm) },
		[FEATURES_HYPERV] = { of_hyperv, ARRAY_SIZE(of_hyperv) },
		[HINTS_HYPERV] = { hints_of_hyperv, ARRAY_SIZE(hints_of_hyperv) },
	};

	return bit < words[word].nr ? words[word].name[bit] : NULL;
}
