// SPDX-License-Identifier: GPL-2.0
/*
 * QEMU's names of memory regions whose registers the tables of ports and addresses name one by
 * one: as info mtree -f of 7.2 shows them for q35, pc and microvm, with TCG and with KVM's chips.
 */
#include <stdlib.h>
#include <string.h>

#include "util/arch/names.h"

static const char *const regions[] = {
	"acpi-cnt", "acpi-cpu-hotplug", "acpi-evt", "acpi-gpe0", "acpi-mem-hotplug",
	"acpi-pci-hotplug", "acpi-smi", "acpi-tmr", "apic-msi", "apm-io", "dma-chan", "dma-cont",
	"dma-page", "elcr", "fdc", "fwcfg", "fwcfg.dma", "hpet", "i8042-cmd", "i8042-data", "ide",
	"ioapic", "ioport80", "ioportF0", "kvm-apic-msi", "kvm-elcr", "kvm-ioapic", "kvm-pic",
	"kvm-pit", "kvmvapic", "lpc-reset-control", "parallel", "pci-conf-data", "pci-conf-idx",
	"pcspk", "pic", "piix3-reset-control", "pit", "pm-smbus", "port92", "rtc", "rtc-index",
	"serial", "sm-tco", "vbe", "vga", "vga-lowmem", "vmport",
};

static int compare_region_names(const void *key, const void *element)
{
	return strcmp(key, *(const char *const *)element);
}

bool names__know_registers(const char *region)
{
	return bsearch(region, regions, ARRAY_SIZE(regions), sizeof(*regions),
		       compare_region_names);
}
