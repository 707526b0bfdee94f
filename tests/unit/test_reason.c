// SPDX-License-Identifier: GPL-2.0
/* The tables against the kernel's own headers, as far as those of this machine go. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <asm/kvm.h>
#include <asm/svm.h>
#include <asm/vmx.h>
#include <linux/kvm.h>

#include "util/arch/reason.h"
#include "util/events.h"

struct named {
	u32 number;
	const char *name;
};

static const struct named vmx[] = { VMX_EXIT_REASONS };
static const struct named svm[] = { SVM_EXIT_REASONS };

#define K(name) { KVM_EXIT_##name, "KVM_EXIT_" #name }
static const struct named kvm[] = {
	K(UNKNOWN), K(EXCEPTION), K(IO), K(HYPERCALL), K(DEBUG), K(HLT), K(MMIO),
	K(IRQ_WINDOW_OPEN), K(SHUTDOWN), K(FAIL_ENTRY), K(INTR), K(SET_TPR), K(TPR_ACCESS),
	K(S390_SIEIC), K(S390_RESET), K(DCR), K(NMI), K(INTERNAL_ERROR), K(OSI), K(PAPR_HCALL),
	K(S390_UCONTROL), K(WATCHDOG), K(S390_TSCH), K(EPR), K(SYSTEM_EVENT), K(S390_STSI),
	K(IOAPIC_EOI), K(HYPERV), K(ARM_NISV), K(X86_RDMSR), K(X86_WRMSR), K(DIRTY_RING_FULL),
	K(AP_RESET_HOLD), K(X86_BUS_LOCK), K(XEN), K(RISCV_SBI), K(RISCV_CSR), K(NOTIFY),
};

static void same(u32 isa, const struct named *list, size_t nr)
{
	char buf[REASON_NAME_MAX];

	for (size_t i = 0; i < nr; i++) {
		const char *name = list[i].name;

		/* The kernel's misspelling of the task register. */
		if (!strcmp(name, "read_rt"))
			name = "read_tr";
		if (!strcmp(name, "write_rt"))
			name = "write_tr";
		assert_string_equal(reason_name(isa, list[i].number, buf, sizeof(buf)), name);
	}
}

static void test_as_the_kernel(void **state)
{
	same(KVMW_ISA_VMX, vmx, ARRAY_SIZE(vmx));
	same(KVMW_ISA_SVM, svm, ARRAY_SIZE(svm));
	same(KVMW_ISA_NONE, kvm, ARRAY_SIZE(kvm));
}

static void is(u32 isa, u32 reason, const char *name)
{
	char buf[REASON_NAME_MAX];

	assert_string_equal(reason_name(isa, reason, buf, sizeof(buf)), name);
}

static void test_by_isa(void **state)
{
	/* The same number, three meanings. */
	is(KVMW_ISA_NONE, 10, "KVM_EXIT_INTR");
	is(KVMW_ISA_NONE, KVMW_REASON_ERRNO + EINTR, "EINTR");
	is(KVMW_ISA_VMX, 10, "CPUID");
	is(KVMW_ISA_SVM, 0x10, "write_cr0");
}

static void test_unknown(void **state)
{
	is(KVMW_ISA_VMX, 0x63, "VMX 0x63");
	is(KVMW_ISA_VMX, 35, "VMX 0x23");
	is(KVMW_ISA_VMX, 0xffff, "VMX 0xffff");
	is(KVMW_ISA_SVM, 0x56, "SVM 0x56");
	is(KVMW_ISA_SVM, 0x12345, "SVM 0x12345");
	is(KVMW_ISA_NONE, 4000000000u, "KVM_EXIT 4000000000");
	is(9, 77, "isa 9 0x4d");
	is(0xffff, 0xffffffff, "isa 65535 0xffffffff");
}

static void test_vmx_flags(void **state)
{
	is(KVMW_ISA_VMX, 0x80000000 | 33, "INVALID_STATE|FAILED_VMENTRY");
	is(KVMW_ISA_VMX, 1u << 27 | 48, "EPT_VIOLATION|SGX_ENCLAVE_MODE");
	is(KVMW_ISA_VMX, 1u << 26 | 74, "BUS_LOCK|BUS_LOCK");
	is(KVMW_ISA_VMX, 1u << 28 | 37, "MONITOR_TRAP_FLAG|PENDING_MTF");
	is(KVMW_ISA_VMX, 0xbe00ffff, "VMX 0xffff|FAILED_VMENTRY|VMX_ROOT|PENDING_MTF|"
	   "SGX_ENCLAVE_MODE|BUS_LOCK|SHADOW_STACK_BUSY");
}

/* A KVM without VMX has numbers of its own: PVM's begin at 1 << 16. */
static void test_not_of_vmx(void **state)
{
	is(KVMW_ISA_VMX, 131072, "0x20000");
	is(KVMW_ISA_VMX, 131072 | 10, "0x2000a");
	is(KVMW_ISA_VMX, 1u << 24 | 12, "0x100000c");
	is(KVMW_ISA_VMX, 1u << 30 | 12, "0x4000000c");
	is(KVMW_ISA_VMX, 0xffffffff, "0xffffffff");
	is(KVMW_ISA_VMX, KVMW_REASON_OTHER, "(other)");
	is(KVMW_ISA_SVM, 131072, "SVM 0x20000");
}

static void test_small_buffers(void **state)
{
	char buf[8];

	reason_name(KVMW_ISA_VMX, 0x80000063, buf, sizeof(buf));
	assert_int_equal(strlen(buf), sizeof(buf) - 1);
}

/* Every number has a name that fits. */
static void test_all_numbers(void **state)
{
	char buf[REASON_NAME_MAX];

	for (u32 isa = 0; isa < 4; isa++) {
		for (u32 i = 0; i < 0x2000; i++) {
			reason_name(isa, i, buf, sizeof(buf));
			assert_in_range(strlen(buf), 1, sizeof(buf) - 2);
		}
		reason_name(isa, UINT32_MAX, buf, sizeof(buf));
		assert_in_range(strlen(buf), 1, sizeof(buf) - 2);
	}
}

static void test_words(void **state)
{
	assert_true(reason_is(KVMW_ISA_SVM, 0x7b, "io"));
	assert_true(reason_is(KVMW_ISA_SVM, 0x7b, "IO"));
	assert_true(reason_is(KVMW_ISA_SVM, 0x7b, "0x7b"));
	assert_true(reason_is(KVMW_ISA_SVM, 0x7b, "123"));
	assert_false(reason_is(KVMW_ISA_SVM, 0x7b, "IO_INSTRUCTION"));
	assert_true(reason_is(KVMW_ISA_VMX, 30, "io_instruction"));
	assert_true(reason_is(KVMW_ISA_VMX, 30, "io"));
	assert_false(reason_is(KVMW_ISA_VMX, 0x7b, "io"));
	assert_true(reason_is(KVMW_ISA_VMX, 31, "msr"));
	assert_true(reason_is(KVMW_ISA_VMX, 32, "msr"));
	assert_true(reason_is(KVMW_ISA_VMX, 0x80000021, "INVALID_STATE"));
	assert_true(reason_is(KVMW_ISA_VMX, 0x80000021, "invalid_state|failed_vmentry"));
	assert_false(reason_is(KVMW_ISA_VMX, 0x21, "invalid_state|failed_vmentry"));
	assert_true(reason_is(KVMW_ISA_VMX, 0x63, "VMX 0x63"));
	assert_true(reason_is(KVMW_ISA_NONE, 2, "io"));
	assert_true(reason_is(KVMW_ISA_NONE, 2, "KVM_EXIT_IO"));
	assert_true(reason_is(KVMW_ISA_NONE, KVMW_REASON_ERRNO + EINTR, "eintr"));
	assert_false(reason_is(77, 2, "io"));
	assert_false(reason_is(KVMW_ISA_SVM, 0x7b, ""));
	assert_false(reason_is(KVMW_ISA_SVM, 0x55, ""));
}

/* The short words are reasons of both instruction sets. */
static void test_short_words(void **state)
{
	static const char *const words[] = { "io", "msr", "npf", "hlt", "cpuid", "interrupt",
					     "vintr", "hypercall", "pause", "mwait", "monitor" };

	for (size_t w = 0; w < ARRAY_SIZE(words); w++) {
		u32 found[2] = { 0 };

		for (u32 i = 0; i < REASON_MAX_NAMED; i++) {
			found[0] += reason_is(KVMW_ISA_VMX, i, words[w]);
			found[1] += reason_is(KVMW_ISA_SVM, i, words[w]);
		}
		assert_true(found[0] && found[1]);
	}
}

static void test_what_exists(void **state)
{
	static const char *const words[] = { "hlt", "EPT_MISCONFIG", "mmio", "EINTR",
					     "vmgexit_mmio_read", "invalid_guest_state", "software",
					     "pf excp" };
	static const char *const not_words[] = { "", "x", "exit", "vcpu", "port", "irq",
						 "KVM_EXIT_" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		assert_true(reason_exists(words[i]));
	for (size_t i = 0; i < ARRAY_SIZE(not_words); i++)
		assert_false(reason_exists(not_words[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_the_kernel),
		cmocka_unit_test(test_by_isa),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_short_words),
		cmocka_unit_test(test_what_exists),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_vmx_flags),
		cmocka_unit_test(test_not_of_vmx),
		cmocka_unit_test(test_small_buffers),
		cmocka_unit_test(test_all_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
