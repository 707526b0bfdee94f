// SPDX-License-Identifier: GPL-2.0
/* From threads on and off their CPUs to what is shown of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/rec.h"
#include "util/analysis/model_sched.h"
#include "util/analysis/span_table.h"

#define NONE KVMW_NONE
#define ROW(t, v, th, k, s, o, st) { .time_ns = REC_START + (t) * REC_MS, .span_ns = s, .vcpu = v, \
		.tid = th, .kind = KVMW_sched_##k, .other = o, .state = st, .from_cpu = NONE }

/* Neither is in the order of time. */
static const struct kvmw_sched later[] = {
	ROW(1500, 0, 101, IN, 3 * REC_MS, 0, NONE),	/* on its CPU until the end */
	ROW(1490, 0, 101, WAKEUP, 40 * REC_MS, 55, NONE),
	ROW(900, 20, 101, OUT, 5 * REC_MS, 0, 1),	/* before it was known as a vCPU */
	ROW(1999, 0, 101, MIGRATE, NONE, 9, NONE),
	ROW(1600, 1, 102, OUT, NONE, 101, 0),		/* it waits until the end */
	ROW(1700, 1, 102, WAKEUP, 0, 55, NONE),
};
static const struct kvmw_sched earlier[] = {
	ROW(100, 0, 101, OUT, 7 * REC_MS, 55, 0),
	ROW(200, 0, 101, OUT, 1 * REC_MS, 56, 0),
	ROW(300, 0, 101, OUT, 1 * REC_MS, 102, 0),
	ROW(310, 0, 101, OUT, 1 * REC_MS, 102, 0),
	ROW(320, 0, 101, OUT, 1 * REC_MS, 56, 0),
	ROW(400, 0, 101, IN, 1 * REC_MS, 55, NONE),
	ROW(410, 0, 101, IN, NONE, 55, NONE),
	ROW(500, 20, 103, OUT, 2 * REC_MS, 0, 0x80),	/* it ended */
	ROW(600, 20, 104, OUT, 2 * REC_MS, 0, NONE),
	{ .time_ns = REC_START, .kind = 77, .vcpu = 3 },
};

static const struct report_options all = { .event = KVMW_EVENT_SCHED, .nr_sort = 1 };

static void write_with(struct rec *r, const char *ident)
{
	rec__begin_of(r, "{\"vms\":[{\"id\":0,\"pid\":100}],"
		  "\"vcpus\":[{\"id\":0,\"vm\":0,\"vcpu\":0,\"tid\":101,\"comm\":\"a\"},"
		  "{\"id\":1,\"vm\":0,\"vcpu\":1,\"tid\":102,\"comm\":\"b\"},"
		  "{\"id\":20,\"vm\":0,\"vcpu\":null,\"tid\":100,\"comm\":\"q\",\"role\":\"vmm\"}],"
		  "\"tasks\":[{\"tid\":55,\"comm\":\"vhost\"},{\"tid\":56,\"comm\":\"vhost\"},"
		  "{\"tid\":103,\"comm\":\"worker\"}]}");
	if (ident)
		rec__json(r, DATA_IDENT, ident);
	rec__rows(r, DATA_EVENTS, KVMW_EVENT_SCHED, later, ARRAY_SIZE(later));
	rec__rows(r, DATA_EVENTS, KVMW_EVENT_SCHED, earlier, ARRAY_SIZE(earlier));
	rec__finish(r);
}

static void write_all(struct rec *r)
{
	write_with(r, NULL);
}

static const struct sched_thread *thread(const struct sched_model *v, u32 tid)
{
	for (u32 i = 0; i < v->nr; i++)
		if (v->thread[i].tid == tid)
			return &v->thread[i];
	fail_msg("no thread %u", tid);
	return NULL;
}

static void check_threads(const struct sched_model *v)
{
	const struct sched_thread *t = thread(v, 101);

	assert_string_equal(t->name, "vCPU 0");
	assert_int_equal(t->on_ns, (16 + 500) * REC_MS);
	assert_int_equal(t->wait_ns, 4 * REC_MS);
	assert_int_equal(t->wait.count, 2);
	assert_int_equal(t->wait.max, 3 * REC_MS);
	assert_int_equal(t->asleep_ns, 40 * REC_MS);
	assert_int_equal(t->switches, 6);
	assert_int_equal(t->preempted, 5);
	assert_int_equal(t->moved, 1);
	/* Two threads of one name. */
	assert_string_equal(t->by.name, "vhost");
	assert_int_equal(t->by.count, 3);
	t = thread(v, 102);
	assert_ptr_equal(t, v->thread);
	assert_string_equal(t->name, "vCPU 1");
	assert_int_equal(t->on_ns, 0);
	assert_int_equal(t->wait_ns, 400 * REC_MS);
	assert_int_equal(t->wait.count, 0);
	t = thread(v, 103);
	assert_string_equal(t->name, "103 worker");
	assert_int_equal(t->on_ns, 2 * REC_MS);
	assert_int_equal(t->asleep_ns + t->wait_ns + t->preempted + t->by.count, 0);
	t = thread(v, 104);
	assert_string_equal(t->name, "tid 104");
	assert_int_equal(t->switches, 1);
}

static void test_threads(void **state)
{
	for (u32 threads = 1; threads < 4; threads++) {
		struct rec_report out;
		const struct sched_model *view;
		struct rec r;

		write_all(&r);
		view = rec__model(&r, &sched_report_model, &all, NULL, threads, &out);
		assert_int_equal(view->nr, 4);
		assert_int_equal(view->more + view->over_limit, 0);
		check_threads(view);
		rec__report_free(&out);
		unlink(r.path);
	}
}

/* What a thread did last it did until its vCPU died. */
static void test_gone_vcpu(void **state)
{
	const struct sched_thread *t;
	const struct sched_model *view;
	struct rec_report out;
	struct rec r;

	/* 400 ms before the end. */
	write_with(&r, "{\"vcpus\":[{\"id\":0,\"vm\":0,\"vcpu\":0,\"tid\":101,\"gone_ns\":6600000000}]}");
	view = rec__model(&r, &sched_report_model, &all, NULL, 2, &out);
	t = thread(view, 101);
	assert_int_equal(t->on_ns, (16 + 100) * REC_MS);
	assert_int_equal(t->died_ns, 1600 * REC_MS);
	assert_int_equal(t->gone_ns, 400 * REC_MS);
	assert_true(thread(view, 102)->died_ns == KVMW_NONE);
	rec__report_free(&out);
	unlink(r.path);
	/* Its thread did more after that. */
	write_with(&r, "{\"vcpus\":[{\"id\":0,\"vm\":0,\"vcpu\":0,\"tid\":101,\"gone_ns\":6400000000}]}");
	view = rec__model(&r, &sched_report_model, &all, NULL, 2, &out);
	t = thread(view, 101);
	assert_int_equal(t->on_ns, (16 + 500) * REC_MS);
	assert_true(t->died_ns == KVMW_NONE && !t->gone_ns);
	rec__report_free(&out);
	unlink(r.path);
}

/* Of a part of the time it is not known what went on at its end. */
static void test_filters(void **state)
{
	struct report_options opt = all;
	struct rec_report out;
	const struct sched_model *view;
	struct rec r;

	write_all(&r);
	number_list__parse(&opt.vcpus, "--vcpu", "0");
	view = rec__model(&r, &sched_report_model, &opt, "1,", 2, &out);
	assert_int_equal(view->nr, 1);
	assert_int_equal(view->thread[0].tid, 101);
	assert_int_equal(view->thread[0].on_ns, 0);
	assert_int_equal(view->thread[0].wait_ns, 3 * REC_MS);
	assert_int_equal(view->to_ns - view->from_ns, 1000 * REC_MS);
	rec__report_free(&out);
	number_list__free(&opt.vcpus);
	unlink(r.path);
}

static void test_many(void **state)
{
	enum { NR = 60000 };
	struct kvmw_sched *rows = calloc(NR, sizeof(*rows));
	struct rec_report out;
	const struct sched_model *view;
	struct rec r;

	rec__begin(&r);
	for (u32 k = 0; k < 3; k++) {
		for (u32 i = 0; i < NR; i++) {
			const struct kvmw_sched row =
				ROW(0, i % 7, k * NR + i, OUT, ~0ULL - 1, i, 0);

			rows[i] = row;
			rows[i].time_ns = i * 0x9e3779b97f4a7c15ULL;
		}
		rec__rows(&r, DATA_EVENTS, KVMW_EVENT_SCHED, rows, NR);
	}
	rec__finish(&r);
	view = rec__model(&r, &sched_report_model, &all, NULL, 3, &out);
	assert_int_equal(view->nr, SCHED_THREADS);
	assert_true(view->more > 0);
	/* Each row is two keys: itself, and who took the CPU. */
	assert_int_equal(view->over_limit, 2 * 3 * NR - SPAN_TABLE_MAX);
	rec__report_free(&out);
	free(rows);
	unlink(r.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_gone_vcpu),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
