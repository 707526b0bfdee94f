/* SPDX-License-Identifier: GPL-2.0 */
/* x86's part of the recorder's tables: util/arch/arch.h. */
#ifndef KVMW_X86_RECORDER_H
#define KVMW_X86_RECORDER_H

#define ARCH_KVM_MODULES	"kvm_intel or kvm_amd"
#define ARCH_CPU_MODEL		"model name"
#define ARCH_NR_SYMBOLS		2
#define ARCH_MAX_CALL		7

/* SVM leaves the fields of kvm_exit in memory, so no trace record needs to be built. */
#define ARCH_EXIT_METHODS						\
	{ "exit_svm", ATTACH_TP_BTF, "kvm", "kvm_exit", "kvm_amd" },

/* When kvm_entry began to show all entries: bpf_skel/x86/exit_reenter.bpf.c. */
#define SINCE_ALL_ENTRIES	KERNEL_VERSION(5, 12, 0)

#define ARCH_PROBE_IDS							\
	PROBE_REENTER, PROBE_FAST_MMIO, PROBE_FAULT_GPA, PROBE_HV_HYPERCALL, PROBE_NESTED_EXIT, \
	PROBE_CPUID_LEAF, PROBE_MSR_INDEX, PROBE_HYPERCALL_NR

#define ARCH_EXIT_PROBES						\
	(BIT(PROBE_FAST_MMIO) | BIT(PROBE_FAULT_GPA) | BIT(PROBE_HV_HYPERCALL) | \
	 BIT(PROBE_REENTER) | BIT(PROBE_NESTED_EXIT) |			\
	 BIT(PROBE_CPUID_LEAF) | BIT(PROBE_MSR_INDEX) | BIT(PROBE_HYPERCALL_NR))

/* The last three: what KVM's BTF lets the programs read in the guest's registers. */
#define ARCH_PROBES							\
	[PROBE_REENTER] = {						\
		.what = "VM entries of fast paths",			\
		.before = SINCE_ALL_ENTRIES,				\
		.methods = { { "exit_reenter", ATTACH_KPROBE, NULL, "kvm_load_guest_xsave_state", \
			       "kvm_intel" } },				\
	},								\
	[PROBE_FAST_MMIO] = {						\
		.what = "MMIO to an ioeventfd",				\
		.methods = { { "fast_mmio", ATTACH_TP, "kvm", "kvm_fast_mmio", "kvm_intel" } }, \
	},								\
	[PROBE_FAULT_GPA] = {						\
		.what = "addresses of EPT violations",			\
		.methods = { { "detail_fault", ATTACH_TP, "kvm", "kvm_page_fault", "kvm_intel" } }, \
	},								\
	[PROBE_HV_HYPERCALL] = {					\
		.what = "Hyper-V hypercall numbers",			\
		.methods = { { "detail_hv_hypercall", ATTACH_TP, "kvm", "kvm_hv_hypercall", NULL } }, \
	},								\
	[PROBE_NESTED_EXIT] = {						\
		.what = "exits of nested guests",			\
		.without = "exits of nested guests are not told apart",	\
		.methods = { { "detail_nested", ATTACH_TP, "kvm", "kvm_nested_vmexit", NULL } }, \
	},								\
	[PROBE_CPUID_LEAF] = {						\
		.what = "CPUID leaves",					\
		.stands_in = PROBE_ENTRY,				\
		.methods = { { "detail_cpuid", ATTACH_TP, "kvm", "kvm_cpuid", NULL } }, \
	},								\
	[PROBE_MSR_INDEX] = {						\
		.what = "MSRs accessed",				\
		.stands_in = PROBE_ENTRY,				\
		.methods = { { "detail_msr", ATTACH_TP, "kvm", "kvm_msr", NULL } }, \
	},								\
	[PROBE_HYPERCALL_NR] = {					\
		.what = "hypercall numbers",			\
		.stands_in = PROBE_ENTRY,				\
		.methods = { { "detail_hypercall", ATTACH_TP, "kvm", "kvm_hypercall", NULL } }, \
	},

#define ARCH_LAYOUTS							\
	{ "kvm_fast_mmio", "gpa", 8, 8 },				\
	{ "kvm_cpuid", "function", 8, 4 },				\
	{ "kvm_msr", "write", 8, 4 },					\
	{ "kvm_msr", "ecx", 12, 4 },					\
	{ "kvm_hypercall", "nr", 8, 8 },				\
	{ "kvm_hv_hypercall", "code", 32, 2 },

#endif
