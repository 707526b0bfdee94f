// SPDX-License-Identifier: GPL-2.0
/* From the rows of table "host" to what changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/rec.h"
#include "util/analysis/host_facts.h"

#define ROW(m, k, v, t) { .time_ns = (m) == 1 ? 5000 * REC_MS : 7000 * REC_MS, .moment = m, \
		.kind = KVMW_host_##k, .value = v, .text = t }
#define NO	(~0U)

static const struct kvmw_host rows[] = {
	ROW(1, STEAL, 7, NO), ROW(2, STEAL, 7 + 1000 * REC_MS, NO),
	/* More than there is; a clock that went back. */
	ROW(1, IDLE, 0, NO), ROW(2, IDLE, KVMW_NONE - 1, NO),
	ROW(1, KSM_SHARING, 10, NO), ROW(2, KSM_SHARING, 4, NO),
	ROW(1, THP, KVMW_NONE, 77), ROW(2, LOAD, KVMW_NONE, 0),
	ROW(3, KSM, 1, NO), { .moment = 1, .kind = 999, .value = 1, .text = 0 },
};

static void test_changes(void **state)
{
	struct rec_report out;
	struct host_facts facts;
	struct report_options opt = { .nr_sort = 1 };
	struct rec r;

	rec__begin(&r);
	rec__json(&r, DATA_IDENT, "{\"texts\":[{\"id\":0,\"text\":\"0.1 0.2\"}]}");
	rec__rows(&r, DATA_STATS, KVMW_EVENT_HOST, rows, ARRAY_SIZE(rows));
	rec__finish(&r);
	rec__report(&r, &opt, NULL, &out);
	assert_non_null(out.rep.host);
	assert_int_equal(host_facts__make(&facts, out.rec), 0);
	assert_int_equal(facts.nr, 5);
	assert_null(host_facts__find(&facts, KVMW_host_KSM));
	/* A second of two CPUs' two. */
	assert_int_equal(host_facts__find(&facts, KVMW_host_STEAL)->change, 1000 * REC_MS);
	assert_true(host_facts__find(&facts, KVMW_host_STEAL)->percent == 25);
	assert_true(host_facts__find(&facts, KVMW_host_IDLE)->percent == 100);
	assert_int_equal((s64)host_facts__find(&facts, KVMW_host_KSM_SHARING)->change, -6);
	assert_string_equal(host_facts__find(&facts, KVMW_host_THP)->text, "");
	assert_string_equal(host_facts__find(&facts, KVMW_host_LOAD)->text, "0.1 0.2");
	assert_int_equal(host_facts__find(&facts, KVMW_host_LOAD)->change, KVMW_NONE);
	host_facts__free(&facts);
	rec__report_free(&out);
	unlink(r.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
