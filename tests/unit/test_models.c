// SPDX-License-Identifier: GPL-2.0
/* What all models of views have in common: they fail cleanly when memory runs out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/rec.h"
#include "util/memory.h"

static const struct rec families = { .path = "tests/data/svm-families.kvmw" };

/* The finish of one model with so many bytes more than the scan took. */
static int finish_with(const struct report_model *model, size_t more)
{
	struct budget budget = { 0 };
	struct report_options opt = { .event = model->event, .nr_sort = 1, .budget = &budget };
	struct rec_report out;
	int ret;

	rec__model_state(&families, model, &opt, NULL, 2, &out);
	assert_true(budget.used > 0);
	budget.limit = budget.used + more;
	ret = model->finish(out.state, &out.rep);
	rec__report_free(&out);
	assert_int_equal(budget.used, 0);
	return ret;
}

static void test_out_of_memory(void **state)
{
	u32 models = 0;

	for (u32 event = 1; event < 32; event++) {
		const struct report_model *model = report_model__find(event);
		size_t more = 0;

		if (!model)
			continue;
		models++;
		assert_int_equal(finish_with(model, more), -1);
		/* Wherever it fails, all that it took is given back. */
		while (finish_with(model, more))
			more += more / 4 + 16;
		assert_true(more > 0);
	}
	assert_int_equal(models, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
