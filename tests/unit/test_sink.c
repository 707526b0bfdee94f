// SPDX-License-Identifier: GPL-2.0
/* From the drain to the file or window: a failure, the memory of rows, an output nobody reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "util/capture/sink.h"

/* The caller undoes a refused one; those who wait for one on its way are notified. */
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

/* ---- a writer that takes its time --------------------------------------------- */

#define SMALL_ROWS 1000

struct slow {
	int fd;			/* where the writer's output is read */
	pid_t drain;		/* the thread that hands over */
	bool slept;
	u64 rows;		/* handed over */
};

static char state_of(pid_t tid)
{
	char path[64], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%*d (%*[^)]) %c", &state), 1);
	fclose(f);
	return state;
}

/* Reads nothing until the drain sleeps. */
static void *read_late(void *arg)
{
	struct slow *s = arg;
	char buf[4096];

	for (u32 times = 0; times < 50; usleep(1000))
		times = state_of(s->drain) == 'S' ? times + 1 : 0;
	__atomic_store_n(&s->slept, true, __ATOMIC_RELAXED);
	while (read(s->fd, buf, sizeof(buf)) > 0);
	return NULL;
}

static void hand_over_small(struct sink *sink, struct slow *s)
{
	sink__put(sink, exits(sink, SMALL_ROWS, SMALL_ROWS));
	s->rows += SMALL_ROWS;
}

/* Nothing can be written: the drain hands over as many as are queued, then sleeps; none is lost. */
static void test_slow_writer(void **state)
{
	struct slow s = { .drain = gettid() };
	struct data_progress written = { 0 };
	struct data_writer *writer;
	struct sink *sink;
	pthread_t reader;
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	s.fd = fd[0];
	writer = data_writer__new(fd[1], "pipe", DATA_ALL_EVENTS);
	assert_non_null(writer);
	data_writer__watch(writer, &written);
	assert_int_equal(fcntl(fd[1], F_SETFL, O_NONBLOCK), 0);
	while (write(fd[1], "", 1) == 1);
	assert_int_equal(fcntl(fd[1], F_SETFL, 0), 0);
	sink = sink__new(writer, NULL, NULL);
	assert_non_null(sink);

	alarm(60);
	for (u32 i = 0; i < SINK_MAX_BATCHES; i++)
		hand_over_small(sink, &s);
	assert_int_equal(__atomic_load_n(&written.rows, __ATOMIC_RELAXED), 0);
	assert_int_equal(pthread_create(&reader, NULL, read_late, &s), 0);
	while (!__atomic_load_n(&s.slept, __ATOMIC_RELAXED))
		hand_over_small(sink, &s);
	assert_int_equal(s.rows, (SINK_MAX_BATCHES + 1) * SMALL_ROWS);
	assert_int_equal(sink__finish(sink), 0);
	alarm(0);
	assert_int_equal(written.rows, s.rows);
	assert_int_equal(data_writer__close(writer), 0);
	pthread_join(reader, NULL);
	close(fd[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failed_snapshot),
		cmocka_unit_test(test_rows_are_used_again),
		cmocka_unit_test(test_room_is_kept),
		cmocka_unit_test(test_few_rows_are_kept),
		cmocka_unit_test(test_slow_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
