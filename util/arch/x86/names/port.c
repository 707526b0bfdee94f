// SPDX-License-Identifier: GPL-2.0
/*
 * I/O ports of a PC and of QEMU's machines q35 and pc.
 *
 * Serial ports: include/uapi/linux/serial_reg.h, arch/x86/include/asm/serial.h.  PIC, PIT, DMA,
 * port 61h, A20, reset: Intel's I/O Controller Hub 9 datasheet, chapter 13; those of the kernel:
 * arch/x86/include/asm/{i8259,dma}.h, include/linux/i8253.h, arch/x86/kernel/io_delay.c.  CMOS:
 * include/linux/mc146818rtc.h. Keyboard: drivers/input/serio/i8042-io.h. IDE: include/linux/ata.h.
 * VGA: include/video/vga.h.  Floppy: include/uapi/linux/fdreg.h.  Parallel port:
 * drivers/parport/parport_pc.h.  PCI: PCI Local Bus Specification 3.0, 3.2.2.3.2.
 *
 * QEMU: docs/specs/{fw_cfg,pvpanic,acpi_cpu_hotplug,acpi_mem_hotplug,acpi_pci_hotplug}.rst,
 * include/hw/southbridge/ich9.h, hw/acpi/{piix4,pcihp,core}.c, include/hw/acpi/pc-hotplug.h,
 * hw/isa/apm.c, hw/i386/vmport.c, hw/i386/kvmvapic.c, hw/display/vga_int.h, hw/misc/debugexit.c,
 * hw/char/debugcon.c; 0xf4 is where kvm-unit-tests put a debug exit (x86/run). The ACPI registers
 * move: SeaBIOS puts them at 0x600, OVMF too on q35, but at 0xb000 on pc, as SeaBIOS once did.
 */
#include "util/arch/names.h"
#include "util/arch/x86/names/table.h"

/* A serial port: a 16550. */
#define COM(base, com)							\
	NAME_RW((base) + 0, com " receive", com " transmit"),		\
	NAME((base) + 1, com " IRQ enable"),				\
	NAME_RW((base) + 2, com " IRQ id", com " FIFO control"),	\
	NAME((base) + 3, com " line control"),				\
	NAME((base) + 4, com " modem control"),				\
	NAME((base) + 5, com " line status"),				\
	NAME((base) + 6, com " modem status"),				\
	NAME((base) + 7, com " scratch")

#define IDE(base, ide)							\
	NAME((base) + 0, ide " data"),					\
	NAME_RW((base) + 1, ide " error", ide " features"),		\
	NAME((base) + 2, ide " sector count"),				\
	NAME((base) + 3, ide " LBA low"),				\
	NAME((base) + 4, ide " LBA mid"),				\
	NAME((base) + 5, ide " LBA high"),				\
	NAME((base) + 6, ide " drive"),					\
	NAME_RW((base) + 7, ide " status", ide " command")

/* The registers of ACPI's power management that ICH9 and PIIX4 have in common. */
#define ACPI_PM(base)							\
	NAMES((base) + 0, (base) + 1, "ACPI PM1 status"),		\
	NAMES((base) + 2, (base) + 3, "ACPI PM1 enable"),		\
	NAMES((base) + 4, (base) + 5, "ACPI PM1 control"),		\
	NAMES((base) + 8, (base) + 11, "ACPI PM timer")

static const struct name ports[] = {
	NAMES(0x00, 0x07, "DMA 1 channel"),
	NAME_RW(0x08, "DMA 1 status", "DMA 1 command"),
	NAMES(0x09, 0x0f, "DMA 1 control"),
	NAME_RW(0x20, "PIC 1 status", "PIC 1 command"),
	NAME(0x21, "PIC 1 mask"),
	NAME(0x40, "PIT counter 0"),
	NAME(0x41, "PIT counter 1"),
	NAME(0x42, "PIT counter 2"),
	NAME(0x43, "PIT mode"),
	NAME(0x60, "keyboard data"),
	NAME(0x61, "speaker, NMI status"),
	NAME_RW(0x64, "keyboard status", "keyboard command"),
	NAME(0x70, "RTC/CMOS index"),
	NAME(0x71, "RTC/CMOS data"),
	NAME(0x72, "CMOS index 2"),
	NAME(0x73, "CMOS data 2"),
	NAMES(0x7e, 0x7f, "kvmvapic"),
	NAME(0x80, "POST code, I/O delay"),
	NAMES(0x81, 0x83, "DMA page"),
	NAME(0x87, "DMA page"),
	NAMES(0x89, 0x8b, "DMA page"),
	NAME(0x8f, "DMA page"),
	NAME(0x92, "A20 gate, reset"),
	NAME_RW(0xa0, "PIC 2 status", "PIC 2 command"),
	NAME(0xa1, "PIC 2 mask"),
	NAME(0xb2, "APM control (SMI)"),
	NAME(0xb3, "APM status"),
	NAMES(0xc0, 0xcf, "DMA 2 channel"),
	NAMES(0xd0, 0xd1, "DMA 2 status"),
	NAMES(0xd2, 0xdf, "DMA 2 control"),
	NAME(0xe9, "debug console"),
	NAME(0xed, "I/O delay"),
	NAME(0xf0, "FPU error clear"),
	NAMES(0xf4, 0xf7, "debug exit"),
	IDE(0x170, "IDE 2"),
	NAME(0x1ce, "VBE index"),
	NAMES(0x1cf, 0x1d0, "VBE data"),
	IDE(0x1f0, "IDE 1"),
	NAME(0x278, "LPT2 data"),
	NAME_RW(0x279, "LPT2 status", "ISA PnP address"),
	NAME(0x27a, "LPT2 control"),
	COM(0x2e8, "COM4"),
	COM(0x2f8, "COM2"),
	NAME_RW(0x376, "IDE 2 alt status", "IDE 2 control"),
	NAME(0x378, "LPT1 data"),
	NAME(0x379, "LPT1 status"),
	NAME(0x37a, "LPT1 control"),
	NAME(0x3b4, "VGA CRTC index, mono"),
	NAME(0x3b5, "VGA CRTC data, mono"),
	NAME(0x3ba, "VGA status, mono"),
	NAMES(0x3c0, 0x3c1, "VGA attributes"),
	NAME_RW(0x3c2, "VGA input status", "VGA misc"),
	NAME(0x3c4, "VGA sequencer index"),
	NAME(0x3c5, "VGA sequencer data"),
	NAMES(0x3c6, 0x3c9, "VGA palette"),
	NAME(0x3ca, "VGA feature control"),
	NAME(0x3cc, "VGA misc"),
	NAME(0x3ce, "VGA graphics index"),
	NAME(0x3cf, "VGA graphics data"),
	NAME(0x3d4, "VGA CRTC index"),
	NAME(0x3d5, "VGA CRTC data"),
	NAME_RW(0x3da, "VGA input status", "VGA feature control"),
	COM(0x3e8, "COM3"),
	NAMES(0x3f0, 0x3f5, "floppy"),
	NAME_RW(0x3f6, "IDE 1 alt status", "IDE 1 control"),
	NAME(0x3f7, "floppy"),
	COM(0x3f8, "COM1"),
	NAME(0x402, "firmware debug console"),
	NAME(0x4d0, "PIC 1 edge/level"),
	NAME(0x4d1, "PIC 2 edge/level"),
	NAME(0x501, "debug exit"),
	NAME(0x505, "pvpanic"),
	NAME(0x510, "fw_cfg select"),
	NAME(0x511, "fw_cfg data"),
	NAMES(0x514, 0x51b, "fw_cfg DMA"),
	ACPI_PM(0x600),
	NAMES(0x620, 0x627, "ACPI GPE0 status"),
	NAMES(0x628, 0x62f, "ACPI GPE0 enable"),
	NAMES(0x630, 0x633, "SMI enable"),
	NAMES(0x634, 0x637, "SMI status"),
	NAMES(0x660, 0x67f, "TCO watchdog"),
	NAMES(0x700, 0x73f, "SMBus"),
	NAMES(0xa00, 0xa17, "ACPI memory hotplug"),
	NAME(0xa79, "ISA PnP data"),
	NAMES(0xcc0, 0xcd7, "ACPI PCI hotplug"),
	NAMES(0xcd8, 0xcf7, "ACPI CPU hotplug"),
	NAME(0xcf8, "PCI config address"),
	NAME(0xcf9, "reset control"),
	NAMES(0xcfa, 0xcfb, "PCI config address"),
	NAMES(0xcfc, 0xcff, "PCI config data"),
	NAME(0x5658, "VMware backdoor"),
	NAME(0x5659, "VMware backdoor, bulk"),
	NAMES(0xae00, 0xae17, "ACPI PCI hotplug"),
	NAMES(0xaf00, 0xaf1f, "ACPI CPU hotplug"),
	NAMES(0xafe0, 0xafe1, "ACPI GPE0 status"),
	NAMES(0xafe2, 0xafe3, "ACPI GPE0 enable"),
	ACPI_PM(0xb000),
	NAMES(0xb100, 0xb13f, "SMBus"),
};

const struct name_table port_table = NAME_TABLE("ports", ports);

const char *port_name(u64 port, bool written)
{
	return name_table__find(&port_table, port, written);
}
