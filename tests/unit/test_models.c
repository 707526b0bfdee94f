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

/* Memory that was taken from a VM, and its slots: what the file above lacks. */
static void make_taken(struct rec *r)
{
	struct kvmw_memslot slot[50];
	struct kvmw_mmu row[300];

	for (u32 i = 0; i < ARRAY_SIZE(slot); i++)
		slot[i] = (struct kvmw_memslot) {
			.time_ns = REC_START + i, .kind = KVMW_memslot_SET, .slot = i,
			.gpa = (u64)i << 22, .size = 1 << 22,
			.hva = 0x7f0000000000 + ((u64)i << 22),
		};
	for (u32 i = 0; i < ARRAY_SIZE(row); i++)
		row[i] = (struct kvmw_mmu) {
			.time_ns = REC_START + 100 + i, .kind = KVMW_mmu_INVALIDATE, .tid = i,
			.start = 0x7f0000000000 + ((u64)i << 19),
			.end = 0x7f0000000000 + ((u64)(i + 1) << 19),
			.cause = KVMW_CAUSE_CLEAR, .syscall = KVMW_NONE,
		};
	rec__begin(r);
	rec__rows(r, DATA_EVENTS, KVMW_EVENT_MEMSLOT, slot, ARRAY_SIZE(slot));
	rec__rows(r, DATA_EVENTS, KVMW_EVENT_MMU, row, ARRAY_SIZE(row));
	rec__finish(r);
}

/* The finish of one model with so many bytes more than the scan took. */
static int finish_with(const struct rec *rec, const struct report_model *model, size_t more)
{
	struct budget budget = { 0 };
	struct report_options opt = { .event = model->event, .nr_sort = 1, .budget = &budget };
	struct rec_report out;
	int ret;

	rec__model_state(rec, model, &opt, NULL, 2, &out);
	assert_true(budget.used > 0);
	budget.limit = budget.used + more;
	ret = model->finish(out.state, &out.rep);
	rec__report_free(&out);
	assert_int_equal(budget.used, 0);
	return ret;
}

static void test_out_of_memory(void **state)
{
	struct rec taken;
	u32 models = 0;

	make_taken(&taken);
	for (u32 event = 1; event < 32; event++) {
		const struct report_model *model = report_model__find(event);
		const struct rec *rec = event == KVMW_EVENT_MMU ? &taken : &families;
		size_t more = 0;

		if (!model)
			continue;
		models++;
		assert_int_equal(finish_with(rec, model, more), -1);
		/* Wherever it fails, all that it took is given back. */
		while (finish_with(rec, model, more))
			more += more / 4 + 16;
		assert_true(more > 0);
	}
	assert_int_equal(models, 6);
	unlink(taken.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
