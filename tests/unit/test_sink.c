// SPDX-License-Identifier: GPL-2.0
/* From the drain to the window: the mark of a snapshot once all has failed; the memory of rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
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

static int take_nothing(void *arg, const struct batch *b)
{
	return 0;
}

static struct batch *exits(struct sink *sink, u32 nr, u32 room)
{
	const struct event_desc *exit = event_desc__by_id(KVMW_EVENT_EXIT);
	struct batch *b = sink__batch(sink, DATA_EVENTS, exit, 0, room);

	assert_non_null(b);
	assert_non_null(b->rows);
	memset(b->rows, 0xff, (size_t)nr * b->event->size);
	b->nr = nr;
	return b;
}

/* The rows of a batch serve another one, as long as that uses most of what was touched. */
static void test_rows_are_used_again(void **state)
{
	struct sink *sink = sink__to(take_nothing, NULL);
	size_t touched = 900 * sizeof(struct kvmw_exit);
	struct batch *b;
	u8 *rows;

	assert_non_null(sink);
	b = exits(sink, 900, 1000);
	assert_int_equal(b->touched, 0);
	rows = b->rows;
	sink__put(sink, b);
	/* Too small a batch does not take them, nor too large a one. */
	sink__put(sink, exits(sink, 1, 100));
	sink__put(sink, exits(sink, 1, 1001));
	b = exits(sink, 300, 1000);
	assert_ptr_equal(b->rows, rows);
	assert_int_equal(b->touched, touched);
	sink__put(sink, b);
	b = exits(sink, 200, 1000);
	assert_ptr_equal(b->rows, rows);
	assert_int_equal(b->touched, touched);
	sink__put(sink, b);
	b = exits(sink, 900, 1000);
	assert_int_equal(b->touched, 0);
	sink__put(sink, b);
	assert_int_equal(sink__finish(sink), 0);
}

/* A smaller batch that had them does not make them smaller. */
static void test_room_is_kept(void **state)
{
	struct sink *sink = sink__to(take_nothing, NULL);
	struct batch *b = exits(sink, 1000, 1000);
	u8 *rows = b->rows;

	sink__put(sink, b);
	b = exits(sink, 600, 600);
	assert_ptr_equal(b->rows, rows);
	sink__put(sink, b);
	b = exits(sink, 1000, 1000);
	assert_ptr_equal(b->rows, rows);
	sink__put(sink, b);
	assert_int_equal(sink__finish(sink), 0);
}

static u32 nr_used_again(struct sink *sink, struct batch **batch, u32 nr, u32 room)
{
	u32 again = 0;

	for (u32 i = 0; i < nr; i++) {
		batch[i] = exits(sink, room, room);
		again += batch[i]->touched > 0;
	}
	for (u32 i = 0; i < nr; i++)
		sink__put(sink, batch[i]);
	return again;
}

/* So many are kept, and so many bytes, until enough others were freed. */
static void test_few_rows_are_kept(void **state)
{
	struct sink *sink = sink__to(take_nothing, NULL);
	struct batch *batch[SINK_MAX_BATCHES + 1];

	assert_int_equal(nr_used_again(sink, batch, SINK_MAX_BATCHES + 1, 1000), 0);
	assert_int_equal(nr_used_again(sink, batch, SINK_MAX_BATCHES + 1, 1000), SINK_MAX_BATCHES);
	for (u32 i = 0; i < 100; i++)
		sink__put(sink, exits(sink, 1, 1));
	assert_int_equal(nr_used_again(sink, batch, 2, DATA_MAX_ROWS), 0);
	assert_int_equal(nr_used_again(sink, batch, 2, DATA_MAX_ROWS), 1);
	assert_int_equal(sink__finish(sink), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failed_snapshot),
		cmocka_unit_test(test_rows_are_used_again),
		cmocka_unit_test(test_room_is_kept),
		cmocka_unit_test(test_few_rows_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
