// SPDX-License-Identifier: GPL-2.0
/* INDEX frames: which frames they list, wherever they are, and whatever is missing. */
#include "frames.h"

#define EVENTS		(1u << KVMW_EVENT_EXIT)

/* So many frames of COST, three rows each, behind SCHEMA; returns where the first one is. */
static u64 append_costs(struct data_writer *w, u32 nr, u32 *bytes)
{
	const struct event_desc *event = event_desc__by_id(KVMW_EVENT_COST);
	const struct kvmw_cost rows[3] = { { .time_ns = 1 } };
	struct data_encoder *enc = data_encoder__new();
	struct data_buf frame = { 0 };
	u64 first = data_writer__bytes(w);

	assert_int_equal(data_encoder__rows(enc, DATA_EVENTS, event, 0, rows, 3, &frame), 0);
	for (u32 i = 0; i < nr; i++)
		assert_int_equal(data_writer__append(w, &frame), 0);
	*bytes = frame.len;
	data_encoder__free(enc);
	free(frame.data);
	return first;
}

/* Reads all: how many frames of EVENTS and INDEX there are, and INDEX's rows of what is missing. */
static void check_frames(const char *path, u32 nr_events, u32 nr_index, u64 missing)
{
	struct data_reader *r = data_reader__open(path);
	u32 nr[DATA_END + 1] = { 0 };
	struct data_frame *f;

	while (data_reader__next(r, &f) == 1) {
		nr[f->type]++;
		data_frame__put(f);
	}
	assert_int_equal(nr[DATA_EVENTS], nr_events);
	assert_int_equal(nr[DATA_INDEX], nr_index);
	assert_int_equal(data_reader__missing_rows(r), missing);
	data_reader__close(r);
}

static u64 offset_of_index(const struct memory_file *m, u32 n)
{
	struct data_reader *r = data_reader__open(m->path);
	struct data_frame *f;
	u64 offset = 0;

	while (!offset && data_reader__next(r, &f) == 1) {
		if (f->type == DATA_INDEX && !n--)
			offset = f->offset;
		data_frame__put(f);
	}
	data_reader__close(r);
	return offset;
}

/*
 * More frames than one INDEX frame has rows: an INDEX frame after every 4096, and all are in one of
 * them. Where one is missing, what it lists is not known, but what the next one lists.
 */
static void test_long_index(void **state)
{
	struct memory_file m = memory_file(NULL, 0);
	struct data_writer *w = write_to(&m, EVENTS);
	u32 nr = 4 * 4096 + 10, bytes;
	u64 first = append_costs(w, nr, &bytes), last = data_writer__bytes(w) - bytes;
	u8 x = 0xaa;

	assert_int_equal(data_writer__finish(w), 0);
	assert_int_equal(data_writer__close(w), 0);
	assert_int_equal(pwrite(m.fd, &x, 1, first), 1);
	assert_int_equal(pwrite(m.fd, &x, 1, first + bytes), 1);
	assert_int_equal(pwrite(m.fd, &x, 1, last), 1);
	check_frames(m.path, nr - 3, 5, 3 * 3);
	assert_int_equal(pwrite(m.fd, &x, 1, offset_of_index(&m, 1)), 1);
	check_frames(m.path, nr - 3, 4, 3 * 3);
	assert_int_equal(pwrite(m.fd, &x, 1, offset_of_index(&m, 0)), 1);
	check_frames(m.path, nr - 3, 3, 3);
	close(m.fd);
}

static void append_index(struct data_writer *w, const struct kvmw_index *rows, u32 nr)
{
	struct data_encoder *enc = data_encoder__new();
	struct data_buf frame = { 0 };

	assert_int_equal(data_encoder__rows(enc, DATA_INDEX, event_desc__by_id(KVMW_EVENT_INDEX), 0,
					    rows, nr, &frame),
			 0);
	assert_int_equal(data_writer__append(w, &frame), 0);
	data_encoder__free(enc);
	free(frame.data);
}

/* INDEX frames one after another, all at the end, as they were once written. */
static void test_index_at_the_end(void **state)
{
	struct memory_file m = memory_file(NULL, 0);
	struct data_writer *w = write_to(&m, EVENTS);
	struct kvmw_index rows[5] = { { .offset = FILE_HDR_SIZE, .type = DATA_SCHEMA } };
	u32 bytes;
	u64 first = append_costs(w, 4, &bytes);
	u8 x = 0xaa;

	for (u32 i = 0; i < 4; i++)
		rows[1 + i] = (struct kvmw_index) { .offset = first + i * bytes,
						    .type = DATA_EVENTS, .rows = 3 + i };
	append_index(w, rows, 3);
	append_index(w, rows + 3, 2);
	assert_int_equal(data_writer__close(w), 0);
	assert_int_equal(pwrite(m.fd, &x, 1, first + bytes), 1);
	assert_int_equal(pwrite(m.fd, &x, 1, first + 3 * bytes), 1);
	check_frames(m.path, 2, 2, 4 + 6);
	close(m.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_index),
		cmocka_unit_test(test_index_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
