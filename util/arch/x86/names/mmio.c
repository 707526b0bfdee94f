// SPDX-License-Identifier: GPL-2.0
/*
 * Guest physical addresses without memory on a PC, and registers of the local APIC.
 *
 * Local APIC: Intel SDM vol. 3A, "Local APIC Register Address Map"; AMD APM vol. 2, 16.3.2; the
 * kernel's arch/x86/include/asm/apicdef.h.  IOAPIC: 82093AA datasheet, 3.1; ICH9 datasheet, 13.5.
 * HPET: IA-PC HPET Specification 1.0a, 2.3.  TPM: TCG PC Client Platform TPM Profile, "TPM
 * Register Space".  Chipset configuration: ICH9 datasheet, chapter 10.
 *
 * QEMU: include/hw/intc/ioapic.h (microvm's second IOAPIC), include/hw/i386/intel_iommu.h,
 * hw/i386/amd_iommu.h, include/hw/acpi/tpm.h, hw/i386/pc_sysfw.c (flash).
 *
 * PCI devices are where the firmware puts them, and microvm has virtio devices where other
 * machines have PCI ones: only --regions can name these.
 */
#include "util/arch/names.h"
#include "util/arch/x86/names/table.h"

#define APIC_BASE	0xfee00000ULL
#define HPET_BASE	0xfed00000ULL
#define IOAPIC_BASE	0xfec00000ULL
#define IOAPIC_2	0xfec10000ULL	/* QEMU's microvm */
#define PAGE		0xfffULL

/* Each register has 16 bytes. */
#define APIC(offset, name)	NAMES(offset, (offset) + 15, "APIC " name)

static const struct name apic_registers[] = {
	APIC(0x020, "id"),
	APIC(0x030, "version"),
	APIC(0x080, "TPR"),
	APIC(0x090, "APR"),
	APIC(0x0a0, "PPR"),
	APIC(0x0b0, "EOI"),
	APIC(0x0c0, "remote read"),
	APIC(0x0d0, "LDR"),
	APIC(0x0e0, "DFR"),
	APIC(0x0f0, "spurious vector"),
	NAMES(0x100, 0x17f, "APIC ISR"),
	NAMES(0x180, 0x1ff, "APIC TMR"),
	NAMES(0x200, 0x27f, "APIC IRR"),
	APIC(0x280, "ESR"),
	APIC(0x2f0, "LVT CMCI"),
	APIC(0x300, "ICR"),
	APIC(0x310, "ICR high"),
	APIC(0x320, "LVT timer"),
	APIC(0x330, "LVT thermal"),
	APIC(0x340, "LVT PMI"),
	APIC(0x350, "LVT LINT0"),
	APIC(0x360, "LVT LINT1"),
	APIC(0x370, "LVT error"),
	APIC(0x380, "timer initial"),
	APIC(0x390, "timer current"),
	APIC(0x3e0, "timer divide"),
	APIC(0x3f0, "self IPI"),
	APIC(0x400, "ext feature"),
	APIC(0x410, "ext control"),
	APIC(0x420, "specific EOI"),
	NAMES(0x480, 0x4ff, "APIC IRQ enable"),
	NAMES(0x500, 0x53f, "APIC ext LVT"),
};

const struct name_table apic_table = NAME_TABLE("APIC", apic_registers);

#define HPET(from, to, name)	NAMES(HPET_BASE + (from), HPET_BASE + (to), "HPET " name)
#define HPET_TIMER(n)							\
	HPET(0x100 + 0x20 * (n), 0x107 + 0x20 * (n), "T" #n " config"),	\
	HPET(0x108 + 0x20 * (n), 0x10f + 0x20 * (n), "T" #n " comparator"), \
	HPET(0x110 + 0x20 * (n), 0x117 + 0x20 * (n), "T" #n " MSI")

#define IOAPIC(base, ioapic)						\
	NAMES((base) + 0x00, (base) + 0x0f, ioapic " index"),		\
	NAMES((base) + 0x10, (base) + 0x1f, ioapic " data"),		\
	NAMES((base) + 0x40, (base) + 0x4f, ioapic " EOI")

static const struct name registers[] = {
	IOAPIC(IOAPIC_BASE, "IOAPIC"),
	IOAPIC(IOAPIC_2, "IOAPIC 2"),
	HPET(0x000, 0x007, "capabilities"),
	HPET(0x010, 0x017, "config"),
	HPET(0x020, 0x027, "IRQ status"),
	HPET(0x0f0, 0x0f7, "counter"),
	HPET_TIMER(0), HPET_TIMER(1), HPET_TIMER(2), HPET_TIMER(3),
	HPET_TIMER(4), HPET_TIMER(5), HPET_TIMER(6), HPET_TIMER(7),
};

const struct name_table mmio_table = NAME_TABLE("MMIO", registers);

static const struct name devices[] = {
	NAMES(0x000a0000, 0x000bffff, "VGA memory"),
	NAMES(IOAPIC_BASE, IOAPIC_BASE + PAGE, "IOAPIC"),
	NAMES(IOAPIC_2, IOAPIC_2 + PAGE, "IOAPIC 2"),
	NAMES(HPET_BASE, HPET_BASE + PAGE, "HPET"),
	NAMES(0xfed1c000, 0xfed1ffff, "ICH9 config"),
	NAMES(0xfed40000, 0xfed44fff, "TPM"),
	NAMES(0xfed80000, 0xfed83fff, "AMD IOMMU"),
	NAMES(0xfed90000, 0xfed90fff, "Intel IOMMU"),
	NAMES(APIC_BASE, APIC_BASE + PAGE, "APIC"),
	NAMES(APIC_BASE + PAGE + 1, 0xfeefffff, "MSI"),
	NAMES(0xff800000, 0xffffffff, "firmware flash"),
};

const struct name_table page_table = NAME_TABLE("devices", devices);

const char *apic_register_name(u64 offset)
{
	return name_table__find(&apic_table, offset, false);
}

const char *mmio_page_name(u64 gpa)
{
	return name_table__find(&page_table, gpa, false);
}

const char *mmio_name(u64 gpa)
{
	const char *name = name_table__find(&mmio_table, gpa, false);

	if (gpa >= APIC_BASE && gpa <= APIC_BASE + PAGE)
		name = apic_register_name(gpa - APIC_BASE);
	return name ? name : mmio_page_name(gpa);
}
