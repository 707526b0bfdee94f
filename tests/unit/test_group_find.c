// SPDX-License-Identifier: GPL-2.0
/* Which control groups are a container's; hierarchies need root: tests/test_record_select.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/capture/group_find.h"

#define ID	"0f3a61d4c2b81e5f7a90"

static void test_containers(void **state)
{
	static const char *const has_it[] = {
		ID, "docker-" ID ".scope", "libpod-" ID ".scope", "libpod-" ID,
		"cri-containerd-" ID ".scope",
		"crio-" ID ".scope", "nerdctl-" ID ".scope", "lxc.payload." ID, "machine-" ID ".scope",
	};
	static const char *const has_not[] = {
		"", "docker-", "docker-.scope", "libpod-conmon-" ID ".scope", "crio-conmon-" ID ".scope", "1" ID,
		"docker-1" ID ".scope", "0f3a", ".scope", "user-" ID ".slice",
	};

	for (size_t i = 0; i < ARRAY_SIZE(has_it); i++) {
		assert_true(group_find__is_container(has_it[i], ID));
		assert_true(group_find__is_container(has_it[i], "0f3a61"));
		assert_false(group_find__is_container(has_it[i], ID "0"));
		assert_false(group_find__is_container(has_it[i], "0f3a62"));
	}
	for (size_t i = 0; i < ARRAY_SIZE(has_not); i++)
		assert_false(group_find__is_container(has_not[i], ID));
}

static void test_pods(void **state)
{
	static const char uid[] = "b1f0c6de-55aa-4c1e-9b0e-0a1b2c3d4e5f";
	static const char *const has_it[] = {
		"podb1f0c6de-55aa-4c1e-9b0e-0a1b2c3d4e5f",
		"kubepods-podb1f0c6de_55aa_4c1e_9b0e_0a1b2c3d4e5f.slice",
		"kubepods-besteffort-podb1f0c6de_55aa_4c1e_9b0e_0a1b2c3d4e5f.slice",
		"kubepods-burstable-podb1f0c6de_55aa_4c1e_9b0e_0a1b2c3d4e5f.slice",
	};

	for (size_t i = 0; i < ARRAY_SIZE(has_it); i++) {
		assert_true(group_find__is_container(has_it[i], uid));
		assert_true(group_find__is_container(has_it[i], "b1f0c6de-55"));
		assert_false(group_find__is_container(has_it[i], "b1f0c6de-56"));
	}
	assert_false(group_find__is_container("kubepods-besteffort.slice", "b"));
}

/* Others than containers begin with the word, too. */
static void test_words(void **state)
{
	static const char *const other[] = {
		"web.service", "system.slice", "user.slice", "dev-mqueue.mount", "deadbeef.service", "init.scope",
	};
	static const char *const words[] = { "web", "system", "user", "d", "dead", "deadbeef",
					     "init" };

	for (size_t i = 0; i < ARRAY_SIZE(other); i++)
		for (size_t k = 0; k < ARRAY_SIZE(words); k++)
			assert_false(group_find__is_container(other[i], words[k]));
	assert_true(group_find__is_container("lxc.payload.web", "web"));
	assert_true(group_find__is_container("machine-web.scope", "web"));
	assert_false(group_find__is_container("0f3a61x", "0f3a61"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_containers),
		cmocka_unit_test(test_pods),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
