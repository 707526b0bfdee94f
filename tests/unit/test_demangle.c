// SPDX-License-Identifier: GPL-2.0
/* Functions of C++ and Rust, and what only looks like them. */
#include "util/symbols/demangle.h"
#include "util/types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static void test_names(void **state)
{
	static const struct { const char *frame, *is; } names[] = {
		{ "_ZN3vmm6Device4readERKSsi+0x10 [vmm]", "vmm::Device::read+0x10 [vmm]" },
		{ "_ZNSt6vectorIiSaIiEE9push_backEOi+0x0 [a b]",
		  "std::vector<int, std::allocator<int> >::push_back+0x0 [a b]" },
		{ "_ZN4core3fmt5Write9write_str17h0123456789abcdefE+0x7", "core::fmt::Write::write_str+0x7" },
		{ "_RNvCs1234_7mycrate3foo+0x1 [firecracker]", "mycrate::foo+0x1 [firecracker]" },
		{ "_RNvCs1234_7mycrate3foo", "mycrate::foo" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char buf[256];

		assert_true(demangle__frame(names[i].frame, buf, sizeof(buf)));
		assert_string_equal(buf, names[i].is);
	}
}

static void test_others(void **state)
{
	static const char *const others[] = {
		"", "main+0x1 [vmm]", "_Z", "_R", "_Zq+0x1", "_RNvC", "_ZN", "+0x10", "_ZN3vmm", "_Z+0x1",
	};
	char buf[256];

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(demangle__frame(others[i], buf, sizeof(buf)));
}

/* f<A<int, int>, B, C, ...>, each a pair of the one before: the last name has 2^40 times int. */
static void test_endless(void **state)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char name[1024] = "_Z1fI1AIiiE", whole[64], buf[2048], last[8] = "1";

	for (u32 i = 0; i < 40; i++) {
		size_t len = strlen(name);

		snprintf(name + len, sizeof(name) - len, "S0_IS%s_S%s_E", last, last);
		snprintf(last, sizeof(last), i + 2 < 36 ? "%c" : "1%c", digits[(i + 2) % 36]);
		if (i)
			continue;
		snprintf(whole, sizeof(whole), "%sEvv", name);
		assert_true(demangle__frame(whole, buf, sizeof(buf)));
		assert_string_equal(buf, "f<A<int, int>, A<A<int, int>, A<int, int> > >");
	}
	strcat(name, "Evv");
	assert_false(demangle__frame(name, buf, sizeof(buf)));
}

/* What does not fit is not cut: the place in the function would be. */
static void test_room(void **state)
{
	static const char frame[] = "_ZN3foo3barEv+0x10 [vmm]", is[] = "foo::bar+0x10 [vmm]";
	char buf[sizeof(is)];

	assert_true(demangle__frame(frame, buf, sizeof(is)));
	assert_string_equal(buf, is);
	for (size_t size = 1; size < sizeof(is); size++)
		assert_false(demangle__frame(frame, buf, size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
