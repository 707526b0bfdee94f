// SPDX-License-Identifier: GPL-2.0
/* What goes into a recording comes out of it: every event, every encoding. */
#include "frames.h"
#include "util/data/pair.h"

#define MAX_NR	DATA_MAX_ROWS

static u64 seen;	/* encodings, one bit each: all are to be tested */

/*
 * What frames are decoded with, and into.  One for all frames of a test: under sanitizers, new
 * memory for each takes four times as long as the rest.
 */
struct checker {
	struct data_decoder *dec, *other;
	struct columns want, got;
};

static void checker_init(struct checker *ck)
{
	ck->dec = data_decoder__new();
	ck->other = data_decoder__new();
	assert_true(ck->dec && ck->other);
	columns_init(&ck->want);
	columns_init(&ck->got);
}

static void checker_free(struct checker *ck)
{
	data_decoder__free(ck->dec);
	data_decoder__free(ck->other);
	columns_free(&ck->want);
	columns_free(&ck->got);
}

/* The kinds of values that a column can hold. */
enum mode { ZEROS, ONES, LOWEST, ANY, SMALL, FEW, KEYS, TICKS, LIKELY, HOLES, NR_MODES };

static u64 value(enum mode mode, const struct field_desc *field, u32 field_index, u32 row,
		 u64 *seed)
{
	u64 r = rnd(seed);

	switch (mode) {
	case ZEROS:
		return 0;
	case ONES:
		return ~0ULL;
	case LOWEST:
		return row % 2 ? 1ULL << (8 * field_type__width(field->type) - 1) : r % 3 - 1;
	case ANY:
		return r << r % 3 >> r % 61;
	case SMALL:
		return r % 200;
	case FEW:
		return (r % 5) * 0x1234567 * (field_index + 1);
	case KEYS:		/* another one in every row */
		return row * 0x10001ULL;
	case TICKS:		/* as a clock of 26 ticks at 2.596142 GHz gives them */
		return (u64)((row * 8 + r % 2) * 10.014859) + (r >> 32) % 2;
	case LIKELY:
		return !strcmp(field->unit, "ns") ? 1000 + (r % 4096) * (r >> 60) + r % 7 :
		       !strcmp(field->unit, "time") ? 10000ULL * row + r % 100 :
		       r % 300 / (field_index + 1);
	case HOLES:
		return r % 3 ? r % 100000 : ~0ULL;
	default:
		return r;
	}
}

static void fill(enum mode mode, const struct event_desc *event, u8 *rows, u32 nr, u64 *seed)
{
	memset(rows, 0, (size_t)nr * event->size);
	for (u32 i = 0; i < nr; i++)
		for (u32 k = 0; k < event->nr_fields; k++)
			row_set(&event->fields[k], rows + (size_t)i * event->size,
				value(mode, &event->fields[k], k, i, seed));
}

/* time_ns as it is when nothing was lost: the chain holds. */
static void make_chain(struct kvmw_exit *rows, u32 nr)
{
	u64 end[8] = { 0 };

	for (u32 i = 0; i < nr; i++) {
		struct kvmw_exit *e = &rows[i];

		e->vcpu %= 8;
		e->time_ns = end[e->vcpu] + captured(e->guest_ns);
		end[e->vcpu] = e->time_ns + captured(e->total_ns);
	}
}

/* The rows' values: to look for each of them in its row takes longer than to decode it. */
static void columns_of(const struct event_desc *event, const u8 *rows, u32 nr, struct columns *want)
{
	for (u32 i = 0; i < nr; i++)
		for (u32 k = 0; k < event->nr_fields; k++)
			want->col[k][i] = row_get(&event->fields[k],
						  rows + (size_t)i * event->size);
}

static void compare(const struct event_desc *event, const struct columns *want, u32 nr,
		    const struct columns *c)
{
	for (u32 k = 0; k < event->nr_fields; k++) {
		u32 i = 0;

		if (!memcmp(c->col[k], want->col[k], nr * sizeof(u64)))
			continue;
		while (c->col[k][i] == want->col[k][i])
			i++;
		fail_msg("%s row %u of %u: %s is %llx", event->name, i, nr, event->fields[k].name,
			 (unsigned long long)c->col[k][i]);
	}
}

static void look_at_encodings(const struct data_frame *f)
{
	static const char *const names[] = {
#define NAME(name, nr) [nr] = #name,
		COLUMN_ENCODINGS(NAME)
	};
	struct data_column dir[DATA_MAX_FIELDS];
	int n = data_frame__columns(f, dir, DATA_MAX_FIELDS);

	assert_true(n > 0);
	for (int i = 0; i < n; i++)
		for (u32 k = 0; k < ARRAY_SIZE(names); k++)
			if (!strcmp(dir[i].encoding, names[k]))
				seen |= 1ULL << k;
}

/* Rows by their codes, where there are some. */
static void check_codes(struct checker *ck, const struct data_event *e, const struct data_frame *f,
			const struct event_desc *event)
{
	struct columns *c = &ck->got;
	struct data_facts facts;
	const char *why;

	columns_spoil(c, event->nr_fields, f->rows);
	data_decoder__codes(ck->dec, ~0ULL);
	assert_int_equal(data_decoder__columns(ck->dec, e, f, c->all, e->nr_fields, c->col, &why),
			 0);
	for (u32 k = 0; k < e->nr_fields; k++) {
		u64 bits = 0;

		data_decoder__facts(ck->dec, k, f->rows, &facts);
		for (u32 i = 0; facts.code && i < f->rows; i++)
			c->col[k][i] = facts.value[facts.code[i]];
		for (u32 i = 0; i < f->rows; i++)
			bits |= c->col[k][i];
		assert_int_equal(bits & ~facts.bits, 0);
	}
	compare(event, &ck->want, f->rows, c);
}

/* Beside another frame, which is decoded as well, or cannot be. */
static void check_pair(struct checker *ck, const struct data_event *e, const struct data_frame *f,
		       const struct event_desc *event)
{
	struct columns *c = &ck->got;
	struct data_frame bad = *f;
	const char *why;

	bad.rows += bad.rows < DATA_MAX_ROWS ? 1 : -1;
	for (u32 k = 1; k < 3 && k < e->nr_fields; k++)
		for (u32 wrong = 0; wrong < k; wrong++) {
			const struct pair_frame a = { ck->dec, f, k },
						b = { ck->other, wrong ? &bad : f, k };

			data_decoder__pair(&a, &b);
			for (u32 i = 0; i < 2; i++) {
				struct data_decoder *dec = i ? ck->other : ck->dec;

				columns_spoil(c, event->nr_fields, f->rows);
				assert_int_equal(data_decoder__columns(dec, e, f, c->all,
								       e->nr_fields, c->col, &why),
						 0);
				compare(event, &ck->want, f->rows, c);
			}
		}
}

static void check_frame(struct checker *ck, const struct data_event *e, const struct data_frame *f,
			const struct event_desc *event, const u8 *rows)
{
	struct columns *c = &ck->got;
	const char *why = "";

	assert_non_null(e);
	assert_int_equal(e->nr_fields, event->nr_fields);
	columns_of(event, rows, f->rows, &ck->want);
	columns_spoil(c, event->nr_fields, f->rows);
	if (data_decoder__columns(ck->dec, e, f, c->all, e->nr_fields, c->col, &why))
		fail_msg("%s, %u rows: %s", event->name, f->rows, why);
	compare(event, &ck->want, f->rows, c);
	/* Each column by itself, which decodes others on the way. */
	columns_spoil(c, event->nr_fields, f->rows);
	for (int k = e->nr_fields - 1; k >= 0; k--)
		assert_int_equal(data_decoder__columns(ck->dec, e, f, &k, 1, &c->col[k], &why), 0);
	compare(event, &ck->want, f->rows, c);
	look_at_encodings(f);
	check_codes(ck, e, f, event);
	check_pair(ck, e, f, event);
}

/* The frame in a recording, and back. */
static void check_file(struct checker *ck, struct data_buf *frame,
		       const struct event_desc *event, const u8 *rows, u32 nr)
{
	struct memory_file m = memory_file(NULL, 0);
	struct data_writer *w = write_to(&m, DATA_ALL_EVENTS);
	struct data_reader *r;
	struct data_frame *f;
	size_t damaged;
	int found = 0;

	assert_int_equal(data_writer__append(w, frame), 0);
	assert_int_equal(data_writer__finish(w), 0);
	assert_int_equal(data_writer__close(w), 0);
	r = data_reader__open(m.path);
	assert_non_null(r);
	while (data_reader__next(r, &f) == 1) {
		if (f->type == DATA_EVENTS) {
			found++;
			assert_int_equal(f->rows, nr);
			assert_int_equal(f->stream, 7);
			check_frame(ck, data_reader__event(r, event->id), f, event, rows);
		}
		data_frame__put(f);
	}
	assert_int_equal(found, 1);
	assert_true(data_reader__finished(r));
	data_reader__damage(r, &damaged);
	assert_int_equal(damaged, 0);
	data_reader__close(r);
	close(m.fd);
}

/* file: through one, whose SCHEMA takes longer than most frames. */
static void round_trip(struct data_encoder *enc, struct checker *ck,
		       const struct event_desc *event, const u8 *rows, u32 nr, bool file)
{
	struct schema schema = { 0 };
	struct data_buf frame = { 0 };
	struct data_frame f = { .type = DATA_EVENTS, .event = event->id, .stream = 7, .rows = nr };

	assert_int_equal(data_encoder__rows(enc, DATA_EVENTS, event, 7, rows, nr, &frame), 0);
	f.payload = frame.data + FRAME_HDR_SIZE;
	f.size = get32(frame.data + FRAME_AT_SIZE);
	assert_int_equal(schema__builtin(&schema, event->id), 0);
	if (file)
		check_file(ck, &frame, event, rows, nr);
	else
		check_frame(ck, schema__find(&schema, event->id), &f, event, rows);
	schema__free(&schema);
	free(frame.data);
}

/*
 * A column is coded by its values, whichever event it is of: many rows of all values are tried
 * on exits, whose columns depend on each other, and of some values on each other event.
 */
static bool gets_large(const struct event_desc *event, size_t nr, enum mode mode)
{
	return event->id == KVMW_EVENT_EXIT || nr % NR_MODES == mode;
}

static void test_round_trip(void **state)
{
	static const u32 sizes[] = { 1, 2, 8, 255, 256, 257, 1000, 20011 };
	struct data_encoder *enc = data_encoder__new();
	struct checker ck;
	u64 seed = 42;
	size_t nr;
	const struct event_desc *events = event_desc__all(&nr);
	u8 *rows = malloc(MAX_NR * 512);

	assert_true(enc && rows);
	checker_init(&ck);
	for (size_t e = 0; e < nr; e++) {
		assert_true(events[e].size <= 512);
		for (enum mode mode = ZEROS; mode < NR_MODES; mode++) {
			for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
				if (sizes[s] > 1000 && !gets_large(&events[e], e, mode))
					continue;
				fill(mode, &events[e], rows, sizes[s], &seed);
				if (events[e].id == KVMW_EVENT_EXIT && mode >= TICKS)
					make_chain((struct kvmw_exit *)rows, sizes[s]);
				round_trip(enc, &ck, &events[e], rows, sizes[s], sizes[s] == 256);
			}
		}
	}
	assert_int_equal(seen, (1ULL << (COLUMN_TOKENS + 1)) - 1);
	free(rows);
	data_encoder__free(enc);
	checker_free(&ck);
}

/* The largest frames there are, of the values that take the most room. */
static void test_full_frames(void **state)
{
	static const enum mode modes[] = { ANY, KEYS, TICKS, LIKELY };
	const struct event_desc *event = event_desc__by_id(KVMW_EVENT_EXIT);
	struct data_encoder *enc = data_encoder__new();
	struct checker ck;
	struct kvmw_exit *rows = malloc(MAX_NR * sizeof(*rows));
	u64 seed = 7;

	assert_true(enc && rows);
	checker_init(&ck);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		fill(modes[i], event, (u8 *)rows, MAX_NR, &seed);
		if (modes[i] == ANY || modes[i] == KEYS)
			round_trip(enc, &ck, event, (u8 *)rows, MAX_NR, true);
		make_chain(rows, MAX_NR);
		if (modes[i] != KEYS)
			round_trip(enc, &ck, event, (u8 *)rows, MAX_NR, true);
	}
	free(rows);
	data_encoder__free(enc);
	checker_free(&ck);
}

/* What was decoded of a frame is not taken for another one's, if its call did not follow. */
static void test_another_frame(void **state)
{
	const struct event_desc *event = event_desc__by_id(KVMW_EVENT_EXIT);
	struct data_encoder *enc = data_encoder__new();
	struct checker ck;
	struct kvmw_exit *rows = malloc(MAX_NR * sizeof(*rows));
	u64 seed = 5;

	assert_true(enc && rows);
	checker_init(&ck);
	for (u32 nr = 100; nr <= 10000; nr *= 10) {
		struct data_buf frame = { 0 };
		struct data_frame f = { .type = DATA_EVENTS, .event = event->id, .rows = nr,
					.offset = nr };
		const struct pair_frame a = { ck.dec, &f, 2 }, b = { ck.other, &f, 2 };
		struct schema schema = { 0 };

		fill(LIKELY, event, (u8 *)rows, nr, &seed);
		assert_int_equal(data_encoder__rows(enc, DATA_EVENTS, event, 0, rows, nr, &frame),
				 0);
		f.payload = frame.data + FRAME_HDR_SIZE;
		f.size = get32(frame.data + FRAME_AT_SIZE);
		assert_int_equal(schema__builtin(&schema, event->id), 0);
		check_frame(&ck, schema__find(&schema, event->id), &f, event, (u8 *)rows);
		data_decoder__pair(&a, &b);
		data_decoder__continue(ck.dec);
		schema__free(&schema);
		free(frame.data);
	}
	free(rows);
	data_encoder__free(enc);
	checker_free(&ck);
}

/* A chain without losses costs nothing, and ticks are found and pay. */
static void test_sizes(void **state)
{
	const struct event_desc *event = event_desc__by_id(KVMW_EVENT_EXIT);
	struct data_encoder *enc = data_encoder__new();
	struct kvmw_exit *rows = calloc(MAX_NR, sizeof(*rows));
	struct data_column dir[DATA_MAX_FIELDS];
	struct data_buf frame = { 0 };
	struct data_frame f = { .rows = MAX_NR };
	u64 seed = 99;

	for (u32 i = 0; i < MAX_NR; i++) {
		rows[i].guest_ns = (2000 + rnd(&seed) % 1024) * 10.014859 + rnd(&seed) % 2;
		rows[i].total_ns = (4000 + rnd(&seed) % 1024) * 10.014859 + rnd(&seed) % 2;
	}
	make_chain(rows, MAX_NR);
	assert_int_equal(data_encoder__rows(enc, DATA_EVENTS, event, 0, rows, MAX_NR, &frame), 0);
	f.payload = frame.data + FRAME_HDR_SIZE;
	f.size = get32(frame.data + FRAME_AT_SIZE);
	assert_int_equal(data_frame__columns(&f, dir, DATA_MAX_FIELDS), event->nr_fields);
	assert_int_equal(dir[0].stored, 0);
	/* 10 bits of ticks and one of rounding; in ns it would be 13.3. */
	assert_in_range(dir[1].stored, MAX_NR * 10.9 / 8, MAX_NR * 11.6 / 8);
	assert_in_range(dir[2].stored, MAX_NR * 10.9 / 8, MAX_NR * 11.6 / 8);
	free(rows);
	free(frame.data);
	data_encoder__free(enc);
}

static void test_wrong_counts(void **state)
{
	const struct event_desc *event = event_desc__by_id(KVMW_EVENT_EXIT);
	struct data_encoder *enc = data_encoder__new();
	struct data_buf frame = { 0 };
	struct kvmw_exit row = { 0 };

	assert_int_equal(data_encoder__rows(enc, DATA_EVENTS, event, 0, &row, 0, &frame), -1);
	assert_int_equal(data_encoder__rows(enc, DATA_EVENTS, event, 0, &row, MAX_NR + 1, &frame),
			 -1);
	free(frame.data);
	data_encoder__free(enc);
}

static void test_json(void **state)
{
	struct memory_file m = memory_file(NULL, 0);
	struct data_encoder *enc = data_encoder__new();
	struct data_writer *w = write_to(&m, DATA_ALL_EVENTS);
	struct data_buf frame = { 0 };
	struct data_reader *r;
	struct data_frame *f;
	char *text, *big = malloc(1 << 20);

	memset(big, 'x', (1 << 20) - 1);
	big[(1 << 20) - 1] = 0;
	assert_int_equal(data_encoder__json(enc, DATA_META, big, &frame), 0);
	assert_int_equal(data_writer__append(w, &frame), 0);
	assert_int_equal(data_encoder__json(enc, DATA_IDENT, "{}", &frame), 0);
	assert_int_equal(data_writer__append(w, &frame), 0);
	assert_int_equal(data_writer__close(w), 0);

	r = data_reader__open(m.path);
	assert_int_equal(data_reader__next(r, &f), 1);
	assert_int_equal(f->type, DATA_SCHEMA);
	data_frame__put(f);
	assert_int_equal(data_reader__next(r, &f), 1);
	assert_int_equal(f->type, DATA_META);
	assert_int_equal(data_decoder__json(data_reader__decoder(r), f, &text), 0);
	assert_string_equal(text, big);
	free(text);
	data_frame__put(f);
	assert_int_equal(data_reader__next(r, &f), 1);
	assert_int_equal(f->seq, 2);
	assert_int_equal(data_decoder__json(data_reader__decoder(r), f, &text), 0);
	assert_string_equal(text, "{}");
	free(text);
	data_frame__put(f);
	assert_int_equal(data_reader__next(r, &f), 0);
	assert_int_equal(data_reader__next(r, &f), 0);
	assert_false(data_reader__finished(r));
	data_reader__close(r);
	data_encoder__free(enc);
	free(frame.data);
	free(big);
	close(m.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_full_frames),
		cmocka_unit_test(test_another_frame),
		cmocka_unit_test(test_sizes), cmocka_unit_test(test_wrong_counts),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
