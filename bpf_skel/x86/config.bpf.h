/* SPDX-License-Identifier: GPL-2.0 */
/* How KVM has set up a VM and its vCPUs: for a snapshot, where kvm.ko has BTF. */
#ifndef KVMW_X86_CONFIG_BPF_H
#define KVMW_X86_CONFIG_BPF_H

#include "common.bpf.h"

/* IA32_APIC_BASE: Intel SDM volume 3, "Local APIC Status and Location". */
#define APIC_BASE_EXTD	(1U << 10)
#define APIC_BASE_EN	(1U << 11)

#define MAX_CPUID	128		/* of KVM_MAX_CPUID_ENTRIES, 256; QEMU sets some 40 */

/* A row in the making.  In a map: a function that is verified by itself cannot be given it. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct kvmw_vcpu_thread);
} vcpu_rows __weak SEC(".maps");

static __always_inline struct kvmw_vcpu_thread *vcpu_row(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&vcpu_rows, &zero);
}

/* One entry of the CPUID.  Global, so that it is verified once, and not for each entry. */
__weak __noinline int config_of_leaf(u64 entry)
{
	struct kvmw_vcpu_thread *row = vcpu_row();
	struct kvm_cpuid_entry2 e;
	struct kvmw_vm_config *c;

	if (!row || bpf_probe_read_kernel(&e, sizeof(e), (void *)entry))
		return 0;
	c = &row->of_vm;
	switch (e.function) {
	case 0x40000000:
		c->signature0 = e.ebx | (u64)e.ecx << 32;
		c->signature1 = e.edx;
		break;
	case 0x40000001:
		/* With Hyper-V's leaves here ("Hv#1"), KVM's are at 0x40000100. */
		if (e.eax == 0x31237648)
			break;
		/* fallthrough */
	case 0x40000101:
		c->kvm_features = e.eax;
		break;
	case 0x40000003:
		c->hyperv_features = e.eax | (u64)e.edx << 32;
		break;
	case 0x40000004:
		c->hyperv_hints = e.eax;
		break;
	}
	return 0;
}

static __always_inline void config_of_cpuid(const struct kvm_vcpu *vcpu)
{
	u64 entry;
	u32 nr;

	if (!bpf_core_field_exists(vcpu->arch.cpuid_entries) ||
	    !bpf_core_field_exists(vcpu->arch.cpuid_nent))
		return;
	entry = (u64)BPF_CORE_READ(vcpu, arch.cpuid_entries);
	nr = BPF_CORE_READ(vcpu, arch.cpuid_nent);
	for (u32 i = 0; i < MAX_CPUID && i < nr; i++, entry += sizeof(struct kvm_cpuid_entry2))
		config_of_leaf(entry);
}

static __always_inline void arch_config_of_vm(const struct kvm *kvm, const struct kvm_vcpu *vcpu,
					      struct kvmw_vm_config *c)
{
	/* 4e19c36f2df8 ("kvm: x86: Introduce APICv inhibit reason bits"), 5.6 */
	if (bpf_core_field_exists(kvm->arch.apicv_inhibit_reasons)) {
		c->apicv_inhibits = BPF_CORE_READ(kvm, arch.apicv_inhibit_reasons);
		c->apicv = !c->apicv_inhibits;
	}
	if (bpf_core_field_exists(kvm->arch.irqchip_mode))
		c->irqchip = BPF_CORE_READ(kvm, arch.irqchip_mode);
	if (bpf_core_field_exists(kvm->arch.vpit))
		c->pit = !!BPF_CORE_READ(kvm, arch.vpit);
	/* The module's parameter is in META; the recorder joins the two. */
	if (bpf_core_field_exists(kvm->arch.disable_nx_huge_pages))
		c->nx_huge_pages = !BPF_CORE_READ(kvm, arch.disable_nx_huge_pages);
	config_of_cpuid(vcpu);
}

static __always_inline void arch_config_of_vcpu(const struct kvm_vcpu *vcpu,
						struct kvmw_vcpu_config *c)
{
	const struct kvm_lapic *apic = NULL;
	u64 base;

	if (bpf_core_field_exists(vcpu->arch.apic_base)) {
		base = BPF_CORE_READ(vcpu, arch.apic_base);
		c->apic_mode = !(base & APIC_BASE_EN) ? 0 : base & APIC_BASE_EXTD ? 2 : 1;
	}
	if (bpf_core_field_exists(vcpu->arch.apic))
		apic = BPF_CORE_READ(vcpu, arch.apic);
	/* ae801e1303f9 ("KVM: x86: Move "apicv_active" into "struct kvm_lapic""), 6.0 */
	if (bpf_core_field_exists(apic->apicv_active))
		c->apicv = apic && BPF_CORE_READ(apic, apicv_active);
	else if (bpf_core_field_exists(vcpu->arch.apicv_active))
		c->apicv = BPF_CORE_READ(vcpu, arch.apicv_active);
	if (bpf_core_field_exists(vcpu->arch.l1_tsc_offset))
		c->tsc_offset = BPF_CORE_READ(vcpu, arch.l1_tsc_offset);
	if (bpf_core_field_exists(vcpu->arch.l1_tsc_scaling_ratio))
		c->tsc_ratio = BPF_CORE_READ(vcpu, arch.l1_tsc_scaling_ratio);
	if (bpf_core_field_exists(vcpu->arch.virtual_tsc_khz))
		c->tsc_khz = BPF_CORE_READ(vcpu, arch.virtual_tsc_khz);
}

#endif
