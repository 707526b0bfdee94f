// SPDX-License-Identifier: GPL-2.0
/*
 * CPUID leaves: Intel SDM vol. 2A, CPUID; AMD APM vol. 3, appendix E.  The leaves of hypervisors:
 * Documentation/virt/kvm/x86/cpuid.rst, Hyper-V's Top Level Functional Specification, the kernel's
 * arch/x86/include/asm/xen/cpuid.h.  If a guest is offered Hyper-V's leaves at 0x40000000, KVM's
 * are at 0x40000100, and both have their features in the second one.
 */
#include "util/arch/names.h"
#include "util/arch/x86/names/table.h"

static const struct name leaves[] = {
	NAME(0x0, "vendor"),
	NAME(0x1, "model, features"),
	NAME(0x2, "cache descriptors"),
	NAME(0x3, "serial number"),
	NAME(0x4, "caches"),
	NAME(0x5, "MONITOR/MWAIT"),
	NAME(0x6, "thermal, power"),
	NAME(0x7, "extended features"),
	NAME(0x9, "direct cache access"),
	NAME(0xa, "PMU"),
	NAME(0xb, "extended topology"),
	NAME(0xd, "XSAVE"),
	NAME(0xf, "RDT monitoring"),
	NAME(0x10, "RDT allocation"),
	NAME(0x12, "SGX"),
	NAME(0x14, "processor trace"),
	NAME(0x15, "TSC frequency"),
	NAME(0x16, "CPU frequency"),
	NAME(0x17, "SoC vendor"),
	NAME(0x18, "TLB"),
	NAME(0x19, "key locker"),
	NAME(0x1a, "hybrid core type"),
	NAME(0x1b, "PCONFIG"),
	NAME(0x1c, "last branch records"),
	NAME(0x1d, "AMX tiles"),
	NAME(0x1e, "AMX TMUL"),
	NAME(0x1f, "extended topology v2"),
	NAME(0x20, "history reset"),
	NAME(0x21, "TDX"),
	NAME(0x23, "PMU, extended"),
	NAME(0x24, "AVX10"),
	NAME(0x40000000, "hypervisor vendor"),
	NAME(0x40000001, "hypervisor features"),
	NAME(0x40000002, "Hyper-V version"),
	NAME(0x40000003, "Hyper-V features"),
	NAME(0x40000004, "Hyper-V hints"),
	NAME(0x40000005, "Hyper-V limits"),
	NAME(0x40000006, "Hyper-V hardware"),
	NAME(0x40000007, "Hyper-V CPU management"),
	NAME(0x40000008, "Hyper-V SVM features"),
	NAME(0x4000000a, "Hyper-V nested features"),
	NAME(0x4000000c, "Hyper-V isolation"),
	NAME(0x40000010, "hypervisor TSC frequency"),
	NAMES(0x40000080, 0x40000082, "Hyper-V debugger"),
	NAME(0x40000100, "KVM vendor"),
	NAME(0x40000101, "KVM features"),
	NAME(0x80000000, "AMD vendor"),
	NAME(0x80000001, "AMD features"),
	NAMES(0x80000002, 0x80000004, "brand string"),
	NAME(0x80000005, "AMD L1 caches, TLBs"),
	NAME(0x80000006, "AMD L2, L3 caches"),
	NAME(0x80000007, "power, invariant TSC"),
	NAME(0x80000008, "address sizes"),
	NAME(0x8000000a, "SVM features"),
	NAME(0x80000019, "AMD 1 GiB TLBs"),
	NAME(0x8000001a, "AMD performance hints"),
	NAME(0x8000001b, "AMD IBS"),
	NAME(0x8000001c, "AMD LWP"),
	NAME(0x8000001d, "AMD caches"),
	NAME(0x8000001e, "AMD topology"),
	NAME(0x8000001f, "AMD memory encryption"),
	NAME(0x80000020, "AMD QoS"),
	NAME(0x80000021, "AMD features 2"),
	NAME(0x80000022, "AMD PMU"),
	NAME(0x80000023, "AMD multi-key encryption"),
	NAME(0x80000026, "AMD extended topology"),
};

const struct name_table cpuid_table = NAME_TABLE("CPUID leaves", leaves);

const char *cpuid_name(u64 leaf)
{
	return name_table__find(&cpuid_table, leaf, false);
}
