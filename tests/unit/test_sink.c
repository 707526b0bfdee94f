// SPDX-License-Identifier: GPL-2.0
/* From the drain to the window: what becomes of the mark of a snapshot once all has failed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "util/capture/sink.h"

/* One that is refused is for the caller to undo; for one that was on its way, who waits is told. */
static void test_failed_snapshot(void **state)
{
	struct keep_snapshot s = { .told = eventfd(0, EFD_NONBLOCK) };
	struct batch *batch = calloc(1, sizeof(*batch));
	struct keep_window w;
	struct sink *sink;
	u64 times;

	assert_int_equal(keep_window__init(&w, 1 << 20, NSEC_PER_SEC), 0);
	sink = sink__new(NULL, &w, NULL);
	assert_non_null(sink);
	assert_non_null(batch);
	sink__fail(sink);
	assert_int_equal(sink__mark(sink, MARK_SNAPSHOT, &s), -1);
	assert_false(s.failed);
	batch->mark = MARK_SNAPSHOT;
	batch->snapshot = &s;
	sink__put(sink, batch);
	assert_int_equal(sink__finish(sink), -1);
	assert_true(s.failed);
	assert_int_equal(read(s.told, &times, sizeof(times)), sizeof(times));
	assert_int_equal(times, 1);
	keep_window__free(&w);
	close(s.told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failed_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
