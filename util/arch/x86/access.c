// SPDX-License-Identifier: GPL-2.0
/*
 * Ports: PIIX4 and ICH9 as QEMU sets them up (hw/acpi/piix4.c, hw/isa/lpc_ich9.c), PIT and RTC as
 * in any PC. APIC registers: Intel SDM volume 3, tables 10-1 and 10-6. HPET: IA-PC HPET
 * specification 1.0a, table 2. Hyper-V MSRs: asm/hyperv-tlfs.h.
 */
#include <string.h>

#include "util/arch/access.h"
#include "util/arch/reason.h"
#include "util/event_desc.h"

#define BIT_OF(kind)	(1U << KVMW_DETAIL_##kind)
#define MMIO		(BIT_OF(MMIO_READ) | BIT_OF(MMIO_WRITE) | BIT_OF(FAST_MMIO))
#define PORT		(BIT_OF(PIO_IN) | BIT_OF(PIO_OUT))

static const struct access {
	u32 kinds;
	u64 from, to;
	enum access_class class;
	const char *device;
} accesses[] = {
	{ BIT_OF(MMIO_READ), 0xfed00000, 0xfed003ff, ACCESS_CLOCK, "HPET" },
	{ BIT_OF(PIO_IN), 0x608, 0x60b, ACCESS_CLOCK, "ACPI PM timer" },
	{ BIT_OF(PIO_IN), 0xb008, 0xb00b, ACCESS_CLOCK, "ACPI PM timer" },
	{ PORT, 0x40, 0x43, ACCESS_CLOCK, "PIT" },
	{ PORT, 0x70, 0x71, ACCESS_CLOCK, "RTC" },
	{ BIT_OF(MSR_READ), 0x40000020, 0x40000020, ACCESS_CLOCK, "Hyper-V reference counter" },
	{ BIT_OF(PIO_OUT), 0xb2, 0xb2, ACCESS_SMI, NULL },
	{ BIT_OF(MSR_WRITE), 0x6e0, 0x6e0, ACCESS_TIMER, NULL },
	{ BIT_OF(MSR_WRITE), 0x838, 0x838, ACCESS_TIMER, NULL },
	{ MMIO, 0xfee00380, 0xfee00383, ACCESS_TIMER, NULL },
	{ BIT_OF(MSR_WRITE), 0x830, 0x830, ACCESS_IPI, NULL },
	{ BIT_OF(MSR_WRITE), 0x40000071, 0x40000071, ACCESS_IPI, NULL },
	{ MMIO, 0xfee00300, 0xfee00313, ACCESS_IPI, NULL },
	{ BIT_OF(MSR_WRITE), 0x80b, 0x80b, ACCESS_EOI, NULL },
	{ BIT_OF(MSR_WRITE), 0x40000070, 0x40000070, ACCESS_EOI, NULL },
	{ MMIO, 0xfee000b0, 0xfee000b3, ACCESS_EOI, NULL },
};

enum access_class access_class(u32 kind, u64 value, const char **device)
{
	*device = NULL;
	if (detail_is_fault(kind))
		return ACCESS_RAM;
	for (size_t i = 0; i < ARRAY_SIZE(accesses) && kind < 32; i++) {
		const struct access *a = &accesses[i];

		if (!(a->kinds & 1U << kind) || value < a->from || value > a->to)
			continue;
		*device = a->device;
		return a->class;
	}
	return ACCESS_OTHER;
}

#define MSR_TSC_DEADLINE	0x6e0

bool access_is_deadline(u32 kind, u64 value)
{
	return kind == KVMW_DETAIL_MSR_WRITE && value == MSR_TSC_DEADLINE;
}

bool access_sends_ipi(u32 kind, u64 value)
{
	const char *device;

	/* Most exits are about something else: they are not looked up. */
	return (kind == KVMW_DETAIL_MSR_WRITE || kind == KVMW_DETAIL_MMIO_WRITE ||
		kind == KVMW_DETAIL_FAST_MMIO) &&
	       access_class(kind, value, &device) == ACCESS_IPI;
}

/*
 * QEMU's virtio-pci (hw/virtio/virtio-pci.c): the queues' registers, four bytes apart, are 12 KiB
 * into a BAR of 16 KiB; the legacy register is 16 bytes into the I/O BAR, which firmware puts at
 * 0xc000 or above (include/uapi/linux/virtio_pci.h). virtio-mmio: 0x50 bytes into a window of 512
 * bytes or 4 KiB (include/uapi/linux/virtio_mmio.h). Between PCI's hole and 4 GiB are the APICs,
 * HPET and firmware.
 */
#define MAX_QUEUES	64		/* e1000 has its registers from 0x3800 on */
#define HOLE		0x80000000ULL
#define HOLE_END	0xfec00000ULL
#define ABOVE_4G	0x100000000ULL

bool access_is_probably_notify(u32 kind, u64 value)
{
	if (kind == KVMW_DETAIL_PIO_OUT)
		return value >= 0xc000 && value <= 0xffff && (value & 0x1f) == 0x10;
	if (kind != KVMW_DETAIL_MMIO_WRITE || value < HOLE ||
	    (value >= HOLE_END && value < ABOVE_4G))
		return false;
	return ((value & 0x3fff) - 0x3000 < 4ULL * MAX_QUEUES && !(value & 3)) ||
	       (value & 0x1ff) == 0x50;
}

enum exit_class exit_class(u32 isa, u32 reason)
{
	static const struct {
		const char *name;
		enum exit_class class;
	} classes[] = {
		{ "hlt", EXIT_HALT }, { "HLT", EXIT_HALT },
		{ "interrupt", EXIT_BY_HOST }, { "nmi", EXIT_BY_HOST },
		{ "EXTERNAL_INTERRUPT", EXIT_BY_HOST },
		{ "shutdown", EXIT_SHUTDOWN }, { "TRIPLE_FAULT", EXIT_SHUTDOWN },
		{ "smi", EXIT_SMM }, { "rsm", EXIT_SMM }, { "IO_SMI", EXIT_SMM }, { "OTHER_SMI", EXIT_SMM },
		{ "RSM", EXIT_SMM },
		{ "vmrun", EXIT_ENTERS_NESTED }, { "VMLAUNCH", EXIT_ENTERS_NESTED },
		{ "VMRESUME", EXIT_ENTERS_NESTED },
	};
	const char *name = isa == KVMW_ISA_NONE ? NULL : reason_known(isa, reason);

	for (size_t i = 0; name && i < ARRAY_SIZE(classes); i++)
		if (!strcmp(name, classes[i].name))
			return classes[i].class;
	return EXIT_OTHER;
}

/* AMD APM volume 2, "Nested versus guest page faults"; Intel SDM volume 3, "EPT violations". */
#define NPF_PRESENT	(1U << 0)
#define NPF_WRITE	(1U << 1)
#define EPT_WRITE	(1U << 1)
#define EPT_READABLE	(1U << 3)
#define EPT_WRITABLE	(1U << 4)

bool fault_is_of_protection(u32 isa, u64 info1)
{
	if (info1 == KVMW_NONE)
		return false;
	if (isa == KVMW_ISA_SVM)
		return info1 & NPF_PRESENT && info1 & NPF_WRITE;
	return isa == KVMW_ISA_VMX && info1 & EPT_WRITE && info1 & EPT_READABLE &&
	       !(info1 & EPT_WRITABLE);
}

#define SVM_NPF			0x400
#define VMX_EPT_VIOLATION	48

/*
 * The qualification of an EPT violation has bits of the access, EXITINFO1 of a nested page fault
 * has, and EXITINFO2 the address. VMX: info2 is the IDT-vectoring information.
 */
bool exit_info_is_plain(u32 isa, u32 reason, bool second)
{
	if (isa == KVMW_ISA_VMX)
		return second || reason == VMX_EPT_VIOLATION;
	return isa == KVMW_ISA_SVM && !second && reason == SVM_NPF;
}

/* I/O APIC, HPET and local APIC, where all chipsets have them. */
bool gpa_is_of_platform(u64 gpa)
{
	return gpa >= 0xfec00000 && gpa < 0xfef00000;
}
