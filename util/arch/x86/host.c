// SPDX-License-Identifier: GPL-2.0
/* The host that kvmw records on. */
#include <bpf/btf.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <x86intrin.h>

#include "util/arch/arch.h"

const char *const arch_modules[] = { "kvm_intel", "kvm_amd", NULL };

static bool loaded(const char *module)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s", module);
	return !access(path, F_OK);
}

bool arch__runs_module(const char *module)
{
	/*
	 * Where KVM is built in, kvm_amd is there on any CPU, and so is kvm_intel: a program
	 * for kvm_amd would take a vcpu_vmx for a vcpu_svm.
	 */
	return loaded(module) && (strcmp(module, "kvm_amd") || !loaded("kvm_intel"));
}

u32 arch__host_isa(void)
{
	return loaded("kvm_amd") ? KVMW_ISA_SVM : KVMW_ISA_VMX;
}

const char *arch__silent_exit(void)
{
	/* No other module reports it: arch/x86/kvm/vmx/vmx.c, svm/svm.c. */
	return loaded("kvm_intel") || loaded("kvm_amd") ? NULL :
	       "this host shows no VM exits (neither kvm_intel nor kvm_amd)";
}

/*
 * The preempt count is a variable per CPU, but from 64701838bf05 ("x86/percpu: Move
 * preempt_count next to current_task"), 6.2, to 46e8fff6d45f ("x86/preempt: Move preempt count
 * to percpu hot section"), 6.15, a member of struct pcpu_hot.  It is found by address because
 * libbpf finds a variable by its BTF with CAP_SYS_ADMIN only.
 */
#define IN_PCPU_HOT	8

void arch__name_symbols(bool has_struct, struct arch_symbol *symbols)
{
	symbols[0] = (struct arch_symbol) { .name = "__per_cpu_offset" };
	symbols[1] = (struct arch_symbol) {
		.name = has_struct ? ARCH_SYMBOLS_STRUCT : "__preempt_count",
	};
}

void arch__use_symbols(const struct arch_symbol *symbols, struct kvmw_arch_config *config)
{
	const struct arch_symbol *offset = &symbols[0], *count = &symbols[1];
	bool hot = !strcmp(count->name, ARCH_SYMBOLS_STRUCT);

	/* __preempt_count may be at 0, where per-CPU addresses start on some kernels. */
	if (!offset->address || !count->found || (hot && !count->address))
		return;
	config->per_cpu_offset = offset->address;
	config->preempt_count = count->address + (hot ? IN_PCPU_HOT : 0);
}

u64 arch__counter(void)
{
	return __rdtsc();
}

/*
 * 32 bits of a fraction of SVM, 48 of VMX (tsc_scaling_ratio_frac_bits); 1 where the CPU cannot
 * scale (kvm_x86_vendor_init(), arch/x86/kvm/x86.c).
 */
u64 arch__tsc_ratio(u64 ratio)
{
	if (ratio == 1)
		return 1ULL << 48;
	/* More than SVM has: reserved bits. */
	if (ratio == KVMW_NONE || arch__host_isa() == KVMW_ISA_VMX)
		return ratio;
	return ratio >> 40 ? KVMW_NONE : ratio << 16;
}

#define INHIBIT		"APICV_INHIBIT_REASON_"

/* enum kvm_apicv_inhibit since 7491b7b2e1d7, 5.18: only its first member is always the same. */
static const char *inhibit_name(const struct btf *btf, u32 bit)
{
	s32 id = btf ? btf__find_by_name_kind(btf, "kvm_apicv_inhibit", BTF_KIND_ENUM) : -1;
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, id) : NULL;

	for (u32 i = 0; type && i < btf_vlen(type); i++) {
		const char *name = btf__name_by_offset(btf, btf_enum(type)[i].name_off);

		if ((u32)btf_enum(type)[i].val == bit && !strncmp(name, INHIBIT, strlen(INHIBIT)))
			return name + strlen(INHIBIT);
	}
	return NULL;
}

void arch__name_inhibits(u64 bits, char *buf, size_t size)
{
	struct btf *base = bits & ~1ULL ? btf__load_vmlinux_btf() : NULL;
	struct btf *kvm = base ? btf__load_module_btf("kvm", base) : NULL;
	size_t len = 0;

	*buf = '\0';
	for (u32 bit = 0; bit < 64 && len < size; bit++) {
		const char *name;
		char word[40];

		if (!(bits >> bit & 1))
			continue;
		name = bit ? inhibit_name(kvm ?: base, bit) : "disabled";
		snprintf(word, sizeof(word), "bit %u", bit);
		if (name)
			snprintf(word, sizeof(word), "%s", name);
		for (char *c = word; *c; c++)
			*c = *c == '_' ? ' ' : tolower((unsigned char)*c);
		len += snprintf(buf + len, size - len, "%s%s", len ? ", " : "", word);
	}
	btf__free(kvm);
	btf__free(base);
}

/*
 * CALL: E8 and 4 bytes; FF with a ModRM byte whose register field is 2, a SIB byte where rm
 * is 4, and 0, 1 or 4 bytes by mod.  Intel's Software Developer's Manual, volume 2.
 */
bool arch__ends_with_call(const u8 *code, u32 size)
{
	if (size >= 5 && code[size - 5] == 0xe8)
		return true;
	for (u32 len = 2; len <= ARCH_MAX_CALL && len <= size; len++) {
		const u8 *at = code + size - len;
		u32 mod = at[1] >> 6, rm = at[1] & 7, need = 2;

		if (at[0] != 0xff || (at[1] >> 3 & 7) != 2)
			continue;
		need += mod != 3 && rm == 4;
		need += mod == 1 ? 1 : mod == 2 || (mod == 0 && rm == 5) ? 4 : 0;
		if (need == len)
			return true;
	}
	return false;
}
