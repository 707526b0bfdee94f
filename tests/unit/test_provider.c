// SPDX-License-Identifier: GPL-2.0
/* The tables of probes and tracepoints fit the list of events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/capture/provider.h"

/* Without a probe of its own and without a tracepoint an event would never have rows. */
static void test_every_event_is_seen(void **state)
{
	for_each_named_event(event) {
		u32 probes_used = 0;

		for (u32 probe = 0; probe < PROBE_RAW; probe++)
			probes_used +=
				probe != PROBE_ENTRY && provider__uses(BIT(event->id), probe);
		assert_true(probes_used);
	}
}

/* By VM entries a family's rows are known to be a vCPU's. */
static void test_families_know_vcpus(void **state)
{
	for_each_captured_event(event)
		if (event->class != EVENT_CYCLE && event->id != KVMW_EVENT_STACK)
			assert_true(provider__uses(BIT(event->id), PROBE_ENTRY));
}

static void check_field(const struct event_desc *event, const char *name, size_t len)
{
	int i = event_desc__field(event, name, len);

	/* Programs fill a family's own fields by number. */
	assert_true(i >= 0);
	assert_int_equal(field_type__width(event->fields[i].type), 8);
	assert_true(event->fields[i].offset >= sizeof(struct kvmw_head));
}

static void test_points(void **state)
{
	for (u32 i = 0; i < KVMW_NR_POINTS; i++) {
		const struct event_desc *event = event_desc__captured(points[i].event);
		const struct probe *probe = &probes[PROBE_POINTS + i];

		assert_int_equal(event->class, EVENT_FAMILY);
		assert_true(points[i].kind >= 1 && points[i].kind <= event->nr_kinds);
		assert_int_equal(probe->methods[0].type, ATTACH_TP);
		assert_string_equal(probe->methods[0].program, probe->methods[0].name);
		for (const char *p = points[i].fields; *p; p += strspn(p, " ")) {
			size_t len = strcspn(p, "=");

			assert_true(p[len] == '=' && p[len + 1]);
			check_field(event, p, len);
			p += strcspn(p, " ");
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_event_is_seen),
		cmocka_unit_test(test_families_know_vcpus),
		cmocka_unit_test(test_points),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
