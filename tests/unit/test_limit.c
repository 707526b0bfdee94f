// SPDX-License-Identifier: GPL-2.0
/* record --cpu-limit: when less is recorded, and more again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "builtin-record-limit.h"

#define AT(seconds)	((seconds) * NSEC_PER_SEC)

/* For so many seconds: its cost is fixed plus each, ns for a recorded event, of so many. */
static void run(struct record_limit *l, u64 *second, u32 seconds, double events, double fixed,
		double each)
{
	static const double one_in[LIMIT_STEPS] = { 1, 10, 100, 1e9 };

	for (u32 i = 0; i < seconds; i++) {
		double percent = fixed + events * each / one_in[l->step] / NSEC_PER_SEC * 100;
		u32 step = record_limit__next(l, percent, events, AT(++*second));

		if (step != l->step)
			l->step_ns = AT(*second);
		l->step = step;
	}
}

static void test_steps(void **state)
{
	struct record_limit l = { .most = 3 };
	u64 second = 0;

	/* 1 % is well below it. */
	run(&l, &second, 100, 10000, 0, 1000);
	assert_int_equal(l.step, 0);
	/* A single second is none. */
	run(&l, &second, 1, 100000, 0, 1000);
	run(&l, &second, 1, 10000, 0, 1000);
	run(&l, &second, 1, 100000, 0, 1000);
	assert_int_equal(l.step, 0);
	/* 10 %: one in 10 costs 1 %, and stays as long as all would cost more than there is. */
	run(&l, &second, 100, 100000, 0, 1000);
	assert_int_equal(l.step, 1);
	/* 2.9 % would leave no room; 2 % does. */
	run(&l, &second, 100, 29000, 0, 1000);
	assert_int_equal(l.step, 1);
	run(&l, &second, 9, 20000, 0, 1000);
	assert_int_equal(l.step, 1);
	/* Ten seconds in a row. */
	run(&l, &second, 1, 29000, 0, 1000);
	run(&l, &second, 9, 20000, 0, 1000);
	assert_int_equal(l.step, 1);
	run(&l, &second, 1, 20000, 0, 1000);
	assert_int_equal(l.step, 0);
	/* What no step helps against ends with the last one. */
	run(&l, &second, 100, 1000, 5, 0);
	assert_int_equal(l.step, LIMIT_STEPS - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
