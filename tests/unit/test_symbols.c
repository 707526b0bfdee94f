// SPDX-License-Identifier: GPL-2.0
/* Names of this process's own addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/capture/symbols.h"

static int setup(void **state)
{
	*state = symbols__new();
	return !*state;
}

static int teardown(void **state)
{
	symbols__free(*state);
	return 0;
}

__attribute__((noinline)) static u64 where_it_returns(void)
{
	return (u64)__builtin_return_address(0);
}

__attribute__((noinline)) static u64 somewhere_inside(void)
{
	u64 address = where_it_returns();

	/* Lest the call above becomes a jump. */
	__asm__ volatile("" : "+r"(address));
	return address;
}

static void test_function(void **state)
{
	struct elf_place lost;
	u64 address = somewhere_inside();
	char text[256], expected[256];

	symbols__user(*state, getpid(), address, text, sizeof(text), &lost);
	snprintf(expected, sizeof(expected), "somewhere_inside+0x%llx [test_symbols]",
		 (unsigned long long)(address - (u64)somewhere_inside));
	assert_string_equal(text, expected);
}

static void test_library(void **state)
{
	struct elf_place lost;
	char text[256];

	symbols__user(*state, getpid(), (u64)getenv + 1, text, sizeof(text), &lost);
	assert_non_null(strstr(text, "getenv+0x1 ["));
}

static void test_after_call(void **state)
{
	u64 address = somewhere_inside();

	assert_true(symbols__after_call(*state, getpid(), address));
	assert_false(symbols__after_call(*state, getpid(), address + 1));
	/* Not code, not mapped. */
	assert_false(symbols__after_call(*state, getpid(), (u64)&address));
	assert_false(symbols__after_call(*state, getpid(), 0x500000004));
}

static void test_nothing_there(void **state)
{
	struct elf_place lost;
	char text[256];

	symbols__user(*state, getpid(), 0x500000004, text, sizeof(text), &lost);
	assert_string_equal(text, "0x500000004");
	/* No such process. */
	symbols__user(*state, 0x7fffffff, (u64)getenv, text, sizeof(text), &lost);
	assert_memory_equal(text, "0x", 2);
}

/* Mapped after the process was looked at first, of no file. */
static void test_mapped_later(void **state)
{
	struct elf_place lost;
	char text[256];
	void *code;

	symbols__user(*state, getpid(), (u64)getenv, text, sizeof(text), &lost);
	code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(code, MAP_FAILED);
	symbols__user(*state, getpid(), (u64)code + 0x20, text, sizeof(text), &lost);
	assert_string_equal(text, "[anon]+0x20");
	munmap(code, 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_function, setup, teardown),
		cmocka_unit_test_setup_teardown(test_library, setup, teardown),
		cmocka_unit_test_setup_teardown(test_after_call, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mapped_later, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
