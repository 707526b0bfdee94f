// SPDX-License-Identifier: GPL-2.0
/* From rows of page faults to accesses, results, ranges and levels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/rec.h"
#include "util/analysis/model_fault.h"

#define NONE KVMW_NONE
#define MIB (1ULL << 20)
#define RESULT(t, k, sp, v, g, a, mm, l, p, r) { .time_ns = REC_START + (t), .span_ns = sp, \
		.vcpu = v, .kind = KVMW_fault_##k, .gpa = g, .access = a, .mmio = mm, .level = l, \
		.pfn = p, .ret_pf = r }
#define ROW(...) RESULT(__VA_ARGS__, NONE)

enum { R = 1, W = 2, X = 4 };

static const struct kvmw_fault later[] = {
	RESULT(90, PAGE_FAULT, 400, 0, 4 * MIB + 5, W, 0, 1, 7, KVMW_RET_PF_FIXED),
	/* the same range, another vCPU */
	RESULT(80, PAGE_FAULT, 600, 1, 6 * MIB - 1, W, 0, 1, 8, KVMW_RET_PF_FIXED),
	/* another VM's */
	RESULT(85, PAGE_FAULT, 50, 7, 4 * MIB, W, 0, 2, 9, KVMW_RET_PF_SPURIOUS),
	ROW(81, SET_SPTE, NONE, 0, 4 * MIB, NONE, NONE, 1, 7),
	ROW(82, SET_SPTE, NONE, 0, 0xfee00000, NONE, NONE, 1, NONE),	/* marks MMIO */
};
static const struct kvmw_fault earlier[] = {
	RESULT(10, PAGE_FAULT, 9000, 0, 0xfee000b0, W, 1, NONE, NONE, KVMW_RET_PF_EMULATE),
	ROW(11, PAGE_FAULT, 8000, 0, 0xfee01000, R, 1, NONE, NONE),	/* another page */
	ROW(12, PAGE_FAULT, NONE, 0, NONE, X, NONE, NONE, NONE),
	/* part of a fault */
	RESULT(13, FAST, NONE, 0, 4 * MIB, NONE, NONE, NONE, NONE, KVMW_RET_PF_FIXED),
	RESULT(14, PAGE_FAULT, 5, 0, UINT64_MAX - 1, 77777, 3, 9, 0, 1 << 20),
};

#define SLOT(t, v, s, g, n, r) { .time_ns = REC_START + (t), .vcpu = v, .slot = s, .gpa = g, \
				 .size = n, .kind = KVMW_memslot_SET, .result = r }
static const struct kvmw_memslot slots[] = {
	SLOT(9, 0, 5, 0, 100 * MIB, 0),			/* set last, of those that cover it all */
	SLOT(3, 0, 4, 0, 200 * MIB, 0),
	SLOT(10, 0, 6, 4 * MIB, MIB, 0),		/* a part */
	SLOT(11, 0, 0x10007, 0, 100 * MIB, 0),		/* of another address space */
	SLOT(12, 0, 8, 0, 100 * MIB, -22),		/* refused */
	SLOT(13, 0, 9, 4 * MIB, 0, 0),			/* deleted */
	SLOT(14, 7, 1, 0, 50 * MIB, 0),			/* another VM's */
};

struct made {
	struct rec_report out;
	const struct fault_model *v;
	struct rec r;
};

static void make(struct made *m, const struct report_options *opt)
{
	rec__begin(&m->r);
	rec__rows(&m->r, DATA_EVENTS, KVMW_EVENT_FAULT, later, ARRAY_SIZE(later));
	rec__rows(&m->r, DATA_EVENTS, KVMW_EVENT_MEMSLOT, slots, ARRAY_SIZE(slots));
	rec__rows(&m->r, DATA_EVENTS, KVMW_EVENT_FAULT, earlier, ARRAY_SIZE(earlier));
	rec__stop(&m->r);
	rec__end(&m->r, true);
	m->v = rec__model(&m->r, &fault_report_model, opt, NULL, 2, &m->out);
}

static void forget(struct made *m)
{
	rec__report_free(&m->out);
	unlink(m->r.path);
}

static void test_accesses(void **state)
{
	struct report_options opt = { .event = KVMW_EVENT_FAULT, .nr_sort = 1 };
	struct made m;

	make(&m, &opt);
	assert_int_equal(m.v->count, 7);
	assert_int_equal(m.v->span_ns, 400 + 600 + 50 + 9000 + 8000 + 5);
	assert_int_equal(m.v->nr_accesses, 5);
	assert_int_equal(m.v->access[0].value, W);
	assert_int_equal(m.v->access[0].mmio, 0);
	assert_int_equal(m.v->access[0].count, 3);
	assert_int_equal(m.v->access[0].span.max, 600);
	for (u32 i = 0; i < m.v->nr_accesses; i++)
		if (m.v->access[i].value == X)
			assert_int_equal(m.v->access[i].span.count, 0);
	forget(&m);
}

static void check_result(const struct fault_class *r, u16 value, u16 mmio, u64 count, u64 time)
{
	assert_int_equal(r->value, value);
	assert_int_equal(r->mmio, mmio);
	assert_int_equal(r->count, count);
	assert_int_equal(r->span.sum, time);
}

static void test_results(void **state)
{
	struct report_options opt = { .event = KVMW_EVENT_FAULT, .nr_sort = 1 };
	const struct fault_class *r;
	struct made m;

	make(&m, &opt);
	assert_int_equal(m.v->nr_results, 6);
	r = m.v->result;
	check_result(&r[0], KVMW_RET_PF_FIXED, 0, 2, 1000);
	check_result(&r[1], KVMW_RET_PF_SPURIOUS, 0, 1, 50);
	check_result(&r[2], KVMW_RET_PF_EMULATE, 1, 1, 9000);
	check_result(&r[3], FAULT_UNKNOWN, 1, 1, 8000);
	/* One that no version writes. */
	check_result(&r[4], FAULT_UNKNOWN - 1, 3, 1, 5);
	check_result(&r[5], FAULT_UNKNOWN, FAULT_UNKNOWN, 1, NONE);
	forget(&m);
}

static void test_ranges(void **state)
{
	struct report_options opt = { .event = KVMW_EVENT_FAULT, .nr_sort = 1 };
	const struct fault_range *r;
	struct made m;

	make(&m, &opt);
	assert_int_equal(m.v->nr_ranges, 5);
	assert_int_equal(m.v->no_gpa, 1);
	assert_true(m.v->several_vms);
	r = &m.v->range[0];
	assert_int_equal(r->vm, 0);
	assert_int_equal(r->gpa, 4 * MIB);
	assert_int_equal(r->size, 2 * MIB);
	assert_int_equal(r->count, 2);
	assert_int_equal(r->span.sum, 1000);
	assert_int_equal(r->slot, 5);
	assert_int_equal(r->slot_size, 100 * MIB);
	r = &m.v->range[1];
	assert_int_equal(r->gpa, 0xfee00000);
	assert_int_equal(r->size, 4096);
	assert_int_equal(r->count, 1);
	assert_true(r->slot == NONE);
	assert_int_equal(m.v->range[2].gpa, 0xfee01000);
	/* The end of all addresses: aligned, and no overflow. */
	assert_true(m.v->range[3].gpa == UINT64_MAX - 2 * MIB + 1);
	r = &m.v->range[4];
	assert_int_equal(r->vm, 1);
	assert_int_equal(r->slot, 1);
	forget(&m);
}

static void test_levels(void **state)
{
	struct report_options opt = { .event = KVMW_EVENT_FAULT, .nr_sort = 1 };
	struct made m;

	make(&m, &opt);
	assert_int_equal(m.v->faults[1], 2);
	assert_int_equal(m.v->faults[2], 1);
	assert_int_equal(m.v->faults[3], 0);
	assert_int_equal(m.v->faults[0], 2);
	assert_int_equal(m.v->mapped[1], 1);
	assert_int_equal(m.v->mapped[0], 0);
	forget(&m);
}

static void test_filters(void **state)
{
	struct report_options opt = { .event = KVMW_EVENT_FAULT, .nr_sort = 1 };
	struct made m;

	assert_int_equal(number_list__parse(&opt.vcpus, "--vcpu", "1"), 0);
	make(&m, &opt);
	assert_int_equal(m.v->count, 1);
	assert_int_equal(m.v->nr_ranges, 1);
	/* The slot was set by another thread of the VM. */
	assert_int_equal(m.v->range[0].slot, 5);
	assert_int_equal(m.v->no_gpa, 0);
	assert_int_equal(m.v->mapped[1], 0);
	forget(&m);
	number_list__free(&opt.vcpus);
}

/* What two workers keep together is within the limit; what they do not is counted. */
static void test_limit_of_all_workers(void **state)
{
	struct kept_rows kept = { .faults = REFAULTS_MAX_FAULTS - 3 };
	struct refault_rows all = { .kept = &kept }, other = { .kept = &kept }, alone = { 0 };

	for (u64 i = 0; i < 4; i++) {
		const struct refault_fault fault = { .time_ns = i };

		assert_int_equal(refault_rows__fault(&all, &fault), 0);
		assert_int_equal(refault_rows__fault(&other, &fault), 0);
		assert_int_equal(refault_rows__fault(&alone, &fault), 0);
	}
	assert_int_equal(all.nr_faults, 2);
	assert_int_equal(other.nr_faults, 1);
	assert_int_equal(alone.nr_faults, 4);
	assert_int_equal(refault_rows__merge(&all, &other), 0);
	assert_int_equal(all.nr_faults, 3);
	assert_int_equal(all.fault[2].time_ns, 0);
	assert_int_equal(all.no_fault, 2 + 3);
	assert_int_equal(kept.faults, REFAULTS_MAX_FAULTS);
	assert_int_equal(kept.taken, 0);
	refault_rows__free(&all);
	refault_rows__free(&other);
	refault_rows__free(&alone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accesses),
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_limit_of_all_workers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
