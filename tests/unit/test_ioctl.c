// SPDX-License-Identifier: GPL-2.0
/* Names of ioctls and hypercalls, against the headers of this machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/kvm.h>
#include <linux/kvm_para.h>
#include <sys/ioctl.h>

#include "util/arch/ioctl.h"
#include "util/arch/names.h"

static void test_ioctls_are_the_headers(void **state)
{
	static const struct { u32 ours, theirs; const char *name; } list[] = {
#define IOCTL(name, number) { number, name, #name },
		KVMW_IOCTLS(IOCTL)
	};

	assert_true(ARRAY_SIZE(list) > 90);
	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		if (list[i].ours != list[i].theirs)
			fail_msg("%s is 0x%x, not 0x%x", list[i].name, list[i].theirs,
				 list[i].ours);
		assert_string_equal(ioctl_name(list[i].theirs), list[i].name);
	}
}

static void test_ioctls_of_another_size(void **state)
{
	assert_string_equal(ioctl_name(KVM_SET_SREGS + (8u << 16)), "KVM_SET_SREGS");
	assert_string_equal(ioctl_name(_IOW(KVMIO, 0x49, char[160])),
			    "KVM_SET_USER_MEMORY_REGION2");
	assert_null(ioctl_name(_IO(KVMIO, 0xff)));
	assert_null(ioctl_name(_IO('T', 0x80)));
	assert_null(ioctl_name(0));
}

static void test_hypercalls(void **state)
{
	assert_string_equal(hypercall_name(KVM_HC_KICK_CPU), "KVM_HC_KICK_CPU");
	assert_string_equal(hypercall_name(KVM_HC_SEND_IPI), "KVM_HC_SEND_IPI");
	assert_string_equal(hypercall_name(KVM_HC_MAP_GPA_RANGE), "KVM_HC_MAP_GPA_RANGE");
	assert_null(hypercall_name(0));
	assert_null(hypercall_name(1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ioctls_are_the_headers),
		cmocka_unit_test(test_ioctls_of_another_size),
		cmocka_unit_test(test_hypercalls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
