// SPDX-License-Identifier: GPL-2.0
/* Cut, flipped, shortened: every undamaged frame is read, the rest is named. */
#include <signal.h>
#include <sys/resource.h>

#include "frames.h"

#define MAX_FRAMES	32
#define ROWS		20u	/* of one EVENTS frame: each byte of the file is one test */
/* Captured events of the files: to read the SCHEMA of all takes longer than the rest. */
#define EVENTS		(1u << KVMW_EVENT_EXIT | 1u << KVMW_EVENT_USERSPACE)

/* A sound recording and where its frames are. */
struct original {
	u8 *data;
	size_t size;
	u32 nr;
	struct one_frame {
		u64 offset;
		u32 type, rows, crc, payload, whole;	/* sizes in bytes */
	} frame[MAX_FRAMES];
};

static void append_rows(struct data_writer *w, enum data_frame_type type, u32 event_id, u32 nr)
{
	const struct event_desc *event = event_desc__by_id(event_id);
	struct data_encoder *enc = data_encoder__new();
	u8 *rows = calloc(nr, event->size);
	struct data_buf frame = { 0 };
	u64 seed = 5 + data_writer__bytes(w);

	for (u32 i = 0; i < nr; i++)
		for (u32 k = 0; k < event->nr_fields; k++)
			row_set(&event->fields[k], rows + i * event->size, rnd(&seed) % (40 << k));
	assert_int_equal(data_encoder__rows(enc, type, event, 0, rows, nr, &frame), 0);
	assert_int_equal(data_writer__append(w, &frame), 0);
	free(rows);
	free(frame.data);
	data_encoder__free(enc);
}

static void append_json(struct data_writer *w, enum data_frame_type type, const char *text)
{
	struct data_encoder *enc = data_encoder__new();
	struct data_buf frame = { 0 };

	assert_int_equal(data_encoder__json(enc, type, text, &frame), 0);
	assert_int_equal(data_writer__append(w, &frame), 0);
	free(frame.data);
	data_encoder__free(enc);
}

static int make(void **state)
{
	struct original *o = calloc(1, sizeof(*o));
	struct memory_file m = memory_file(NULL, 0);
	struct data_writer *w = write_to(&m, EVENTS);

	append_json(w, DATA_META, "{\"kvmw\":\"test\"}");
	append_json(w, DATA_IDENT, "{\"vms\":[],\"vcpus\":[]}");
	for (u32 i = 0; i < 4; i++)
		append_rows(w, DATA_EVENTS, KVMW_EVENT_EXIT, ROWS + i);
	append_rows(w, DATA_EVENTS, KVMW_EVENT_USERSPACE, ROWS + 4);
	append_rows(w, DATA_LOSS, KVMW_EVENT_LOSS, 3);
	append_rows(w, DATA_STATS, KVMW_EVENT_TOTAL, 9);
	append_rows(w, DATA_STATS, KVMW_EVENT_COST, 1);
	assert_int_equal(data_writer__finish(w), 0);
	assert_int_equal(data_writer__close(w), 0);
	o->data = contents(&m, &o->size);
	close(m.fd);

	for (u64 at = FILE_HDR_SIZE; at < o->size; o->nr++) {
		const u8 *h = o->data + at;

		assert_true(o->nr < MAX_FRAMES);
		o->frame[o->nr].offset = at;
		o->frame[o->nr].type = get16(h + FRAME_AT_TYPE);
		o->frame[o->nr].rows = get32(h + FRAME_AT_ROWS);
		o->frame[o->nr].crc = get32(h + FRAME_AT_DATA_CRC);
		o->frame[o->nr].payload = get32(h + FRAME_AT_SIZE);
		o->frame[o->nr].whole = FRAME_HDR_SIZE + frame_padded(o->frame[o->nr].payload);
		at += o->frame[o->nr].whole;
	}
	assert_int_equal(o->nr, 13);	/* with SCHEMA, INDEX and END */
	*state = o;
	return 0;
}

static int unmake(void **state)
{
	struct original *o = *state;

	free(o->data);
	free(o);
	return 0;
}

/* What a reader made of a file: bit i for the original's frame i. */
struct outcome {
	u32 frames;
	size_t nr_damage;
	struct data_damage first;
	u64 missing;
	bool opened, finished;
};

static struct outcome read_back(const struct original *o, const void *data, size_t size)
{
	struct memory_file m = memory_file(data, size);
	struct data_reader *r = data_reader__open(m.path);
	struct outcome out = { .opened = r };
	const struct data_damage *damage;
	struct data_frame *f;
	u32 i;

	while (r && data_reader__next(r, &f) == 1) {
		for (i = 0; i < o->nr; i++)
			if (f->seq == i && f->size == o->frame[i].payload &&
			    data_crc(f->payload, f->size) == o->frame[i].crc)
				break;
		assert_true(i < o->nr);		/* nothing that was not written */
		assert_false(out.frames & 1u << i);
		out.frames |= 1u << i;
		data_frame__put(f);
	}
	if (r) {
		assert_int_equal(data_reader__bytes(r), size);
		damage = data_reader__damage(r, &out.nr_damage);
		if (out.nr_damage)
			out.first = damage[0];
		out.missing = data_reader__missing_rows(r);
		out.finished = data_reader__finished(r);
	}
	data_reader__close(r);
	close(m.fd);
	return out;
}

static u32 all_frames(const struct original *o)
{
	return (1u << o->nr) - 1;
}

static void test_sound(void **state)
{
	const struct original *o = *state;
	struct outcome out = read_back(o, o->data, o->size);

	assert_int_equal(out.frames, all_frames(o));
	assert_int_equal(out.nr_damage, 0);
	assert_int_equal(out.missing, 0);
	assert_true(out.finished);
}

/* As a disk that became full, a copy that broke off, or kill -9 leave it.  Every size around a
 * frame's ends, and one in 29 within. */
static void test_cut_off(void **state)
{
	const struct original *o = *state;
	u64 into, left;

	for (size_t size = FILE_HDR_SIZE + FRAME_HDR_SIZE; size < o->size;
	     size += into < FRAME_HDR_SIZE + 8 || left < 16 ? 1 : 29) {
		struct outcome out = read_back(o, o->data, size);
		u32 whole = 0;

		while (whole < o->nr && o->frame[whole].offset + o->frame[whole].whole <= size)
			whole++;
		into = size - o->frame[whole].offset;
		left = o->frame[whole].whole - into;
		assert_true(out.opened);
		assert_int_equal(out.frames, (1u << whole) - 1);
		assert_false(out.finished);
		if (size == o->frame[whole].offset) {
			assert_int_equal(out.nr_damage, 0);
			continue;
		}
		assert_int_equal(out.nr_damage, 1);
		assert_int_equal(out.first.offset, o->frame[whole].offset);
		assert_int_equal(out.first.bytes, size - o->frame[whole].offset);
		assert_string_equal(out.first.what, "cut off");
	}
}

static void check_flip(const struct original *o, u8 *copy, u32 frame, u32 at)
{
	struct outcome out;
	u64 offset = o->frame[frame].offset;
	bool is_index = o->frame[frame].type == DATA_INDEX;

	copy[offset + at] ^= 1 << at % 8;
	out = read_back(o, copy, o->size);
	copy[offset + at] ^= 1 << at % 8;

	assert_int_equal(out.frames, all_frames(o) & ~(1u << frame));
	assert_int_equal(out.nr_damage, 1);
	assert_int_equal(out.first.offset, offset);
	assert_int_equal(out.first.bytes, o->frame[frame].whole);
	assert_int_equal(out.finished, o->frame[frame].type != DATA_END);
	assert_int_equal(out.missing, o->frame[frame].type == DATA_EVENTS && !is_index ?
			 o->frame[frame].rows : 0);
}

static void test_flip_in_every_frame(void **state)
{
	const struct original *o = *state;
	u8 *copy = malloc(o->size);

	memcpy(copy, o->data, o->size);
	for (u32 i = 0; i < o->nr; i++) {
		for (u32 at = 0; at < FRAME_HDR_SIZE; at++)
			check_flip(o, copy, i, at);
		for (u32 at = 0; at < o->frame[i].payload; at += at < 16 ? 1 : 97)
			check_flip(o, copy, i, FRAME_HDR_SIZE + at);
		check_flip(o, copy, i, FRAME_HDR_SIZE + o->frame[i].payload - 1);
	}
	free(copy);
}

static void test_flip_in_file_header(void **state)
{
	const struct original *o = *state;
	u8 *copy = malloc(o->size);

	memcpy(copy, o->data, o->size);
	for (u32 at = 0; at < FILE_HDR_SIZE; at++) {
		struct outcome out;

		copy[at] ^= 0x40;
		out = read_back(o, copy, o->size);
		copy[at] ^= 0x40;
		assert_int_equal(out.frames, all_frames(o));
		assert_int_equal(out.nr_damage, 1);
		assert_int_equal(out.first.offset, 0);
		assert_true(out.finished);
	}
	free(copy);
}

/* A whole block of the disk is gone, or reads as zeros. */
static void test_blocks(void **state)
{
	const struct original *o = *state;
	u8 *copy = malloc(o->size);

	for (u32 gone = 0; gone < 2; gone++) {
		for (size_t at = 512; at + 512 < o->size; at += 512) {
			size_t size = gone ? o->size - 512 : o->size;
			struct outcome out;
			u32 hit = 0;

			memcpy(copy, o->data, o->size);
			if (gone)
				memmove(copy + at, copy + at + 512, o->size - at - 512);
			else
				memset(copy + at, 0, 512);
			for (u32 i = 0; i < o->nr; i++)
				if (o->frame[i].offset < at + 512 &&
				    o->frame[i].offset + o->frame[i].whole > at)
					hit |= 1u << i;
			out = read_back(o, copy, size);
			assert_int_equal(out.frames | hit, all_frames(o));
			assert_true(out.nr_damage || !(all_frames(o) & ~out.frames));
		}
	}
	free(copy);
}

/* A number of frames cut out whole: nothing is damaged, and yet they are not there. */
static void test_frames_gone(void **state)
{
	const struct original *o = *state;
	u8 *copy = malloc(o->size);

	for (u32 i = 0; i < o->nr; i++) {
		for (u32 nr = 1; i + nr <= o->nr; nr++) {
			const struct one_frame *last = &o->frame[i + nr - 1];
			u64 from = o->frame[i].offset, to = last->offset + last->whole;
			u32 gone = ((1u << nr) - 1) << i, rows = 0;
			struct outcome out;
			char what[96];

			memcpy(copy, o->data, from);
			memcpy(copy + from, o->data + to, o->size - to);
			out = read_back(o, copy, o->size - (to - from));
			assert_int_equal(out.frames, all_frames(o) & ~gone);
			assert_int_equal(out.finished, i + nr < o->nr);
			if (i + nr == o->nr) {		/* as if the recorder had been killed */
				assert_int_equal(out.nr_damage, 0);
				continue;
			}
			assert_int_equal(out.nr_damage, 1);
			assert_int_equal(out.first.offset, from);
			assert_int_equal(out.first.bytes, 0);
			snprintf(what, sizeof(what), "%u frame%s missing before this place", nr,
				 nr == 1 ? " is" : "s are");
			assert_string_equal(out.first.what, what);
			for (u32 k = i; k < i + nr; k++)
				rows += o->frame[k].type == DATA_EVENTS ? o->frame[k].rows : 0;
			/* Only the INDEX before END shows them. */
			assert_int_equal(out.missing, i + nr == o->nr - 1 ? 0 : rows);
		}
	}
	free(copy);
}

/* One that is there twice, or later than it was written, is counted once at most. */
static void test_frames_moved(void **state)
{
	const struct original *o = *state;
	u8 *copy = malloc(2 * o->size);

	for (u32 i = 0; i + 2 < o->nr; i++) {
		const struct one_frame *f = &o->frame[i];
		u64 behind = o->frame[i + 1].offset + o->frame[i + 1].whole;

		for (u32 twice = 0; twice < 2; twice++) {
			u64 start = twice ? behind : behind - f->whole;
			struct outcome out;

			memcpy(copy, o->data, f->offset);
			memcpy(copy + f->offset, o->data + f->offset + (twice ? 0 : f->whole),
			       start - f->offset);
			memcpy(copy + start, o->data + f->offset, f->whole);
			memcpy(copy + start + f->whole, o->data + behind, o->size - behind);
			out = read_back(o, copy, o->size + (twice ? f->whole : 0));
			assert_int_equal(out.frames, all_frames(o) & ~(twice ? 0 : 1u << i));
			assert_int_equal(out.nr_damage, 2 - twice);
			assert_int_equal(out.missing,
					 !twice && f->type == DATA_EVENTS ? f->rows : 0);
			assert_true(out.finished);
		}
	}
	free(copy);
}

static void test_what_follows_the_end(void **state)
{
	const struct original *o = *state;
	u8 *twice = malloc(2 * o->size);
	struct outcome out;

	memcpy(twice, o->data, o->size);
	memcpy(twice + o->size, o->data, o->size);
	out = read_back(o, twice, 2 * o->size);
	assert_int_equal(out.frames, all_frames(o));
	assert_true(out.finished);
	assert_int_equal(out.nr_damage, 1);
	assert_int_equal(out.first.offset, o->size);
	assert_int_equal(out.first.bytes, o->size);
	free(twice);
}

/* Without SCHEMA this program's own events stand in for it. */
static void test_schema_damaged(void **state)
{
	const struct original *o = *state;
	struct memory_file m = memory_file(o->data, o->size);
	struct data_decoder *dec = data_decoder__new();
	u64 *col = malloc(DATA_MAX_ROWS * sizeof(u64));
	struct data_reader *r;
	struct data_frame *f;
	const char *why = "";
	u8 x = 0xee;
	u32 rows = 0;

	assert_int_equal(pwrite(m.fd, &x, 1, FILE_HDR_SIZE + FRAME_HDR_SIZE + 20), 1);
	r = data_reader__open(m.path);
	while (data_reader__next(r, &f) == 1) {
		const struct data_event *event = data_reader__event(r, KVMW_EVENT_EXIT);
		int field = event ? data_event__field(event, "total_ns") : -1;

		if (f->type == DATA_EVENTS && f->event == KVMW_EVENT_EXIT) {
			assert_true(field >= 0);
			assert_int_equal(data_decoder__columns(dec, event, f, &field, 1, &col,
							       &why), 0);
			rows += f->rows;
		}
		data_frame__put(f);
	}
	assert_int_equal(rows, 4 * ROWS + 6);
	data_reader__close(r);
	data_decoder__free(dec);
	free(col);
	close(m.fd);
}

/* Through a pipe, a few bytes at a time, from another process. */
static void test_pipe(void **state)
{
	const struct original *o = *state;
	struct data_reader *r;
	struct data_frame *f;
	u32 frames = 0;
	char path[32];
	int fds[2];
	pid_t child;

	assert_int_equal(pipe(fds), 0);
	child = fork();
	if (!child) {
		close(fds[0]);
		for (size_t at = 0; at < o->size; at += 1001)
			if (write(fds[1], o->data + at, o->size - at < 1001 ? o->size - at : 1001) <
			    0)
				_exit(1);
		_exit(0);
	}
	close(fds[1]);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	r = data_reader__open(path);
	assert_non_null(r);
	while (data_reader__next(r, &f) == 1) {
		frames++;
		data_frame__put(f);
	}
	assert_int_equal(frames, o->nr);
	assert_true(data_reader__finished(r));
	data_reader__close(r);
	close(fds[0]);
}

/* A frame is given as soon as it is written, before there is a next one. */
static void test_while_written(void **state)
{
	struct data_writer *w;
	struct data_reader *r;
	struct data_frame *f;
	char path[32];
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	w = data_writer__new(dup(fds[1]), "pipe", EVENTS);
	r = data_reader__open(path);
	assert_non_null(r);
	assert_int_equal(data_reader__next(r, &f), 1);
	data_frame__put(f);
	for (u32 i = 0; i < 3; i++) {
		append_rows(w, DATA_EVENTS, KVMW_EVENT_EXIT, 100 + i);
		assert_int_equal(data_reader__next(r, &f), 1);
		assert_int_equal(f->rows, 100 + i);
		data_frame__put(f);
	}
	assert_int_equal(data_writer__close(w), 0);
	close(fds[1]);
	assert_int_equal(data_reader__next(r, &f), 0);
	data_reader__close(r);
	close(fds[0]);
}

/* A full disk: one error, whole frames stay, later appends fail too. */
static void test_disk_full(void **state)
{
	const struct rlimit limit = { 32000, RLIM_INFINITY };
	struct rlimit before;
	char path[] = "/tmp/kvmw-test-XXXXXX";
	int fd = mkstemp(path), ret = 0;
	const struct event_desc *event = event_desc__by_id(KVMW_EVENT_EXIT);
	struct data_encoder *enc = data_encoder__new();
	struct kvmw_exit *rows = calloc(1000, sizeof(*rows));
	struct data_buf frame = { 0 };
	struct data_reader *r;
	struct data_frame *f;
	u32 written = 0, found = 0;
	u64 seed = 3;
	size_t nr_damage;
	struct data_writer *w;

	assert_true(fd >= 0);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	w = data_writer__new(fd, path, DATA_ALL_EVENTS);
	setrlimit(RLIMIT_FSIZE, &limit);
	for (u32 i = 0; i < 1000; i++)
		rows[i].rip = rnd(&seed);
	for (u32 i = 0; i < 10; i++) {
		assert_int_equal(data_encoder__rows(enc, DATA_EVENTS, event, 0, rows, 1000, &frame),
				 0);
		ret = data_writer__append(w, &frame);
		written += !ret;
	}
	assert_int_equal(ret, -1);
	assert_int_equal(data_writer__finish(w), -1);
	assert_int_equal(data_writer__close(w), -1);
	setrlimit(RLIMIT_FSIZE, &before);

	r = data_reader__open(path);
	while (data_reader__next(r, &f) == 1) {
		found += f->type == DATA_EVENTS;
		data_frame__put(f);
	}
	assert_int_equal(written, 2);
	assert_int_equal(found, written);
	data_reader__damage(r, &nr_damage);
	assert_int_equal(nr_damage, 0);
	data_reader__close(r);
	unlink(path);
	free(rows);
	free(frame.data);
	data_encoder__free(enc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_flip_in_every_frame),
		cmocka_unit_test(test_flip_in_file_header),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_frames_gone),
		cmocka_unit_test(test_frames_moved),
		cmocka_unit_test(test_what_follows_the_end),
		cmocka_unit_test(test_schema_damaged),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_while_written),
		cmocka_unit_test(test_disk_full),
	};

	return cmocka_run_group_tests(tests, make, unmake);
}
