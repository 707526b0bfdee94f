// SPDX-License-Identifier: GPL-2.0
/* Functions of the guest that go into a recording: each once, before the first row about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/capture/guest_names.h"

#define KERNEL	0xffffffff81000000ULL
#define NR	20000

static struct guest_symbols *some_symbols(u32 nr)
{
	struct guest_symbols *s = guest_symbols__new();
	char name[24];

	for (u64 i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "f%llu", (unsigned long long)i);
		assert_int_equal(guest_symbols__add(s, KERNEL + 16 * i, 0, RANK_LOCAL, name,
						    i == 1 ? "mod" : NULL), 0);
	}
	assert_int_equal(guest_symbols__prepare(s), 0);
	return s;
}

/* What is said of exits at these addresses; "" for nothing. */
static void expect(struct guest_names *names, const u64 *rip, u32 nr, bool nested, const char *want)
{
	struct kvmw_exit rows[8] = {};
	char *json;

	for (u32 i = 0; i < nr; i++)
		rows[i] = (struct kvmw_exit) { .rip = rip[i], .nested = nested };
	assert_int_equal(guest_names__note(names, event_desc__by_id(KVMW_EVENT_EXIT), (void *)rows,
					   nr, &json),
			 0);
	assert_string_equal(json ?: "", want);
	free(json);
}

static void test_each_once(void **state)
{
	static const u64 first[] = { KERNEL + 1, KERNEL + 2, 5, KERNEL + 16 },
			 again[] = { KERNEL + 31, KERNEL };
	static const u64 other[] = { KERNEL + 32 }, unknown[] = { KVMW_NONE, 0, KERNEL - 1 };
	struct guest_symbols *s = some_symbols(4);
	struct guest_names *names = guest_names__new(s);

	expect(names, unknown, 3, false, "");
	expect(names, first, 4, false, "{\"vms\":[],\"symbols\":["
	       "{\"from\":18446744071578845184,\"to\":18446744071578845200,\"name\":\"f0\"},"
	       "{\"from\":18446744071578845200,\"to\":18446744071578845216,\"name\":\"f1\",\"module\":\"mod\"}]}");
	expect(names, again, 2, false, "");
	/* Of a guest in the guest. */
	expect(names, other, 1, true, "");
	expect(names, other, 1, false, "{\"vms\":[],\"symbols\":["
	       "{\"from\":18446744071578845216,\"to\":18446744071578845232,\"name\":\"f2\"}]}");
	assert_false(guest_names__left_out(names));
	guest_names__free(names);
	guest_symbols__free(s);
}

static void test_no_more_than_a_reader_takes(void **state)
{
	struct guest_symbols *s = some_symbols(NR);
	struct guest_names *names = guest_names__new(s);
	struct kvmw_exit *rows = calloc(NR, sizeof(*rows));
	u32 nr = 0;
	char *json;

	for (u32 i = 0; i < NR; i++)
		rows[i].rip = KERNEL + 16 * i;
	assert_int_equal(guest_names__note(names, event_desc__by_id(KVMW_EVENT_EXIT), (void *)rows,
					   NR, &json),
			 0);
	for (const char *p = json; (p = strstr(p, "\"name\"")); p++)
		nr++;
	assert_int_equal(nr, GUEST_SYMBOLS_STORED);
	assert_true(guest_names__left_out(names));
	free(json);
	free(rows);
	guest_names__free(names);
	guest_symbols__free(s);
}

static void test_events(void **state)
{
	assert_true(guest_names__are_in(BIT(KVMW_EVENT_EXIT)) &&
		    guest_names__are_in(BIT(KVMW_EVENT_FAULT)) &&
		    guest_names__are_in(BIT(KVMW_EVENT_NESTED) | BIT(KVMW_EVENT_IRQ)));
	assert_false(guest_names__are_in(BIT(KVMW_EVENT_IRQ) | BIT(KVMW_EVENT_USERSPACE)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_once),
		cmocka_unit_test(test_no_more_than_a_reader_takes),
		cmocka_unit_test(test_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
