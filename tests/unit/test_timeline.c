// SPDX-License-Identifier: GPL-2.0
/* Rows in the order of their time, whatever the order of frames and the room there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/rec.h"
#include "util/recording/timeline.h"

#define MAX_ROWS 200000

struct seen {
	u64 *time, *rip;
	u32 nr, enough;		/* enough: 0, or rows after which to stop */
	u32 pauses;
	bool only_exit;
};

static int wants(void *ctx, const struct data_reader *r, const struct data_frame *f)
{
	const struct seen *seen = ctx;

	return !seen->only_exit || f->event == KVMW_EVENT_EXIT;
}

static int take(void *ctx, struct slice *s, u32 from, u32 to)
{
	struct seen *seen = ctx;
	int rip = data_event__field(s->event, s->event->id == KVMW_EVENT_EXIT ? "rip" : "run_ns");

	assert_true(from < to && to <= s->rows);
	for (; from < to; from++) {
		assert_true(seen->nr < MAX_ROWS);
		seen->time[seen->nr] = slice__time(s, from);
		seen->rip[seen->nr++] = slice__get(s, rip, from);
		if (seen->nr == seen->enough)
			return 1;
	}
	return 0;
}

static int pause_seen(void *ctx)
{
	((struct seen *)ctx)->pauses++;
	return 0;
}

static void init(struct seen *seen)
{
	memset(seen, 0, sizeof(*seen));
	seen->time = calloc(MAX_ROWS, sizeof(u64));
	seen->rip = calloc(MAX_ROWS, sizeof(u64));
	assert_non_null(seen->time);
	assert_non_null(seen->rip);
}

static void done(struct seen *seen)
{
	free(seen->time);
	free(seen->rip);
}

static int read_all(const char *path, struct timeline t, const char *window, struct seen *seen,
		    struct recording **out)
{
	struct data_reader *r = data_reader__open(path);
	int ret;

	assert_non_null(r);
	*out = t.rec = recording__new(path);
	assert_non_null(t.rec);
	if (window)
		assert_int_equal(time_window__parse(&t.rec->window, window), 0);
	t.ctx = seen;
	t.wants = wants;
	t.rows = take;
	t.pause = pause_seen;
	ret = timeline__read(&t, r);
	assert_int_equal(recording__close_reader(t.rec, r, false), 0);
	return ret;
}

static u32 random_number(u32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/*
 * nr frames of up to 500 rows, of both events, each over a span of its own; some rows at
 * the same time.  Every row has a number of its own.
 */
static u32 overlapping(struct rec *r, u32 nr, u64 *time)
{
	u32 state = 7, rows = 0;

	rec__begin(r);
	for (u32 i = 0; i < nr; i++) {
		u32 n = 1 + random_number(&state) % 500;
		u64 start = REC_START + random_number(&state) % 1000000;
		struct kvmw_exit *e = calloc(n, sizeof(*e));
		struct kvmw_userspace *u = calloc(n, sizeof(*u));
		bool exits = i % 3;

		for (u32 k = 0; k < n; k++) {
			u64 at = start + random_number(&state) % 300000 / 10 * 10;

			time[rows] = e[k].time_ns = u[k].time_ns = at;
			e[k].rip = u[k].run_ns = rows++;
			e[k].info1 = random_number(&state) % 3 ? KVMW_NONE : k;
		}
		if (exits)
			rec__rows(r, DATA_EVENTS, KVMW_EVENT_EXIT, e, n);
		else
			rec__rows(r, DATA_EVENTS, KVMW_EVENT_USERSPACE, u, n);
		free(e);
		free(u);
	}
	rec__finish(r);
	return rows;
}

static void check_order(const struct seen *seen, const u64 *time, u32 rows)
{
	u8 *there = calloc(rows, 1);

	assert_int_equal(seen->nr, rows);
	for (u32 i = 0; i < rows; i++) {
		const u64 *at = &seen->time[i], *rip = &seen->rip[i];

		/* Rows of one time are in the order that they have in the file. */
		assert_true(!i || at[0] > at[-1] || (at[0] == at[-1] && rip[0] > rip[-1]));
		assert_true(seen->rip[i] < rows && !there[seen->rip[i]]++);
		assert_int_equal(time[seen->rip[i]], seen->time[i]);
	}
	free(there);
}

static void test_order(void **state)
{
	static const struct timeline methods[] = {
		{ .max_bytes = 0 },
		{ .max_bytes = 100000 },		/* frames in parts */
		{ .max_bytes = 5000 },			/* and not all of them at a time */
		{ .max_entries = 8 },			/* places joined */
		{ .max_bytes = 20000, .max_entries = 2 },
		{ .max_bytes = 1, .max_entries = 1 },
		{ .stream = true },			/* all within the delay */
	};
	u64 *time = calloc(MAX_ROWS, sizeof(*time));
	struct seen seen, first;
	struct recording *rec;
	struct rec r;
	u32 rows;

	init(&first);
	rows = overlapping(&r, 60, time);
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		init(&seen);
		assert_int_equal(read_all(r.path, methods[i], NULL, &seen, &rec), 0);
		assert_true(rec->finished);
		assert_int_equal(rec->nr_damage, 0);
		assert_int_equal(rec->missing_rows, 0);
		check_order(&seen, time, rows);
		/* Rows of one time have an order too, the same each time. */
		if (!i)
			memcpy(first.rip, seen.rip, rows * sizeof(u64));
		assert_memory_equal(first.rip, seen.rip, rows * sizeof(u64));
		assert_int_equal(seen.pauses > 0, methods[i].stream);
		recording__free(rec);
		done(&seen);
	}
	done(&first);
	free(time);
	unlink(r.path);
}

static void test_window_and_events(void **state)
{
	static const struct timeline methods[] = { { .max_bytes = 0 }, { .max_bytes = 9000 },
						{ .stream = true }, { .max_entries = 3 } };
	u64 *time = calloc(MAX_ROWS, sizeof(*time)), from = REC_START + 400000, to = from + 100000;
	u32 rows, inside = 0;
	struct recording *rec;
	struct seen seen;
	struct rec r;

	rows = overlapping(&r, 40, time);
	for (u32 i = 0; i < rows; i++)
		inside += time[i] >= from && time[i] <= to;
	assert_in_range(inside, 1, rows - 1);
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		init(&seen);
		assert_int_equal(read_all(r.path, methods[i], "0.0004,0.0005", &seen, &rec), 0);
		assert_int_equal(seen.nr, inside);
		for (u32 k = 0; k < seen.nr; k++)
			assert_in_range(seen.time[k], k ? seen.time[k - 1] : from, to);
		recording__free(rec);
		done(&seen);
	}
	init(&seen);
	seen.only_exit = true;
	assert_int_equal(read_all(r.path, methods[0], NULL, &seen, &rec), 0);
	assert_int_equal(seen.nr, rec->event_rows[KVMW_EVENT_EXIT]);
	recording__free(rec);
	done(&seen);
	init(&seen);
	seen.enough = 100;
	assert_int_equal(read_all(r.path, methods[0], NULL, &seen, &rec), 1);
	assert_int_equal(seen.nr, 100);
	recording__free(rec);
	done(&seen);
	free(time);
	unlink(r.path);
}

/* One exit in a frame of its own. */
static void one_exit(struct rec *r, u64 time_ns, u64 rip)
{
	struct kvmw_exit e = { .time_ns = time_ns, .rip = rip };

	rec__rows(r, DATA_EVENTS, KVMW_EVENT_EXIT, &e, 1);
}

/* What comes later than the delay is given late; a file has it in its place. */
static void test_late_rows(void **state)
{
	static const u64 streamed[] = { 1, 3, 2, 4, 5 }, in_file[] = { 1, 2, 3, 4, 5 };
	struct recording *rec;
	struct seen seen;
	struct rec r;

	rec__begin(&r);
	one_exit(&r, REC_START + 1 * REC_MS, 1);
	one_exit(&r, REC_START + 100 * REC_MS, 3);
	one_exit(&r, REC_START + 5000 * REC_MS, 5);	/* now 1 and 3 are given */
	one_exit(&r, REC_START + 50 * REC_MS, 2);
	one_exit(&r, REC_START + 4900 * REC_MS, 4);
	rec__end(&r, true);
	init(&seen);
	assert_int_equal(read_all(r.path, (struct timeline) { .stream = true }, NULL, &seen, &rec),
			 0);
	assert_int_equal(seen.nr, 5);
	assert_memory_equal(seen.rip, streamed, sizeof(streamed));
	recording__free(rec);
	done(&seen);
	init(&seen);
	assert_int_equal(read_all(r.path, (struct timeline) { .stream = false }, NULL, &seen, &rec),
			 0);
	assert_memory_equal(seen.rip, in_file, sizeof(in_file));
	recording__free(rec);
	done(&seen);
	unlink(r.path);
}

/* A stream holds no more than it may, even when nothing is old enough to be given. */
static void test_stream_is_bounded(void **state)
{
	struct timeline t = { .stream = true, .max_bytes = 4096 };
	struct recording *rec;
	struct seen seen;
	struct rec r;

	rec__begin(&r);
	for (u32 i = 0; i < 1000; i++)
		one_exit(&r, REC_START + (i ^ 1), i);
	rec__end(&r, true);
	init(&seen);
	assert_int_equal(read_all(r.path, t, NULL, &seen, &rec), 0);
	assert_int_equal(seen.nr, 1000);
	/* Held rows sort; a row is never given before all that were held. */
	for (u32 i = 0; i < 1000; i++)
		assert_int_equal(seen.rip[i], i ^ 1);
	recording__free(rec);
	done(&seen);
	unlink(r.path);
}

static void test_damage(void **state)
{
	u64 *time = calloc(MAX_ROWS, sizeof(*time));
	struct recording *rec;
	struct seen seen;
	struct rec r;
	FILE *file;
	u32 rows = overlapping(&r, 10, time);

	file = fopen(r.path, "r+b");
	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	assert_int_equal(fseek(file, ftell(file) / 2, SEEK_SET), 0);
	assert_int_equal(fwrite("damage", 6, 1, file), 1);
	fclose(file);
	init(&seen);
	assert_int_equal(read_all(r.path, (struct timeline) { .max_entries = 2 }, NULL, &seen,
				  &rec), 0);
	/* Noted once, though read twice. */
	assert_int_equal(rec->nr_damage, 1);
	assert_int_equal(seen.nr + rec->missing_rows, rows);
	assert_true(rec->missing_rows > 0);
	assert_true(rec->finished);
	recording__free(rec);
	done(&seen);
	free(time);
	unlink(r.path);
}

/* What would be decoded too often comes out of order, but all of it, and once. */
static void test_too_much_work(void **state)
{
	const struct timeline method = { .max_bytes = 1, .max_work = 1 };
	u64 *time = calloc(MAX_ROWS, sizeof(*time));
	u8 *there = calloc(MAX_ROWS, 1);
	struct recording *rec;
	struct seen seen;
	struct rec r;
	u32 rows;

	init(&seen);
	rows = overlapping(&r, 60, time);
	assert_int_equal(read_all(r.path, method, NULL, &seen, &rec), 0);
	assert_int_equal(seen.nr, rows);
	for (u32 i = 0; i < rows; i++)
		assert_true(seen.rip[i] < rows && !there[seen.rip[i]]++);
	assert_in_range(rec->unordered_rows, 1, rows);
	recording__free(rec);
	done(&seen);
	free(there);
	free(time);
	unlink(r.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_too_much_work),
		cmocka_unit_test(test_window_and_events),
		cmocka_unit_test(test_late_rows),
		cmocka_unit_test(test_stream_is_bounded),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
