/* SPDX-License-Identifier: GPL-2.0 */
/* x86's part of the recorder's tables: util/arch/arch.h. */
#ifndef KVMW_X86_RECORDER_H
#define KVMW_X86_RECORDER_H

#define ARCH_KVM_MODULES	"kvm_intel or kvm_amd"
#define ARCH_CPU_MODEL		"model name"
#define ARCH_NR_SYMBOLS		2
#define ARCH_SYMBOLS_STRUCT	"pcpu_hot"
#define ARCH_RET_PF		"RET_PF_RETRY"
#define ARCH_MAX_CALL		7
#define ARCH_AUDIT	AUDIT_ARCH_X86_64

/* SVM leaves the fields of kvm_exit in memory, so no trace record needs to be built. */
#define ARCH_EXIT_METHODS						\
	{ "exit_svm", ATTACH_TP_BTF, "kvm", "kvm_exit", "kvm_amd" },

/* When kvm_entry began to show all entries: bpf_skel/x86/exit_reenter.bpf.c. */
#define SINCE_ALL_ENTRIES	KERNEL_VERSION(5, 12, 0)

#define ARCH_PROBE_IDS							\
	PROBE_REENTER, PROBE_FAST_MMIO, PROBE_FAULT_GPA, PROBE_HV_HYPERCALL, PROBE_NESTED_EXIT, \
	PROBE_CPUID_LEAF, PROBE_MSR_INDEX, PROBE_HYPERCALL_NR,		\
	PROBE_FAULT_TDP, PROBE_FAULT_PAGING64, PROBE_FAULT_PAGING32,	\
	PROBE_FAULT_NONPAGING, PROBE_FAULT_EPT, PROBE_FAULT_EMULATED

/* Those of exits, and of these the ones that only add details to a record. */
#define ARCH_DETAIL_PROBES						\
	(BIT(PROBE_FAST_MMIO) | BIT(PROBE_FAULT_GPA) | BIT(PROBE_HV_HYPERCALL) | \
	 BIT(PROBE_NESTED_EXIT) |					\
	 BIT(PROBE_CPUID_LEAF) | BIT(PROBE_MSR_INDEX) | BIT(PROBE_HYPERCALL_NR))
#define ARCH_EXIT_PROBES	(BIT(PROBE_REENTER) | ARCH_DETAIL_PROBES)

#define ARCH_FAULT_PROBES						\
	(BIT(PROBE_FAULT_TDP) | BIT(PROBE_FAULT_PAGING64) | BIT(PROBE_FAULT_PAGING32) | \
	 BIT(PROBE_FAULT_NONPAGING) | BIT(PROBE_FAULT_EPT) | BIT(PROBE_FAULT_EMULATED))

/* bpf_skel/x86/fault.bpf.c; fexit first, for kretprobes serve few threads and these may sleep. */
#define FAULT_HANDLER(ID, function, consequence)			\
	[PROBE_FAULT_##ID] = {						\
		.what = "returns of " #function "()",			\
		.without = consequence,					\
		.methods = {						\
			{ #function "_fexit", ATTACH_FENTRY, NULL, #function, NULL }, \
			{ #function "_kretprobe", ATTACH_KPROBE, NULL, #function, NULL }, \
		},							\
	},

#define NO_SHADOW_RET_PF "ret_pf of some faults with shadow paging, or of nested guests, is unknown"

/* PROBE_CPUID_LEAF and so on: what KVM's BTF lets the programs read in the guest's registers. */
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
		.without = "whether a nested guest exited is unknown",	\
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
	},								\
	FAULT_HANDLER(TDP, kvm_tdp_page_fault, "ret_pf of most faults is unknown") \
	FAULT_HANDLER(PAGING64, paging64_page_fault, NO_SHADOW_RET_PF)	\
	FAULT_HANDLER(PAGING32, paging32_page_fault, NO_SHADOW_RET_PF)	\
	FAULT_HANDLER(NONPAGING, nonpaging_page_fault, NO_SHADOW_RET_PF)	\
	FAULT_HANDLER(EPT, ept_page_fault, NO_SHADOW_RET_PF)		\
	[PROBE_FAULT_EMULATED] = {					\
		.what = "emulations of instructions",			\
		.without = "ret_pf of most MMIO faults is unknown",	\
		.methods = {						\
			{ "fault_emulated_fentry", ATTACH_FENTRY, NULL, "x86_emulate_instruction", \
			  NULL },					\
			{ "fault_emulated_kprobe", ATTACH_KPROBE, NULL, "x86_emulate_instruction", \
			  NULL },					\
		},							\
	},

#define ARCH_LAYOUTS							\
	{ "kvm_fast_mmio", "gpa", 8, 8 },				\
	{ "kvm_cpuid", "function", 8, 4 },				\
	{ "kvm_msr", "write", 8, 4 },					\
	{ "kvm_msr", "ecx", 12, 4 },					\
	{ "kvm_msr", "data", 16, 8 },					\
	{ "kvm_hypercall", "nr", 8, 8 },				\
	{ "kvm_hv_hypercall", "code", 32, 2 },

#endif
