// SPDX-License-Identifier: GPL-2.0
/* Tables of names: in order, without overlaps, short; and against the headers of this machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <asm/kvm_para.h>
#include <linux/serial_reg.h>

#include "util/arch/names.h"
#include "util/arch/x86/names/table.h"

static const struct name_table *const tables[] = {
	&port_table, &mmio_table, &page_table, &apic_table, &msr_table, &cpuid_table, &cr_table,
	&exception_table, &linux_vector_table, &guest_vector_table, &host_vector_table,
	&hv_hypercall_table, &syscall_table, &sleep_syscall_table,
};

static void check_text(const struct name_table *t, const char *name)
{
	size_t len = strlen(name);

	if (!len || len > NAME_MAX_LEN)
		fail_msg("%s: '%s' has %zu characters", t->what, name, len);
	for (size_t i = 0; i < len; i++)
		if (name[i] < ' ' || name[i] > '~')
			fail_msg("%s: '%s' is not plain ASCII", t->what, name);
	if (name[0] == ' ' || name[len - 1] == ' ')
		fail_msg("%s: '%s' has a blank at its end", t->what, name);
}

static void test_tables(void **state)
{
	for (size_t k = 0; k < ARRAY_SIZE(tables); k++) {
		const struct name_table *t = tables[k];

		assert_true(t->nr);
		for (size_t i = 0; i < t->nr; i++) {
			const struct name *n = &t->name[i];

			check_text(t, n->read);
			if (n->written)
				check_text(t, n->written);
			if (n->from > n->to || (i && n->from <= n[-1].to))
				fail_msg("%s: 0x%llx is not in order, or overlaps", t->what,
					 (unsigned long long)n->from);
		}
	}
}

/* Every number of every range is found, and what lies between two ranges is not. */
static void test_search(void **state)
{
	for (size_t k = 0; k < ARRAY_SIZE(tables); k++) {
		const struct name_table *t = tables[k];
		u64 next = 0;

		for (size_t i = 0; i < t->nr; i++) {
			const struct name *n = &t->name[i];
			const u64 at[] = { n->from, n->from + (n->to - n->from) / 2, n->to };

			for (size_t p = 0; p < ARRAY_SIZE(at); p++) {
				assert_ptr_equal(name_table__find(t, at[p], false), n->read);
				assert_ptr_equal(name_table__find(t, at[p], true),
						 n->written ?: n->read);
			}
			if (n->from != next) {
				assert_null(name_table__find(t, next, false));
				assert_null(name_table__find(t, n->from - 1, true));
			}
			next = n->to + 1;
		}
		assert_null(name_table__find(t, next, false));
		assert_null(name_table__find(t, UINT64_MAX, true));
	}
}

static void is(const char *name, const char *want)
{
	if (want)
		assert_string_equal(name ?: "(none)", want);
	else
		assert_null(name);
}

static void test_serial_ports(void **state)
{
	static const struct { u64 base; const char *com; } ports[] = {
		{ 0x3f8, "COM1" }, { 0x2f8, "COM2" }, { 0x3e8, "COM3" }, { 0x2e8, "COM4" },
	};
	static const struct { u32 offset; bool written; const char *name; } regs[] = {
		{ UART_RX, false, "receive" }, { UART_TX, true, "transmit" },
		{ UART_IER, false, "IRQ enable" }, { UART_IER, true, "IRQ enable" },
		{ UART_IIR, false, "IRQ id" }, { UART_FCR, true, "FIFO control" },
		{ UART_LCR, true, "line control" }, { UART_MCR, true, "modem control" },
		{ UART_LSR, false, "line status" }, { UART_MSR, false, "modem status" },
		{ UART_SCR, true, "scratch" },
	};
	char want[64];

	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(regs); k++) {
			snprintf(want, sizeof(want), "%s %s", ports[i].com, regs[k].name);
			is(port_name(ports[i].base + regs[k].offset, regs[k].written), want);
		}
	}
}

static void test_ports(void **state)
{
	is(port_name(0x20, true), "PIC 1 command");
	is(port_name(0xa1, true), "PIC 2 mask");
	is(port_name(0x40, true), "PIT counter 0");
	is(port_name(0x43, true), "PIT mode");
	is(port_name(0x64, false), "keyboard status");
	is(port_name(0x71, false), "RTC/CMOS data");
	is(port_name(0x80, true), "POST code, I/O delay");
	is(port_name(0xb2, true), "APM control (SMI)");
	is(port_name(0xcf8, true), "PCI config address");
	is(port_name(0xcf9, true), "reset control");
	is(port_name(0xcfe, false), "PCI config data");
	is(port_name(0x1f7, false), "IDE 1 status");
	is(port_name(0x177, true), "IDE 2 command");
	is(port_name(0x3f4, false), "floppy");
	is(port_name(0x3f6, true), "IDE 1 control");
	is(port_name(0x510, true), "fw_cfg select");
	is(port_name(0x518, true), "fw_cfg DMA");
	is(port_name(0x608, false), "ACPI PM timer");
	is(port_name(0xb008, false), "ACPI PM timer");
	is(port_name(0x5658, false), "VMware backdoor");
	is(port_name(0x5150, true), NULL);
	is(port_name(0xc000, true), NULL);
	is(port_name(0x10080, true), NULL);
}

static void test_mmio(void **state)
{
	is(mmio_name(0xfed000f0), "HPET counter");
	is(mmio_name(0xfed000f4), "HPET counter");
	is(mmio_name(0xfed00108), "HPET T0 comparator");
	is(mmio_name(0xfed00160), "HPET T3 config");
	is(mmio_name(0xfed00300), "HPET");
	is(mmio_name(0xfec00000), "IOAPIC index");
	is(mmio_name(0xfec00010), "IOAPIC data");
	is(mmio_name(0xfee000b0), "APIC EOI");
	is(mmio_name(0xfee00300), "APIC ICR");
	is(mmio_name(0xfee00390), "APIC timer current");
	is(mmio_name(0xfee00ff0), "APIC");
	is(mmio_name(0xfee01000), "MSI");
	is(mmio_page_name(0xfee000b0), "APIC");
	is(mmio_page_name(0xfed00000), "HPET");
	is(mmio_name(0xa0000), "VGA memory");
	is(mmio_name(0xfffffff0), "firmware flash");
	is(mmio_name(0x100000000), NULL);
	is(mmio_name(0xfebf0000), NULL);
	is(apic_register_name(0xb0), "APIC EOI");
	is(apic_register_name(0x170), "APIC ISR");
	is(apic_register_name(0), NULL);
}

static void test_msrs(void **state)
{
	is(msr_name(0x6e0), "TSC_DEADLINE");
	is(msr_name(0xc0000080), "EFER");
	is(msr_name(0x200), "MTRR_PHYSBASE0");
	is(msr_name(0x213), "MTRR_PHYSMASK9");
	is(msr_name(0x405), "MC1_STATUS");
	is(msr_name(0x830), "X2APIC_ICR");
	is(msr_name(0x817), "X2APIC_ISR7");
	is(msr_name(0x83f), "X2APIC_SELF_IPI");
	is(msr_name(0x840), NULL);
	is(msr_name(0x4000009f), "HV_SINT15");
	is(msr_name(0xc001020b), "PERF_CTR5");
	is(msr_name(0xdeadbeef), NULL);
	is(msr_name(0x1c0000080), NULL);
	is(msr_name(MSR_KVM_WALL_CLOCK), "KVM_WALL_CLOCK");
	is(msr_name(MSR_KVM_SYSTEM_TIME), "KVM_SYSTEM_TIME");
	is(msr_name(MSR_KVM_SYSTEM_TIME_NEW), "KVM_SYSTEM_TIME_NEW");
	is(msr_name(MSR_KVM_STEAL_TIME), "KVM_STEAL_TIME");
	is(msr_name(MSR_KVM_PV_EOI_EN), "KVM_PV_EOI_EN");
	is(msr_name(MSR_KVM_POLL_CONTROL), "KVM_POLL_CONTROL");
	is(msr_name(MSR_KVM_ASYNC_PF_ACK), "KVM_ASYNC_PF_ACK");
}

static void test_numbers(void **state)
{
	is(cpuid_name(0xb), "extended topology");
	is(cpuid_name(KVM_CPUID_SIGNATURE), "hypervisor vendor");
	is(cpuid_name(0x40000101), "KVM features");
	is(cpuid_name(0x80000003), "brand string");
	is(cpuid_name(8), NULL);
	is(cr_name(3), "CR3");
	is(cr_name(5), NULL);
	is(exception_name(14), "#PF");
	is(exception_name(15), NULL);
	is(exception_name(32), NULL);
	is(linux_vector_name(0xec), "local timer");
	is(guest_vector_name(0xec), "Linux: local timer");
	is(guest_vector_name(0xfd), "Linux: reschedule");
	is(host_vector_name(0xfd), "host: reschedule");
	/* Of devices, and those that only some kernels have. */
	is(guest_vector_name(0x31), NULL);
	is(guest_vector_name(0xeb), NULL);
	is(guest_vector_name(0xf5), NULL);
	is(memory_syscall_name(28), "madvise");
	is(memory_syscall_name(16), NULL);
	is(sleep_syscall_name(202), "futex");
	is(sleep_syscall_name(28), NULL);
	is(hv_hypercall_name(0x5c), "PostMessage");
	is(hv_hypercall_name(0xb), "SendSyntheticClusterIpi");
	is(hv_hypercall_name(0x1005c), NULL);
}

static void test_icr(void **state)
{
	char buf[ICR_NAME_MAX];

	is(icr_name(0x8fd, buf, sizeof(buf)), "vector 0xfd");
	is(icr_name(0x44020, buf, sizeof(buf)), "vector 0x20 to self");
	is(icr_name(0xc00fc, buf, sizeof(buf)), "vector 0xfc to others");
	is(icr_name(0x9fb, buf, sizeof(buf)), "lowest priority 0xfb");
	is(icr_name(0x84400, buf, sizeof(buf)), "NMI to all");
	is(icr_name(0xc500, buf, sizeof(buf)), "INIT");
	is(icr_name(0x469a, buf, sizeof(buf)), "SIPI 0x9a");
	/* The target of x2APIC is in the upper half. */
	is(icr_name(7ULL << 32 | 0x8fd, buf, sizeof(buf)), "vector 0xfd");
	for (u32 i = 0; i < 1 << 20; i += 0x1f) {
		icr_name(i, buf, sizeof(buf));
		assert_in_range(strlen(buf), 3, sizeof(buf) - 2);
	}
}

static bool is_below(const void *arg, u32 number)
{
	return number < *(const u32 *)arg;
}

static void written_is(u64 msr, u64 value, bool foreign, const char *want)
{
	u64 group = written_group(msr, value, foreign);
	char buf[ICR_NAME_MAX];
	u32 vcpus = 4;

	assert_in_range(group, 0, (1ULL << 48) - 1);
	is(written_name(group, is_below, &vcpus, buf, sizeof(buf)), want);
}

/* Destinations of an x2APIC: Intel SDM vol. 3A, figures 10-28 and 10-29. */
static void test_written(void **state)
{
	char buf[ICR_NAME_MAX];
	u32 vcpus = ~0U;

	written_is(0x830, 1ULL << 32 | 0xfd, false, "ICR: IPI vector 0xfd to vCPU 1");
	written_is(0x830, 0xfb, false, "ICR: IPI vector 0xfb to vCPU 0");
	written_is(0x830, 4ULL << 32 | 0xfd, false, "ICR: IPI vector 0xfd to APIC id 4");
	written_is(0x830, 1ULL << 32 | 0xfd, true, "ICR: IPI vector 0xfd to APIC id 1");
	written_is(0x830, 9ULL << 32 | 0xc00f6, false, "ICR: IPI vector 0xf6 to others");
	written_is(0x830, 0x40020, true, "ICR: IPI vector 0x20 to self");
	written_is(0x830, 0xffffffffULL << 32 | 0x400, false, "ICR: NMI to all");
	written_is(0x830, 0xffffffffULL << 32 | 0xcfd, false, "ICR: NMI to all");
	written_is(0x830, 2ULL << 32 | 0x4500, false, "ICR: INIT to vCPU 2");
	written_is(0x830, 2ULL << 32 | 0x469a, false, "ICR: SIPI 0x9a to vCPU 2");
	written_is(0x830, 2ULL << 32 | 0x8fc, false, "ICR: IPI vector 0xfc to vCPU 1");
	written_is(0x830, 5ULL << 32 | 0x8fc, false, "ICR: IPI vector 0xfc to vCPUs 0,2");
	written_is(0x830, 0x10003ULL << 32 | 0x8fc, false,
		   "ICR: IPI vector 0xfc to APIC ids 16,17");
	written_is(0x830, 0x1fULL << 32 | 0x8fc, false,
		   "ICR: IPI vector 0xfc to 5 APICs, mask 0x1f");
	written_is(0x830, 0x8fc, false, "ICR: IPI vector 0xfc to none");
	written_is(0x40000071, 1ULL << 56 | 0xe1, false, "ICR: IPI vector 0xe1");
	written_is(0x40000071, 0, false, "ICR: IPI vector 0x0");
	written_is(0x830, UINT64_MAX, false, NULL);
	written_is(0x6e0, 12345, false, NULL);
	/* The level and the trigger are irrelevant, as is a destination beside a shorthand. */
	assert_int_equal(written_group(0x830, 1ULL << 32 | 0xc0fd, false),
			 written_group(0x830, 1ULL << 32 | 0xfd, false));
	assert_int_equal(written_group(0x830, 1ULL << 32 | 0x800fd, false),
			 written_group(0x830, 2ULL << 32 | 0x800fd, false));
	assert_int_not_equal(written_group(0x830, 1ULL << 32 | 0xfd, false),
			     written_group(0x830, 1ULL << 32 | 0x8fd, false));
	for (u64 i = 1; i; i = i * 3 + (i >> 60 ? 0 : 1)) {
		if (written_name(i & ((1ULL << 48) - 1), is_below, &vcpus, buf, sizeof(buf)))
			assert_in_range(strlen(buf), 3, sizeof(buf) - 2);
		if (i >> 62)
			break;
	}
}

/* Found by bisection: each would be missed if the list were not in order. */
static void test_regions_of_qemu(void **state)
{
	static const char *const known[] = {
		"acpi-cnt", "acpi-tmr", "apic-msi", "dma-chan", "fdc", "fwcfg", "fwcfg.dma", "hpet",
		"i8042-cmd", "i8042-data", "ide", "ioapic", "ioport80", "ioportF0", "kvm-ioapic",
		"kvmvapic", "parallel", "pci-conf-idx", "pic", "pit", "rtc", "rtc-index", "serial",
		"sm-tco", "vbe", "vga", "vga-lowmem", "vmport", "acpi-cpu-hotplug",
	};
	static const char *const others[] = {
		"", "a", "pc.ram", "virtio-mmio", "e1000-mmio", "msix-table", "vga.vram", "zz", "serial ",
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!names__know_registers(known[i]))
			fail_msg("'%s' is not known", known[i]);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (names__know_registers(others[i]))
			fail_msg("'%s' is known", others[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_serial_ports),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_mmio),
		cmocka_unit_test(test_msrs),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_icr),
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_regions_of_qemu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
