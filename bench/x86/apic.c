// SPDX-License-Identifier: GPL-2.0
/* Interrupts for the guest: see apic.h. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "../../util/error.h"
#include "apic.h"
#include "ports.h"

/* guest.S */
extern const uint8_t guest_code[], guest_code_end[], guest_ipi[], guest_timer[];

/* In the page of the code: IDT up to the last vector in use, then GDT. */
#define IDT_AT		0x800
#define GDT_AT		0xc00
#define GDT_SIZE	24

#define GDT_CODE	0x00af9b000000ffffULL
#define GDT_DATA	0x00cf93000000ffffULL
#define GATE_INTERRUPT	0x8e00ULL	/* 64-bit, present, interrupts off inside */

#define APIC_BASE_X2APIC	(1ULL << 10)
#define CPUID_1_ECX_X2APIC	(1U << 21)

/* Registers of the local APIC, as struct kvm_lapic_state has them. */
#define APIC_SPIV	0xf0
#define APIC_LVTT	0x320
#define APIC_TDCR	0x3e0
#define SPIV_ENABLED	0x1ff
#define TDCR_DIVIDE_1	0xb

struct idt_gate {
	uint64_t low, high;
};

_Static_assert((VECTOR_LAST + 1) * sizeof(struct idt_gate) <= GDT_AT - IDT_AT, "the IDT fits");

static bool has_x2apic(const struct kvm_cpuid2 *cpuid)
{
	for (unsigned int i = 0; i < cpuid->nent; i++) {
		if (cpuid->entries[i].function == 1)
			return cpuid->entries[i].ecx & CPUID_1_ECX_X2APIC;
	}
	return false;
}

static bool parameter_on(const char *path)
{
	FILE *fp = fopen(path, "re");
	int c = 0;

	if (fp) {
		c = fgetc(fp);
		fclose(fp);
	}
	return c == 'Y' || c == '1';
}

int apic_vm_init(struct guest_vm *vm)
{
	struct kvm_enable_cap ids = {
		.cap = KVM_CAP_X2APIC_API,
		.args = { KVM_X2APIC_API_USE_32BIT_IDS },
	};

	if (!has_x2apic(vm->arch))
		return error("--ipi and --timer need KVM's x2APIC, which this host's KVM does not "
			     "offer");
	/* Without it, KVM_SET_LAPIC truncates vCPU ids above 255. */
	if (ioctl(vm->fd, KVM_ENABLE_CAP, &ids) && vm->cfg->vcpus > 255)
		return error("KVM_CAP_X2APIC_API: %s; --ipi and --timer need it for more than 255 "
			     "vCPUs", strerror(errno));
	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0))
		return error("KVM_CREATE_IRQCHIP: %s", strerror(errno));
	vm->apic_hidden = parameter_on("/sys/module/kvm_intel/parameters/enable_apicv") ||
			  parameter_on("/sys/module/kvm_amd/parameters/avic");
	return 0;
}

static struct idt_gate gate(uint64_t rip)
{
	struct idt_gate gate = {
		.low = (rip & 0xffff) | SEL_CODE << 16 | GATE_INTERRUPT << 32 |
		       (rip >> 16 & 0xffff) << 48,
		.high = rip >> 32,
	};

	return gate;
}

void apic_load(struct guest_vm *vm, uint8_t *code, uint64_t gpa)
{
	struct idt_gate *idt = (void *)(code + IDT_AT);
	uint64_t *gdt = (void *)(code + GDT_AT);

	/* The other gates are not present: an exception stays a triple fault. */
	idt[VECTOR_IPI] = gate(gpa + (guest_ipi - guest_code));
	idt[VECTOR_TIMER] = gate(gpa + (guest_timer - guest_code));
	gdt[SEL_CODE / 8] = GDT_CODE;
	gdt[SEL_DATA / 8] = GDT_DATA;
}

void apic_sregs(struct kvm_sregs *sregs, uint64_t code_gpa)
{
	sregs->idt.base = code_gpa + IDT_AT;
	sregs->idt.limit = (VECTOR_LAST + 1) * sizeof(struct idt_gate) - 1;
	sregs->gdt.base = code_gpa + GDT_AT;
	sregs->gdt.limit = GDT_SIZE - 1;
	sregs->apic_base |= APIC_BASE_X2APIC;
}

static void set_reg(struct kvm_lapic_state *lapic, unsigned int reg, uint32_t value)
{
	memcpy(lapic->regs + reg, &value, sizeof(value));
}

int apic_vcpu_init(struct guest_vcpu *vcpu)
{
	/* With KVM's APICs, all but the first vCPU would wait for INIT and SIPI. */
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct kvm_lapic_state lapic;

	if (ioctl(vcpu->fd, KVM_GET_LAPIC, &lapic))
		return error("KVM_GET_LAPIC of vCPU %u: %s", vcpu->id, strerror(errno));
	/* Done here, because writes by the guest would be exits. */
	set_reg(&lapic, APIC_SPIV, SPIV_ENABLED);
	set_reg(&lapic, APIC_LVTT, VECTOR_TIMER);	/* one-shot, not masked */
	set_reg(&lapic, APIC_TDCR, TDCR_DIVIDE_1);	/* KVM's bus runs at 1 GHz */
	if (ioctl(vcpu->fd, KVM_SET_LAPIC, &lapic))
		return error("KVM_SET_LAPIC of vCPU %u: %s", vcpu->id, strerror(errno));
	if (ioctl(vcpu->fd, KVM_SET_MP_STATE, &state))
		return error("KVM_SET_MP_STATE of vCPU %u: %s", vcpu->id, strerror(errno));
	return 0;
}
