/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the recorder needs from the architecture of its host: its folder is picked here.  Names
 * of what recordings contain, whatever host they come from, are in reason.h, names.h and
 * ioctl.h.
 *
 * A folder's recorder.h defines
 *
 *	ARCH_KVM_MODULES	for messages: KVM needs one of these modules
 *	ARCH_CPU_MODEL		the line of /proc/cpuinfo with the name of the CPU
 *	ARCH_NR_SYMBOLS		of arch__name_symbols()
 *	ARCH_SYMBOLS_STRUCT	likewise, the struct that decides which they are
 *	ARCH_RET_PF		a member of the kernel's enumeration that arch__ret_pf() knows
 *	ARCH_PROBE_IDS		probes of this architecture alone, for enum probe_id
 *	ARCH_PROBES		their entries in probes[]
 *	ARCH_EXIT_PROBES	bitmap of those that event exit uses
 *	ARCH_DETAIL_PROBES	of these, those that add to records alone
 *	ARCH_FAULT_PROBES	likewise, event fault
 *	ARCH_EXIT_METHODS	how kvm_exit is best attached; comma behind each
 *	ARCH_LAYOUTS		where its programs expect the fields of tracepoints
 *	ARCH_MAX_CALL		bytes of the longest call instruction
 *	ARCH_AUDIT		the architecture, for filters of system calls
 */
#ifndef KVMW_ARCH_H
#define KVMW_ARCH_H

#include "util/types.h"
#include "bpf_skel/shared.h"

#if defined(__x86_64__)
#include "util/arch/x86/recorder.h"
#else
#error "no folder in util/arch/ for this architecture"
#endif

struct arch_symbol {
	const char *name;
	u64 address;		/* 0: hidden */
	bool found;
};

/* Modules besides kvm whose parameters are in META; NULL at the end. */
extern const char *const arch_modules[];

/* Whether the VMs of this host run by this module of arch_modules. */
bool arch__runs_module(const char *module);

/* enum kvmw_isa of the exits of this host. */
u32 arch__host_isa(void);

/* Why there are no VM exits to see on this host though there is a tracepoint, or NULL. */
const char *arch__silent_exit(void);

/* Fills in what depends on how this host maps guest memory. */
void arch__read_mmu(struct kvmw_config *config);

/*
 * KVMW_RET_PF_* of what handlers of page faults return: by the kernel's name for it; and by its
 * number, as in config->fault, if that follows from the version (else false).
 */
u8 arch__ret_pf(const char *name);
bool arch__ret_pf_by_version(u32 kernel_version, u8 *ret_pf);

/* Whether the CPU delivers interrupts to guests without a trace of KVM. */
bool arch__delivers_untold(u32 kernel_version);

/* The counter behind the guests' clocks, as the recorder's CPU has it. */
u64 arch__counter(void);
/* How a guest's counter is scaled, as KVM has it, times 2^48; KVMW_NONE: unknown. */
u64 arch__tsc_ratio(u64 ratio);
/* "hyperv, nested": what the bits of table vm_config are called by this kernel. */
void arch__name_inhibits(u64 bits, char *buf, size_t size);

/*
 * The ARCH_NR_SYMBOLS symbols that the programs need, and what follows from their addresses.
 * has_struct: the kernel has ARCH_SYMBOLS_STRUCT.
 */
void arch__name_symbols(bool has_struct, struct arch_symbol *symbols);
void arch__use_symbols(const struct arch_symbol *symbols, struct kvmw_arch_config *config);

/* Whether code may end with a call instruction. */
bool arch__ends_with_call(const u8 *code, u32 size);

#endif
