// SPDX-License-Identifier: GPL-2.0
/* Durations rounded to a resolution: how far each is from the truth, their sums, and times. */
#include "frames.h"

#define NR	20011u
#define FRAMES	4u
#define VCPUS	5u

static const struct resolution part = { .steps = RESOLUTION_STEPS }, hundred = { .ns = 100 },
			       odd = { .ns = 9973 };

struct round_trip {
	struct data_encoder *enc;
	struct data_decoder *dec;
	struct resolution to;
	u64 *col[DATA_MAX_FIELDS];
};

static void begin(struct round_trip *t, const struct resolution *to)
{
	*t = (struct round_trip) { .enc = data_encoder__new(), .dec = data_decoder__new(),
				   .to = *to };
	assert_true(t->enc && t->dec);
	assert_int_equal(data_encoder__round(t->enc, to), 0);
	for (u32 i = 0; i < DATA_MAX_FIELDS; i++)
		t->col[i] = malloc(NR * sizeof(u64));
}

static void end(struct round_trip *t)
{
	data_encoder__free(t->enc);
	data_decoder__free(t->dec);
	for (u32 i = 0; i < DATA_MAX_FIELDS; i++)
		free(t->col[i]);
}

/* Through a frame into col. */
static void go_round(struct round_trip *t, const struct event_desc *event, const void *rows)
{
	struct schema schema = { 0 };
	struct data_buf frame = { 0 };
	struct data_frame f = { .type = DATA_EVENTS, .event = event->id, .rows = NR };
	int fields[DATA_MAX_FIELDS];
	const char *why;

	assert_int_equal(data_encoder__rows(t->enc, DATA_EVENTS, event, 0, rows, NR, &frame), 0);
	f.payload = frame.data + FRAME_HDR_SIZE;
	f.size = get32(frame.data + FRAME_AT_SIZE);
	for (u32 i = 0; i < event->nr_fields; i++)
		fields[i] = i;
	assert_int_equal(schema__builtin(&schema, event->id), 0);
	assert_int_equal(data_decoder__columns(t->dec, schema__find(&schema, event->id), &f, fields,
					       event->nr_fields, t->col, &why),
			 0);
	schema__free(&schema);
	free(frame.data);
}

/* The most that a duration may be off, exclusive. */
static u64 bound(const struct resolution *to, u64 v)
{
	u64 sixteenth = v / RESOLUTION_STEPS ?: 1;

	return !to->steps ? to->ns :
	       sixteenth < RESOLUTION_LONG_NS ? sixteenth : RESOLUTION_LONG_NS;
}

static u64 distance(u64 a, u64 b)
{
	return a > b ? a - b : b - a;
}

static u64 known(u64 v)
{
	return v == KVMW_NONE ? 0 : v;
}

static u64 some_time(u64 *seed)
{
	u64 r = rnd(seed);

	return r % 50 ? (r >> 8) >> (24 + r % 30) : (r & 64 ? KVMW_NONE : 0);
}

static u64 part_of(u64 whole, u64 *seed)
{
	return whole == KVMW_NONE ? KVMW_NONE : whole ? rnd(seed) % (whole + 1) : 0;
}

/* What really happens, but for numbers: parts divide the whole; there are cycles without end. */
static void make_exits(struct kvmw_exit *rows, u64 *now, u64 *seed)
{
	memset(rows, 0, NR * sizeof(*rows));
	for (u32 i = 0; i < NR; i++) {
		struct kvmw_exit *e = &rows[i];
		u64 left;

		e->vcpu = rnd(seed) % VCPUS;
		e->reason = rnd(seed) % 7;
		e->guest_ns = some_time(seed);
		e->total_ns = left = some_time(seed);
		e->user_ns = e->reason == 1 ? part_of(left, seed) : 0;
		left -= left == KVMW_NONE ? 0 : e->user_ns;
		e->halt_ns = e->reason == 2 ? part_of(left, seed) : 0;
		left -= left == KVMW_NONE ? 0 : e->halt_ns;
		/* all that is left: the tightest */
		e->wait_ns = e->reason == 3 || e->reason == 2 ? left : 0;
		left -= left == KVMW_NONE ? 0 : e->wait_ns;
		e->block_ns = e->reason == 4 ? part_of(left, seed) : 0;
		e->poll_ns = e->halt_ns ? part_of(e->halt_ns, seed) : 0;
		e->throttled_ns = e->wait_ns ? part_of(e->wait_ns, seed) : 0;
		now[e->vcpu] += known(e->guest_ns);
		e->time_ns = now[e->vcpu];
		now[e->vcpu] += known(e->total_ns);
	}
}

static void check_duration(const struct resolution *to, u64 was, u64 is)
{
	if (was == KVMW_NONE || !was)
		assert_int_equal(is, was);
	else
		assert_true(is != KVMW_NONE && distance(was, is) < bound(to, was));
}

static u64 field_of(const struct round_trip *t, const struct event_desc *event, const char *name,
		    u32 row)
{
	return t->col[event_desc__field(event, name, strlen(name))][row];
}

static void check_parts(const struct round_trip *t, const struct event_desc *event,
			const struct kvmw_exit *e, u32 i)
{
	u64 user = field_of(t, event, "user_ns", i), halt = field_of(t, event, "halt_ns", i);
	u64 wait = field_of(t, event, "wait_ns", i), block = field_of(t, event, "block_ns", i);
	u64 whole = field_of(t, event, "total_ns", i), more = 2 * bound(&t->to, e->total_ns);

	if (e->total_ns == KVMW_NONE)
		return;
	assert_true(user + halt + wait + block <= whole);
	assert_true(field_of(t, event, "poll_ns", i) <= halt &&
		    field_of(t, event, "throttled_ns", i) <= wait);
	/* Where several parts have to fit, one gives way. */
	assert_true(distance(halt, e->halt_ns) <= more && distance(wait, e->wait_ns) <= more);
	check_duration(&t->to, e->user_ns, user);
	check_duration(&t->to, e->block_ns, block);
}

static void check_exits(const struct resolution *to)
{
	const struct event_desc *event = event_desc__by_id(KVMW_EVENT_EXIT);
	struct kvmw_exit *rows = malloc(NR * sizeof(*rows)), again;
	u64 now[VCPUS] = { 0 }, ended[VCPUS] = { 0 }, seed = 42,
	    most = to->steps ? RESOLUTION_LONG_NS : to->ns;
	s64 gap[VCPUS] = { 0 }, span[VCPUS] = { 0 };
	struct round_trip t, second;

	begin(&t, to);
	begin(&second, to);
	for (u32 i = 0; i < VCPUS; i++)
		now[i] = 1000000000;
	for (u32 f = 0; f < FRAMES; f++) {
		make_exits(rows, now, &seed);
		go_round(&t, event, rows);
		for (u32 i = 0; i < NR; i++) {
			const struct kvmw_exit *e = &rows[i];

			assert_true(distance(t.col[0][i], e->time_ns) <= most);
			check_duration(to, e->guest_ns, t.col[1][i]);
			check_duration(to, e->total_ns, t.col[2][i]);
			check_parts(&t, event, e, i);
			assert_true(t.col[10][i] == e->vcpu && t.col[9][i] == e->reason);
			gap[e->vcpu] += (s64)(t.col[1][i] - e->guest_ns);
			span[e->vcpu] += (s64)(t.col[2][i] - e->total_ns);
			assert_in_range(gap[e->vcpu] + (s64)most / 2, 0, most);
			assert_in_range(span[e->vcpu] + (s64)most / 2, 0, most);
			/* Times are still where the durations before them lead to. */
			assert_true(!ended[e->vcpu] ||
				    t.col[0][i] == ended[e->vcpu] + known(t.col[1][i]));
			ended[e->vcpu] = t.col[0][i] + known(t.col[2][i]);
		}
		for (u32 i = 0; i < NR; i++) {
			memset(&again, 0, sizeof(again));
			event_desc__row(event, t.col, i, &again);
			rows[i] = again;
		}
		/* What is rounded is not rounded further. */
		go_round(&second, event, rows);
		for (u32 i = 0; i < event->nr_fields; i++)
			assert_memory_equal(second.col[i], t.col[i], NR * sizeof(u64));
	}
	end(&t);
	end(&second);
	free(rows);
}

static void test_exits(void **state)
{
	check_exits(&part);
	check_exits(&hundred);
	check_exits(&odd);
}

/* The same one always: the other neighbour at times keeps the sum, of each vCPU of a large host. */
static void test_constant(void **state)
{
	const struct event_desc *event = event_desc__by_id(KVMW_EVENT_USERSPACE);
	struct kvmw_userspace *rows = calloc(NR, sizeof(*rows));
	struct round_trip t;
	u64 time_ns = 5000;
	s64 span[2] = { 0 };

	begin(&t, &part);
	for (u32 i = 0; i < NR; i++) {
		time_ns += 39;
		rows[i] = (struct kvmw_userspace) { .time_ns = time_ns, .run_ns = 39,
						    .user_ns = 1000, .vcpu = i % 2 * 512 };
		time_ns += 1000;
	}
	go_round(&t, event, rows);
	for (u32 i = 0; i < NR; i++) {
		assert_true(distance(t.col[0][i], rows[i].time_ns) <= RESOLUTION_LONG_NS);
		assert_true(t.col[2][i] == 992 || t.col[2][i] == 1024);
		span[i % 2] += (s64)t.col[2][i] - 1000;
	}
	for (u32 k = 0; k < 2; k++)
		assert_in_range(span[k] + RESOLUTION_LONG_NS / 2, 0, RESOLUTION_LONG_NS);
	end(&t);
	free(rows);
}

/* Of a family times stay; of a table everything does. */
static void test_others(void **state)
{
	const struct event_desc *event = event_desc__by_id(KVMW_EVENT_HALT);
	struct kvmw_halt *rows = calloc(NR, sizeof(*rows));
	struct data_buf with = { 0 }, without = { 0 };
	struct data_encoder *plain = data_encoder__new();
	struct kvmw_total total = { .count = 3, .span_ns = 12345679, .gap_ns = 1000001 };
	struct round_trip t;
	u64 seed = 3;

	begin(&t, &part);
	for (u32 i = 0; i < NR; i++)
		rows[i] = (struct kvmw_halt) { .time_ns = 1000003ULL * i,
					       .span_ns = some_time(&seed), .vcpu = i % VCPUS };
	go_round(&t, event, rows);
	for (u32 i = 0; i < NR; i++) {
		assert_true(t.col[0][i] == rows[i].time_ns);
		check_duration(&part, rows[i].span_ns, t.col[1][i]);
	}
	event = event_desc__by_id(KVMW_EVENT_TOTAL);
	assert_int_equal(data_encoder__rows(t.enc, DATA_STATS, event, 0, &total, 1, &with), 0);
	assert_int_equal(data_encoder__rows(plain, DATA_STATS, event, 0, &total, 1, &without), 0);
	assert_int_equal(with.len, without.len);
	assert_memory_equal(with.data, without.data, with.len);
	free(with.data);
	free(without.data);
	data_encoder__free(plain);
	end(&t);
	free(rows);
}

static void test_words(void **state)
{
	static const struct { const char *text, *canonical; } good[] = {
		{ "1/16", "1/16" }, { "100ns", "100ns" }, { "1us", "1us" }, { "0.5ms", "500us" }, { "1", "1s" },
		{ "1500ns", "1500ns" },
	};
	static const char *const bad[] = { "", "0", "1/8", "1/16 ", "16", "2s", "-1", "0.1ns",
					   "nan", "1/", "100n" };
	char buf[RESOLUTION_TEXT];
	struct resolution r;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(resolution__parse(&r, good[i].text), 0);
		assert_false(resolution__is_exact(&r));
		assert_string_equal(resolution__text(&r, buf), good[i].canonical);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(resolution__parse(&r, bad[i]), -1);
	r = (struct resolution) { .ns = 0 };
	assert_true(resolution__is_exact(&r));
	assert_string_equal(resolution__text(&r, buf), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exits),
		cmocka_unit_test(test_constant),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
