// SPDX-License-Identifier: GPL-2.0
/* The words of -e and --stack, and the events they stand for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/capture/events_option.h"

#define E(NAME) BIT(KVMW_EVENT_##NAME)

static u32 events_of(const char *names)
{
	struct event_choice choice = { 0 };

	assert_int_equal(events_option__parse(&choice, names), 0);
	return choice.events;
}

/* Every name that the list of events has. */
static void test_names(void **state)
{
	for_each_named_event(event) {
		struct event_choice choice = { 0 };

		assert_int_equal(events_option__parse(&choice, event->name), 0);
		assert_int_equal(choice.events, BIT(event->id));
		assert_int_equal(choice.named, BIT(event->id));
	}
	assert_int_equal(events_of("irq,exit,irq"), E(IRQ) | E(EXIT));
}

static void test_groups(void **state)
{
	struct event_choice choice = { 0 };
	u32 all = events_of("all");

	for_each_captured_event(event)
		assert_int_equal(!(all & BIT(event->id)), event->apart);
	assert_false(all & (E(STACK) | E(RAW)));
	assert_int_equal(events_of("memory"), E(FAULT) | E(DIRTY) | E(MMU) | E(MEMSLOT));
	assert_int_equal(events_of("vmm"), E(USERSPACE) | E(IOCTL) | E(MEMSLOT));
	assert_int_equal(events_of("scheduling,stack"), E(HALT) | E(SCHED) | E(STACK));
	assert_int_equal(events_option__defaults(), E(EXIT));
	/* An event requested only by its group is skipped where the kernel lacks it. */
	assert_int_equal(events_option__parse(&choice, "interrupts,timer"), 0);
	assert_int_equal(choice.events, E(IRQ) | E(TIMER));
	assert_int_equal(choice.named, E(TIMER));
}

static void test_tracepoints(void **state)
{
	struct event_choice choice = { 0 };

	assert_int_equal(events_option__parse(&choice, "kvm:kvm_pio,exit,kvm:kvm_pio,sched:x"), 0);
	assert_int_equal(choice.events, E(RAW) | E(EXIT));
	assert_int_equal(choice.nr_raw, 2);
	assert_string_equal(choice.raw[1].category, "sched");
	assert_string_equal(choice.raw[1].name, "x");
}

static void test_bad(void **state)
{
	static const char *const bad[] = { "", "exits", "raw", "total", "exit,", ",exit", "EXIT",
					   "exit ", "kvm:", ":kvm_pio", "a/b:c" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct event_choice choice = { 0 };

		assert_int_equal(events_option__parse(&choice, bad[i]), -1);
	}
}

static void test_stacks(void **state)
{
	struct event_choice choice = { 0 };

	assert_int_equal(events_option__stacks(&choice, "exit"), 0);
	assert_int_equal(choice.stacks, BIT(KVMW_stack_EXIT));
	assert_int_equal(choice.events, E(EXIT) | E(STACK));
	assert_int_equal(events_option__stacks(&choice, "userspace,exit"), 0);
	assert_int_equal(choice.events, E(EXIT) | E(USERSPACE) | E(STACK));
	choice = (struct event_choice) { 0 };
	assert_int_equal(events_option__stacks(&choice, "fault,ioctl"), 0);
	assert_int_equal(choice.stacks, BIT(KVMW_stack_FAULT) | BIT(KVMW_stack_IOCTL));
	assert_int_equal(choice.events, E(FAULT) | E(IOCTL) | E(STACK));
	choice = (struct event_choice) { 0 };
	assert_int_equal(events_option__stacks(&choice, "vmm"), 0);
	assert_int_equal(choice.stacks, BIT(KVMW_stack_VMM));
	assert_int_equal(choice.events, E(STACK));
	assert_int_equal(events_option__stacks(&choice, "halt"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_tracepoints),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_stacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
