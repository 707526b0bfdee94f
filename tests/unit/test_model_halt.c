// SPDX-License-Identifier: GPL-2.0
/* From halts to what is shown of them; a value over time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/rec.h"
#include "util/analysis/model_halt.h"

#define NONE KVMW_NONE
#define HALT(t, v, s, p, sl, va, w) { .time_ns = REC_START + (t) * REC_MS, .span_ns = s, \
		.vcpu = v, .kind = KVMW_halt_WAKEUP, .poll_ns = p, .slept = sl, .valid = va, \
		.waker = w, .grow = NONE, .window_ns = NONE, .old_window_ns = NONE }
#define WINDOW(t, v, o, n) { .time_ns = REC_START + (t) * REC_MS, .span_ns = NONE, .vcpu = v, \
		.kind = KVMW_halt_WINDOW, .poll_ns = NONE, .slept = NONE, .valid = NONE, \
		.waker = NONE, .grow = NONE, .window_ns = n, .old_window_ns = o }

/* Neither is in the order of time. */
static const struct kvmw_halt later[] = {
	HALT(1900, 0, 4000, NONE, 1, 1, 102),	/* unknown whether it polled */
	WINDOW(1500, 0, 20000, 0),
	WINDOW(1000, 0, 10000, 20000),
	HALT(1100, 1, NONE, NONE, NONE, NONE, NONE),
};
static const struct kvmw_halt earlier[] = {
	WINDOW(500, 0, 0, 10000),
	HALT(100, 0, 1000, 1000, 0, 1, NONE),	/* paid off */
	HALT(200, 0, 3000, 500, 1, 0, 0),	/* did not; by an interrupt */
	HALT(300, 0, 8000, 0, 1, 1, 0),		/* did not poll */
	HALT(400, 0, 2000, 500, 1, 1, 55),	/* the other thread called so is 56 */
	HALT(401, 0, 2000, 500, 1, 1, 56),
	HALT(402, 0, 2000, 500, 1, 1, 56),
	HALT(403, 0, 2000, 500, 1, 1, 99),	/* nobody knows it */
	HALT(404, 7, 2000, 500, 1, 1, 0),
	{ .time_ns = REC_START, .kind = 77, .vcpu = 3 },
};

static const struct report_options all = { .event = KVMW_EVENT_HALT, .nr_sort = 1 };

static void write_all(struct rec *r)
{
	rec__begin(r);
	rec__json(r, DATA_IDENT, "{\"tasks\":[{\"tid\":55,\"comm\":\"vhost\"},"
		  "{\"tid\":56,\"comm\":\"vhost\"}]}");
	rec__rows(r, DATA_EVENTS, KVMW_EVENT_HALT, later, ARRAY_SIZE(later));
	rec__rows(r, DATA_EVENTS, KVMW_EVENT_HALT, earlier, ARRAY_SIZE(earlier));
	rec__finish(r);
}

static void waker(const struct halt_vcpu *v, u32 i, const char *name, u64 count)
{
	assert_true(i < v->nr_wakers);
	assert_string_equal(v->waker[i].name, name);
	assert_int_equal(v->waker[i].count, count);
}

static void test_vcpus(void **state)
{
	for (u32 threads = 1; threads < 4; threads++) {
		const struct halt_vcpu *v;
		struct rec_report out;
		const struct halt_model *view;
		struct rec r;

		write_all(&r);
		view = rec__model(&r, &halt_report_model, &all, NULL, threads, &out);
		assert_int_equal(view->from_ns, REC_START);
		assert_int_equal(view->to_ns, REC_STOP);
		assert_int_equal(view->over_limit, 0);
		assert_int_equal(view->nr, 3);
		v = &view->vcpu[0];
		assert_string_equal(v->name, "vCPU 100/0");
		assert_int_equal(v->halts, 8);
		assert_int_equal(v->span.sum, 24000);
		assert_int_equal(v->span.max, 8000);
		assert_int_equal(v->polls, 6);
		assert_int_equal(v->paid, 1);
		assert_int_equal(v->poll_ns, 3500);
		assert_int_equal(v->valid, 7);
		assert_int_equal(v->invalid, 1);
		assert_int_equal(v->woken, 7);
		assert_int_equal(v->nr_wakers, 4);
		waker(v, 0, "vhost", 3);
		waker(v, 1, "interrupt", 2);
		waker(v, 2, "tid 99", 1);
		waker(v, 3, "vCPU 100/1", 1);
		assert_int_equal(v->grew, 2);
		assert_int_equal(v->shrank, 1);
		assert_non_null(v->window);
		v = &view->vcpu[1];
		assert_int_equal(v->halts, 1);
		assert_int_equal(v->span.count, 0);
		assert_true(v->halted_ns == NONE);
		assert_null(v->window);
		assert_int_equal(v->polls + v->valid + v->invalid + v->woken, 0);
		assert_string_equal(view->vcpu[2].name, "vCPU 200/0");
		rec__report_free(&out);
		unlink(r.path);
	}
}

static void test_filters(void **state)
{
	struct report_options opt = all;
	struct rec_report out;
	const struct halt_model *view;
	struct rec r;

	write_all(&r);
	number_list__parse(&opt.pids, "--pid", "200");
	view = rec__model(&r, &halt_report_model, &opt, "0.35,0.405", 2, &out);
	assert_int_equal(view->nr, 1);
	assert_int_equal(view->vcpu[0].id, 7);
	assert_int_equal(view->vcpu[0].halts, 1);
	assert_int_equal(view->from_ns, REC_START + 350 * REC_MS);
	assert_int_equal(view->to_ns, REC_START + 405 * REC_MS);
	rec__report_free(&out);
	number_list__free(&opt.pids);
	unlink(r.path);
}

/* Anything may be in a file: what is kept is bounded, the rest is counted. */
static void test_many(void **state)
{
	enum { NR = 60000 };
	struct kvmw_halt *rows = calloc(NR, sizeof(*rows));
	struct rec_report out;
	const struct halt_model *view;
	struct rec r;
	u64 halts = 0;

	for (u32 i = 0; i < NR; i++) {
		const struct kvmw_halt halt = HALT(0, i, ~0ULL - i % 3, ~0ULL - 1, i, i, ~0ULL - 1);
		const struct kvmw_halt window = WINDOW(0, i, ~0ULL - 2, i);

		rows[i] = i % 2 ? halt : window;
		rows[i].time_ns = i * 0x9e3779b97f4a7c15ULL;
	}
	rec__begin(&r);
	rec__rows(&r, DATA_EVENTS, KVMW_EVENT_HALT, rows, NR);
	rec__finish(&r);
	view = rec__model(&r, &halt_report_model, &all, NULL, 3, &out);
	assert_int_equal(view->nr, HALT_VCPUS);
	for (u32 i = 0; i < view->nr; i++)
		halts += view->vcpu[i].halts;
	assert_true(halts > 0 && view->over_limit > NR / 2);
	rec__report_free(&out);
	free(rows);
	unlink(r.path);
}

/* ---- steps ---------------------------------------------------------------- */

static void columns(const struct max_series *s, u64 from, u64 to, const u64 *want, u32 nr)
{
	u64 out[16];

	max_series__columns(s, from, to, nr, out);
	for (u32 i = 0; i < nr; i++)
		assert_int_equal(out[i], want[i]);
}

static void test_steps(void **state)
{
	static const struct { u64 at, old, now; } changes[] = {
		{ 5500, 40, 0 }, { 2500, 10, 20 }, { 2600, 20, 40 }, { 7100, 0, 10 },
		{ 7200, 10, 0 },
	};
	static const u64 want[] = { 10, 10, 40, 40, 40, 40, 0, 10, 0, 0 };
	static const u64 unknown[] = { NONE, NONE };
	struct max_series s = { 0 }, a = { 0 }, b = { 0 };

	columns(&s, 0, 1000, unknown, 2);
	for (u32 i = 0; i < ARRAY_SIZE(changes); i++) {
		max_series__add(&s, changes[i].at, changes[i].old, changes[i].now);
		max_series__add(i % 2 ? &a : &b, changes[i].at, changes[i].old, changes[i].now);
	}
	columns(&s, 0, 10000, want, 10);
	max_series__merge(&a, &b);
	assert_int_equal(a.changes, s.changes);
	columns(&a, 0, 10000, want, 10);
	/* What came before and after is cut off, not lost. */
	columns(&s, 3000, 5000, want + 3, 2);
	columns(&s, 9000, 9000, want + 8, 1);
}

static void test_cut(void **state)
{
	u64 out[4] = { 1, 2, 3, 4 };

	max_series__cut(1000, 2000, 2000, 4, out);
	assert_int_equal(out[3], 4);
	max_series__cut(1000, 2000, 1500, 4, out);
	assert_true(out[2] == 3 && out[3] == NONE);
	max_series__cut(1000, 2000, 500, 4, out);
	assert_true(out[0] == 1 && out[1] == NONE && out[2] == NONE);
}

/* However far times are apart, and in whatever order they come. */
static void test_steps_of_any_time(void **state)
{
	struct max_series s = { 0 }, late = { 0 }, whole = { 0 };
	u64 out[8];

	max_series__add(&s, UINT64_MAX - 1, 1, 2);
	max_series__add(&s, 0, NONE, 1);
	max_series__add(&late, 7, 1, 9);
	max_series__add(&late, 8, 9, 1);
	max_series__merge(&s, &late);
	assert_int_equal(s.changes, 4);
	max_series__columns(&s, 0, UINT64_MAX, 8, out);
	assert_int_equal(out[0], 9);
	assert_int_equal(out[4], 1);
	assert_int_equal(out[7], 2);
	for (u64 i = 0; i < 5000; i++)
		max_series__add(&whole, (i * 7919 % 5000) << 20, i * 7919 % 5000,
				i * 7919 % 5000 + 1);
	max_series__columns(&whole, 0, 5000ULL << 20, 5, out);
	for (u32 i = 0; i < 5; i++)
		assert_in_range(out[i], 1000 * (i + 1) - 40, 1000 * (i + 1) + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vcpus),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_steps_of_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
