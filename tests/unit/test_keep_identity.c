// SPDX-License-Identifier: GPL-2.0
/* record --keep: what IDENT frames said, and for how long it is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/keep/identity.h"

static void test_identity(void **state)
{
	struct identity id = { .changes = 0 };
	char *text, item[160];

	assert_int_equal(identity__take(&id, "{\"vms\":[{\"id\":0,\"pid\":1}],\"vcpus\":[{\"id\":4,\"vm\":0},"
					"{\"id\":5,\"vm\":0,\"gone_ns\":50}]}"), 0);
	assert_int_equal(identity__take(&id, "{\"vcpus\":[{\"id\":4,\"vm\":0,\"tid\":9}]}"), 0);
	assert_string_equal(identity__text(&id, IDENTITY_VCPUS, 4), "{\"id\":4,\"vm\":0,\"tid\":9}");
	assert_int_equal(identity__forget(&id, 50), 0);
	assert_int_equal(identity__forget(&id, 51), 1);
	assert_false(identity__has_vcpu(&id, 5));
	assert_non_null(identity__text(&id, IDENTITY_VMS, 0));
	assert_int_equal(identity__take(&id, "{\"vcpus\":[{\"id\":4,\"vm\":0,\"gone_ns\":60}]}"), 0);
	assert_int_equal(identity__forget(&id, 61), 1);
	assert_null(identity__text(&id, IDENTITY_VMS, 0));

	/* Other threads of a VMM are there until it ends; they are no vCPU that dies. */
	assert_int_equal(identity__take(&id, "{\"vms\":[{\"id\":2,\"pid\":1}],\"vcpus\":[{\"id\":9,\"vm\":2},"
					"{\"id\":8,\"vm\":2,\"role\":\"vmm\"},{\"id\":6,\"vm\":null,\"role\":\"kernel\"}]}"), 0);
	assert_int_equal(identity__take(&id, "{\"vcpus\":[{\"id\":9,\"vm\":2,\"gone_ns\":70}]}"), 0);
	assert_int_equal(identity__forget(&id, 71), 1);
	assert_non_null(identity__text(&id, IDENTITY_VMS, 2));
	assert_int_equal(identity__take(&id, "{\"vcpus\":[{\"id\":8,\"vm\":2,\"role\":\"vmm\",\"gone_ns\":80}]}"), 0);
	assert_int_equal(id.nr_gone, 3);
	assert_int_equal(identity__forget(&id, 81), 1);
	assert_null(identity__text(&id, IDENTITY_VCPUS, 8));
	assert_null(identity__text(&id, IDENTITY_VMS, 2));
	assert_non_null(identity__text(&id, IDENTITY_VCPUS, 6));

	/* Names of threads without end: the latest ones stay, and a vCPU that is there. */
	assert_int_equal(identity__take(&id, "{\"vcpus\":[{\"id\":7,\"vm\":1}]}"), 0);
	for (u32 i = 0; i < 2 * IDENTITY_MAX; i += 4) {
		snprintf(item, sizeof(item), "{\"tasks\":[{\"tid\":%u},{\"tid\":%u},{\"tid\":%u},{\"tid\":%u}]}", i, i + 1,
			 i + 2, i + 3);
		assert_int_equal(identity__take(&id, item), 0);
		assert_true(id.nr[IDENTITY_TASKS] <= IDENTITY_MAX);
	}
	assert_null(identity__text(&id, IDENTITY_TASKS, 0));
	assert_non_null(identity__text(&id, IDENTITY_TASKS, 2 * IDENTITY_MAX - 1));
	assert_true(identity__has_vcpu(&id, 7));
	text = identity__json(&id);
	assert_non_null(strstr(text, "{\"id\":7,\"vm\":1}]}\n{\"tasks\":["));
	free(text);
	identity__free(&id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
