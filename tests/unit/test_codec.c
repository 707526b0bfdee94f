// SPDX-License-Identifier: GPL-2.0
/*
 * Whatever is encoded comes back: events with any columns, filled with what is likely to break an
 * encoding.  KVMW_SEED and KVMW_ROUNDS choose which ones, and how many.
 */
#include <zlib.h>

#include "frames.h"

#define ROUNDS		60	/* about a second */
#define MAX_REFS	6	/* columns that others refer to: the first ones */
#define MAX_CELLS	(4u << 20)	/* of one frame, but for the largest one */

enum pattern { ALL_ONES, ONE_HOLE, RUNS, WALK, LEAP, FEW, BORDER, ASCENDING, DESCENDING, EXTREMES,
	       POWERS, TICKS, HOLES, ANY_BITS, NOISE, SAW, DEPENDENT, NR_PATTERNS };

struct column {
	enum pattern pattern;
	u64 seed, value, step;
	u32 left, distinct;
};

struct made {
	struct event_desc event;
	struct field_desc field[DATA_MAX_FIELDS];
	char name[DATA_MAX_FIELDS][8], ref[DATA_MAX_FIELDS][32];
	struct column column[DATA_MAX_FIELDS];
	u8 *rows;
	u32 nr;
};

struct codec {
	struct data_encoder *enc;
	struct data_decoder *dec;
	u64 seed, round, values, frames, seen;	/* seen: encodings, one bit each */
	u64 *out[DATA_MAX_FIELDS];
};

static u64 number_of(const char *name, u64 otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

/* ---- values --------------------------------------------------------------- */

static u64 extreme(u64 r)
{
	static const u64 edges[] = { 0, 1, ~0ULL, ~0ULL - 1, 1ULL << 63, (1ULL << 63) - 1, 0xff,
				     0x100, 0xffff, 0x10000, 0x7fff, 0x8000, 0x7fffffff, 0x80000000,
				     0xffffffff, 0x100000000, QUANTUM_LIMIT - 1, QUANTUM_LIMIT };

	return edges[r % ARRAY_SIZE(edges)];
}

static u64 power(u64 r)
{
	return (1ULL << r % 64) + (r >> 8) % 3 - 1;
}

/* Multiples of a tick that is no whole number of ns, give or take what a rest holds or not. */
static u64 ticks(u64 r)
{
	static const s64 rests[] = { 0, 0, 0, 1, -1, 127, -128, 128, -129 };

	return (u64)((r % 100000) * 10.014859) + rests[(r >> 40) % ARRAY_SIZE(rests)];
}

static u64 codec_value(struct column *c, u32 row, u32 nr)
{
	u64 r = rnd(&c->seed);

	switch (c->pattern) {
	case ALL_ONES:
		return ~0ULL;
	case ONE_HOLE:
		return row == c->seed % nr ? ~0ULL : c->step;
	case RUNS:
		if (!c->left--) {
			c->left = r % 300;
			c->value = extreme(r >> 20) + (r >> 60);
		}
		return c->value;
	case WALK:
		return c->value += r % 17 - 8;
	case LEAP:
		return c->value += r >> r % 64;
	case FEW:
		return (r % c->distinct % 7) * c->step;
	case BORDER:	/* as many as fit a dictionary or a table of keys, and one more or less */
		return row % (KEYMAP_MAX - 1 + c->distinct % 3) * c->step;
	case ASCENDING:
		return c->value += r % 1000;
	case DESCENDING:
		return c->value -= r % 1000;
	case EXTREMES:
		return extreme(r);
	case POWERS:
		return power(r);
	case TICKS:
		return ticks(r);
	case HOLES:
		return r % 3 ? r % 100000 : ~0ULL;
	case ANY_BITS:
		return r >> r % 64;
	case SAW:
		return row % c->distinct * c->step;
	default:
		return r;
	}
}

/* By another column, but for every Nth row, or for as many at the end. */
static u64 dependent(const struct made *m, u32 k, u32 row, u64 exception)
{
	static const u32 every[] = { 20, 31, 32, 33, 100, 1000, DATA_MAX_ROWS };
	const struct column *c = &m->column[k];
	u32 n = every[c->distinct % ARRAY_SIZE(every)], by;

	if (sscanf(m->ref[k], "f%u", &by) != 1)
		return exception;
	if (c->left & 1 ? !(row % n) : row >= m->nr - m->nr / n)
		return exception >> 48;
	return row_get(&m->field[by], m->rows + (size_t)row * m->event.size) * (2 * c->step + 1);
}

/* ---- events --------------------------------------------------------------- */

static const enum field_type types[] = { FIELD_u16, FIELD_u32, FIELD_s32, FIELD_u64, FIELD_s64 };

/* Refers only to columns before this one, but for TOKENS, which may be like itself. */
static void set_refs(struct made *m, u32 k, u64 r)
{
	u32 nr = k < MAX_REFS ? k : MAX_REFS;
	u32 a = nr ? r % nr : 0, b = nr ? (r >> 8) % nr : 0, c = nr ? (r >> 16) % nr : 0;
	struct field_desc *f = &m->field[k];

	f->ref = m->ref[k];
	if (f->encoding == ENC_CHAIN)
		snprintf(m->ref[k], sizeof(m->ref[k]), "f%u,f%u,f%u", a, b, c);
	else if (f->encoding == ENC_DICT && nr && r >> 60)
		snprintf(m->ref[k], sizeof(m->ref[k]), "f%u", a);
	else if (f->encoding == ENC_TOKENS && nr && r >> 60 > 3)
		snprintf(m->ref[k], sizeof(m->ref[k]), "f%u,f%u", a, r >> 63 ? k : b);
	else if (f->encoding == ENC_TOKENS && r >> 63)
		snprintf(m->ref[k], sizeof(m->ref[k]), ",f%u", nr ? b : k);
	else
		m->ref[k][0] = '\0';
}

static void make_event(struct made *m, u32 nr_fields, u32 nr, u64 *seed)
{
	memset(m, 0, sizeof(*m));
	for (u32 k = 0; k < nr_fields; k++) {
		struct field_desc *f = &m->field[k];
		u64 r = rnd(seed);

		snprintf(m->name[k], sizeof(m->name[k]), "f%u", k);
		*f = (struct field_desc) {
			.name = m->name[k], .unit = "", .doc = "", .offset = k * sizeof(u64),
			.type = types[r % ARRAY_SIZE(types)],
			.encoding = k || r >> 8 & 1 ? (r >> 16) % (ENC_TOKENS + 1) : ENC_PLANES,
		};
		if (!k && f->encoding == ENC_CHAIN)
			f->encoding = ENC_DELTA;
		set_refs(m, k, rnd(seed));
		m->column[k] = (struct column) {
			.pattern = rnd(seed) % NR_PATTERNS, .seed = rnd(seed),
			.value = extreme(rnd(seed)),
			.step = power(rnd(seed)), .distinct = 1 + rnd(seed) % 300,
		};
		/* What refers to a column often depends on it. */
		if (f->encoding == ENC_DICT && m->ref[k][0] && rnd(seed) % 2)
			m->column[k].pattern = DEPENDENT;
		m->column[k].left = m->column[k].pattern == DEPENDENT ? rnd(seed) % 2 : 0;
	}
	m->event = (struct event_desc) {
		.id = 1, .name = "made", .fields = m->field, .nr_fields = nr_fields,
		.size = nr_fields * sizeof(u64),
	};
	m->nr = nr;
	m->rows = calloc(nr, m->event.size);
	assert_non_null(m->rows);
	for (u32 k = 0; k < nr_fields; k++)
		for (u32 i = 0; i < nr; i++) {
			u64 value = codec_value(&m->column[k], i, nr);

			if (m->column[k].pattern == DEPENDENT)
				value = dependent(m, k, i, value);
			row_set(&m->field[k], m->rows + (size_t)i * m->event.size, value);
		}
}

/* ---- there and back ------------------------------------------------------- */

static void look_at_columns(struct codec *t, const struct data_frame *f)
{
	static const char *const names[] = {
#define NAME(name, nr) [nr] = #name,
		COLUMN_ENCODINGS(NAME)
	};
	struct data_column dir[DATA_MAX_FIELDS];
	int n = data_frame__columns(f, dir, DATA_MAX_FIELDS);

	for (int i = 0; i < n; i++)
		for (u32 k = 0; k < ARRAY_SIZE(names); k++)
			if (!strcmp(dir[i].encoding, names[k]))
				t->seen |= 1ULL << k;
}

static void same_column(struct codec *t, const struct made *m, u32 k, const u64 *out)
{
	const u8 *row = m->rows;

	for (u32 i = 0; i < m->nr; i++, row += m->event.size)
		if (out[i] != row_get(&m->field[k], row))
			fail_msg("KVMW_SEED=%llu, round %llu, column %u of %u, row %u of %u, encoding %u, "
				 "refs '%s', pattern %u: %llx came back as %llx",
				 (unsigned long long)t->seed, (unsigned long long)t->round, k,
				 m->event.nr_fields, i, m->nr, m->field[k].encoding, m->ref[k],
				 m->column[k].pattern,
				 (unsigned long long)row_get(&m->field[k], row),
				 (unsigned long long)out[i]);
	t->values += m->nr;
}

/* Those that are said to be constant are, with that value; as are all that the encoder found so. */
static void look_at_constants(struct codec *t, const struct data_event *event,
			      const struct data_frame *f, const int *fields)
{
	u32 nr = event->nr_fields < 64 ? event->nr_fields : 64;
	u64 value[64], same = data_decoder__constants(t->dec, event, f, fields, nr, value);

	for (u32 k = 0; k < nr; k++)
		assert_int_equal(same >> k & 1, !data_difference(t->out[k], f->rows, t->out[k][0]));
	for (u32 k = 0; k < nr; k++)
		if (same >> k & 1)
			assert_int_equal(value[k], t->out[k][0]);
}

static void there_and_back(struct codec *t, const struct made *m, u64 *seed)
{
	struct data_field fields[DATA_MAX_FIELDS] = { 0 };
	struct data_event event = { .id = 1, .nr_fields = m->event.nr_fields, .fields = fields };
	int all[DATA_MAX_FIELDS], one = rnd(seed) % event.nr_fields;
	struct data_buf buf = { 0 };
	struct data_frame f;
	const char *why = "";
	u8 *payload;

	assert_int_equal(data_encoder__rows(t->enc, DATA_EVENTS, &m->event, 0, m->rows, m->nr,
					    &buf), 0);
	for (u32 k = 0; k < event.nr_fields; k++) {
		fields[k].type = m->field[k].type;
		all[k] = k;
		if (!t->out[k])
			t->out[k] = malloc(DATA_MAX_ROWS * sizeof(u64));
		assert_non_null(t->out[k]);
	}
	/* Without what follows the payload, so that reading past its end shows. */
	f = (struct data_frame) { .event = 1, .rows = m->nr,
				  .size = get32(buf.data + FRAME_AT_SIZE) };
	f.payload = payload = malloc(f.size);
	assert_non_null(payload);
	memcpy(payload, buf.data + FRAME_HDR_SIZE, f.size);
	look_at_columns(t, &f);
	if (data_decoder__columns(t->dec, &event, &f, &one, 1, t->out, &why))
		fail_msg("KVMW_SEED=%llu, round %llu, column %d: %s", (unsigned long long)t->seed,
			 (unsigned long long)t->round, one, why);
	same_column(t, m, one, t->out[0]);
	if (data_decoder__columns(t->dec, &event, &f, all, event.nr_fields, t->out, &why))
		fail_msg("KVMW_SEED=%llu, round %llu: %s", (unsigned long long)t->seed,
			 (unsigned long long)t->round, why);
	for (u32 k = 0; k < event.nr_fields; k++)
		same_column(t, m, k, t->out[k]);
	look_at_constants(t, &event, &f, all);
	t->frames++;
	free(payload);
	free(buf.data);
}

static void codec_round(struct codec *t, u32 nr_fields, u32 nr)
{
	/* Each round is the same, whatever was done before. */
	u64 seed = (t->seed + 1) * 0x9e3779b97f4a7c15ULL ^ (t->round + 1) * 0xbf58476d1ce4e5b9ULL;
	struct made *m = malloc(sizeof(*m));

	assert_non_null(m);
	seed = seed ?: 1;
	make_event(m, nr_fields, nr, &seed);
	there_and_back(t, m, &seed);
	free(m->rows);
	free(m);
}

/* Around where something changes: powers of two, the sizes of tables, the largest frame. */
static u32 some_rows(u64 r)
{
	static const u32 edges[] = { 1, 2, 3, 8, 255, 256, 257, KEYMAP_MAX - 1, KEYMAP_MAX,
				     KEYMAP_MAX + 1, 2 * DICT_MAX, 2 * DICT_MAX + 1,
				     DATA_MAX_ROWS - 1, DATA_MAX_ROWS };
	u32 nr = r >> 63 ? edges[r % ARRAY_SIZE(edges)] :
			       1 + ((r & (DATA_MAX_ROWS - 1)) >> (r >> 32) % 16);

	return nr;
}

static void test_every_value_comes_back(void **state)
{
	struct codec t = { .enc = data_encoder__new(), .dec = data_decoder__new(),
			   .seed = number_of("KVMW_SEED", 1) };
	u64 rounds = number_of("KVMW_ROUNDS", ROUNDS),
	    seed = (t.seed + 1) * 0x94d049bb133111ebULL ?: 1;

	assert_true(t.enc && t.dec);
	for (; t.round < rounds; t.round++) {
		u32 nr = some_rows(rnd(&seed)), nr_fields = 1 + rnd(&seed) % 24;

		if (t.round % 16 == 15)
			nr_fields = DATA_MAX_FIELDS;
		while ((u64)nr * nr_fields > MAX_CELLS)
			nr = nr / 2;
		codec_round(&t, nr_fields, nr);
	}
	/* As many as a frame can hold of both, if there is time; and all encodings were used. */
	if (rounds > ROUNDS)
		codec_round(&t, DATA_MAX_FIELDS, DATA_MAX_ROWS);
	t.round++;
	codec_round(&t, DATA_MAX_FIELDS, 300);
	assert_int_equal(t.seen, (1u << (COLUMN_TOKENS + 1)) - 1);
	printf("%llu values in %llu frames came back unchanged, KVMW_SEED=%llu\n",
	       (unsigned long long)t.values, (unsigned long long)t.frames,
	       (unsigned long long)t.seed);
	for (u32 i = 0; i < DATA_MAX_FIELDS; i++)
		free(t.out[i]);
	data_encoder__free(t.enc);
	data_decoder__free(t.dec);
}

/* Without PCLMUL, the two are the same function. */
static void test_checksum_is_zlibs(void **state)
{
	static u8 data[700];
	u64 seed = 1;

	for (u32 i = 0; i < sizeof(data); i++)
		data[i] = rnd(&seed);
	for (u32 len = 0; len <= sizeof(data) - 3; len++)
		for (u32 from = 0; from < 3; from++)
			assert_int_equal(checksum__crc32(data + from, len),
					 crc32(0, data + from, len));
}

/* Codes order rows as the values that they stand for. */
static void test_codes_order_as_values(void **state)
{
	static u32 by_code[5000], by_key[5000];
	static u64 key[5000];
	static u8 code[5000];
	struct keymap keys;
	u64 seed = 2;

	assert_int_equal(keymap__init(&keys), 0);
	for (u32 distinct = 1; distinct <= 256; distinct += 51)
		for (u32 nr = 1; nr <= ARRAY_SIZE(code); nr += 833) {
			for (u32 i = 0; i < nr; i++) {
				code[i] = rnd(&seed) % distinct;
				key[i] = 1000003ULL * code[i];
			}
			order_by_codes(by_code, code, nr);
			assert_true(order_by_key(by_key, &keys, key, nr));
			assert_memory_equal(by_code, by_key, nr * sizeof(*by_key));
		}
	keymap__free(&keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checksum_is_zlibs),
		cmocka_unit_test(test_codes_order_as_values),
		cmocka_unit_test(test_every_value_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
