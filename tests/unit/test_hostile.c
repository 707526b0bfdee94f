// SPDX-License-Identifier: GPL-2.0
/* Recordings with sound checksums made to hurt, and those of other versions. */
#include "frames.h"
#include "util/error.h"

/* What a case does not name is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* A recording put together by hand. */
struct forge {
	u8 data[1 << 20];
	size_t len;
	u32 frames;
};

static struct forge *forge(u16 major, u16 minor, u32 header_size)
{
	struct forge *g = calloc(1, sizeof(*g));

	memcpy(g->data, FILE_MAGIC, FILE_AT_MAJOR);
	put16(g->data + FILE_AT_MAJOR, major);
	put16(g->data + FILE_AT_MINOR, minor);
	put32(g->data + FILE_AT_SIZE, header_size);
	put32(g->data + FILE_AT_CRC, data_crc(g->data, FILE_AT_CRC));
	g->len = header_size;
	return g;
}

static void add_frame(struct forge *g, u32 type, u32 event, u32 rows, const void *payload, u32 size,
		      u32 claimed)
{
	u8 *h = g->data + g->len;

	assert_true(g->len + FRAME_HDR_SIZE + size + 8 < sizeof(g->data));
	put32(h + FRAME_AT_MAGIC, FRAME_MAGIC);
	put16(h + FRAME_AT_TYPE, type);
	put32(h + FRAME_AT_SIZE, claimed);
	put32(h + FRAME_AT_ROWS, rows);
	put32(h + FRAME_AT_EVENT, event);
	put32(h + FRAME_AT_SEQ, g->frames++);
	put32(h + FRAME_AT_DATA_CRC, data_crc(payload, size));
	put32(h + FRAME_AT_CRC, data_crc(h, FRAME_AT_CRC));
	memcpy(h + FRAME_HDR_SIZE, payload, size);
	g->len += FRAME_HDR_SIZE + frame_padded(size);
}

static void add_json(struct forge *g, u32 type, const char *text)
{
	struct data_encoder *enc = data_encoder__new();
	struct data_buf frame = { 0 };

	assert_int_equal(data_encoder__json(enc, type, text, &frame), 0);
	add_frame(g, type, 0, 0, frame.data + FRAME_HDR_SIZE, get32(frame.data + FRAME_AT_SIZE),
		  get32(frame.data + FRAME_AT_SIZE));
	free(frame.data);
	data_encoder__free(enc);
}

/* One column of a payload of rows, uncompressed. */
struct forged_column {
	u16 field;
	u8 encoding, ref[3];
	u64 base;
	const void *data;
	u32 size;
	u32 raw;		/* 0: size */
	u8 flags;
};

static u32 payload(u8 *to, const struct forged_column *cols, u32 nr)
{
	u8 *data = to + ROWS_HDR_SIZE + nr * COLUMN_HDR_SIZE;

	put32(to, nr);
	put32(to + 4, 0);
	for (u32 i = 0; i < nr; i++) {
		u8 *entry = to + ROWS_HDR_SIZE + i * COLUMN_HDR_SIZE;

		put16(entry + COLUMN_AT_FIELD, cols[i].field);
		entry[COLUMN_AT_ENCODING] = cols[i].encoding;
		entry[COLUMN_AT_FLAGS] = cols[i].flags;
		put32(entry + COLUMN_AT_STORED, cols[i].size);
		put32(entry + COLUMN_AT_RAW, cols[i].raw ? cols[i].raw : cols[i].size);
		memcpy(entry + COLUMN_AT_REFS, cols[i].ref, 3);
		entry[COLUMN_AT_REFS + 3] = COLUMN_NO_REF;
		put64(entry + COLUMN_AT_BASE, cols[i].base);
		if (cols[i].size)
			memcpy(data, cols[i].data, cols[i].size);
		data += cols[i].size;
	}
	return data - to;
}

/* Decodes one field of such a frame of exit; NULL: it went well. */
static const char *decode_bytes(const u8 *bytes, u32 size, u32 rows, int field, u64 *out)
{
	u8 *copy = malloc(size);	/* so that ASan sees a step past its end */
	struct schema schema = { 0 };
	struct data_decoder *dec = data_decoder__new();
	struct data_frame f = { .type = DATA_EVENTS, .event = KVMW_EVENT_EXIT, .rows = rows,
				.size = size, .payload = copy };
	const char *why = NULL;
	int ret;

	memcpy(copy, bytes, size);
	assert_int_equal(schema__builtin(&schema, f.event), 0);
	ret = data_decoder__columns(dec, schema__find(&schema, f.event), &f, &field, 1, &out, &why);
	data_decoder__free(dec);
	schema__free(&schema);
	free(copy);
	return ret ? why : NULL;
}

static const char *decode(const struct forged_column *cols, u32 nr, u32 rows, int field, u64 *out)
{
	static u8 bytes[1 << 16];

	return decode_bytes(bytes, payload(bytes, cols, nr), rows, field, out);
}

#define NO	{ COLUMN_NO_REF, COLUMN_NO_REF, COLUMN_NO_REF }

static void test_columns(void **state)
{
	u64 *out = malloc(DATA_MAX_ROWS * sizeof(u64));
	const u8 z[64] = { 0 };
	const struct {
		struct forged_column col[2];
		u32 nr, rows;
		const char *why;	/* a part of what is said of it; NULL: fine */
	} cases[] = {
		{ { { 0, COLUMN_CONST, NO, 5 } }, 1, 7, NULL },
		{ { { 0, COLUMN_CONST, NO, 5 } }, 0, 7, NULL },		/* not in the frame */
		{ { { 0, 200, NO } }, 1, 7, "does not know" },
		{ { { 0, COLUMN_PLANES, NO, 0, z, 15 } }, 1, 7, "planes" },
		{ { { 0, COLUMN_PLANES, NO, 0, z, 63 } }, 1, 7, "planes" },
		{ { { 0, COLUMN_PLANES, NO, 0, z, 8, 16 } }, 1, 8, "two sizes" },
		{ { { 0, COLUMN_PLANES, NO, 0, z, 8, 64, COLUMN_ZSTD } }, 1, 8, "decompressed" },
		{ { { 0, COLUMN_PLANES, NO, 0, z, 8, 0xfffffff0, COLUMN_ZSTD } }, 1, 2, "planes" },
		{ { { 0, COLUMN_DICT, NO, 0, z, 8, 0xffffffff, COLUMN_ZSTD } }, 1, 2, "larger" },
		{ { { 0, COLUMN_DICT, NO, 0, z, 4 } }, 1, 2, "cut short" },
		{ { { 0, COLUMN_DICT, NO, 0, z, 8 } }, 1, 2, "wrong size" },
		{ { { 0, COLUMN_DICT, NO, 0, "\1\0\0\0\1\1\0\0\7\0\1", 11 } }, 1, 2, "past its dict" },
		{ { { 0, COLUMN_DICT, NO, 0, "\2\0\0\0\1\1\0\0\7\10\0\1", 12 } }, 1, 2, NULL },
		{ { { 0, COLUMN_DICT, { 0 }, 0, z, 8 } }, 1, 2, "refers to itself" },
		{ { { 0, COLUMN_CHAIN, { 0, 0, 0 }, 0, z, 8 } }, 1, 2, "refers to itself" },
		{ { { 0, COLUMN_CHAIN, { 1, 9, 9 } }, { 1, COLUMN_DICT, { 0 } } }, 2, 2, "itself" },
		{ { { 0, COLUMN_CHAIN, { 9, 9, 9 }, 5 } }, 1, 2, NULL },
		{ { { 0, COLUMN_TOKENS, NO } }, 1, 2, "cut short" },
		{ { { 0, COLUMN_TOKENS, NO, 0, "\0\0", 2 } }, 1, 2, "too many groups" },
		{ { { 0, COLUMN_TOKENS, NO, 0, "\0\1\0\0\1\2\5\6", 8 } }, 1, 2, NULL },
		{ { { 0, COLUMN_TOKENS, NO, 0, "\0\1\0\0\1\1\5\6", 8 } }, 1, 2, "fewer tokens" },
		{ { { 0, COLUMN_TOKENS, NO, 0, "\0\1\0\0\1\3\5\6", 8 } }, 1, 2, "more tokens" },
		{ { { 0, COLUMN_TOKENS, NO, 0, "\0\1\0\0\1\2\5", 7 } }, 1, 2, "cut short" },
		{ { { 0, COLUMN_TOKENS, NO, 0, "\0\1\0\0\1\2\5\x40", 8 } }, 1, 2, "low bits" },
		{ { { 0, COLUMN_TOKENS, NO, 0, "\0\1\0\0\1\2\5\xfc", 8 } }, 1, 2, "no meaning" },
		{ { { 0, COLUMN_TOKENS, NO, 0, "\0\1\0\0\2\0\1\2\5\6", 10 } }, 1, 2, "too few" },
		{ { { 0, COLUMN_TOKENS, NO, 0, "\0\1\0\0\xff\x7f", 6 } }, 1, 2, "too many streams" },
		{ { { 0, COLUMN_TOKENS, NO, 0, "\0\1\0\0\2\1\xff\x7f\1\5\6", 11 } }, 1, 2, "last class" },
		{ { { 0, COLUMN_TOKENS, NO, 0, "\0\2\0\0\1\2", 6 } }, 1, 2, "a group is cut short" },
		{ { { 0, COLUMN_TOKENS, NO, 0, "\1\1\0\0\1\2\5\6", 8 } }, 1, 2, "remainders" },
		{ { { 0, COLUMN_TOKENS, NO, 0, "\1\1\0\0\1\2\5\6\xf", 9 } }, 1, 2, "remainders" },
		{ { { 0, COLUMN_TOKENS, NO, 0, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10 } }, 1, 2,
		  "cut short" },
		{ { { 9, COLUMN_CONST, NO, 1ULL << 32 } }, 1, 2, "wider" },
		{ { { 9, COLUMN_CONST, NO, ~0U } }, 1, 2, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int field = cases[i].col[0].field;
		const char *why = decode(cases[i].col, cases[i].nr, cases[i].rows, field, out);

		if (!cases[i].why != !why || (why && !strstr(why, cases[i].why)))
			fail_msg("case %zu: %s, not %s", i, why ? why : "fine",
				 cases[i].why ? cases[i].why : "fine");
	}
	free(out);
}

/* References from column to column do not eat the stack or the memory. */
static void test_many_references(void **state)
{
	u64 *out = malloc(DATA_MAX_ROWS * sizeof(u64));
	struct forged_column cols[250];
	const char *why;

	for (u32 i = 0; i < 250; i++)
		cols[i] = (struct forged_column) { i, COLUMN_DICT, { i + 1, 0xff, 0xff } };
	why = decode(cols, 250, 2, 0, out);
	assert_non_null(why);
	assert_non_null(strstr(why, "too many"));
	free(out);
}

/* As many keys as a frame may have, and one more. */
static void test_many_keys(void **state)
{
	static u8 planes[2 * (KEYMAP_MAX + 1)], dict[DICT_HDR_SIZE + 1 + KEYMAP_MAX + 1],
		zeros[KEYMAP_MAX + 1];
	u64 *out = malloc((KEYMAP_MAX + 1) * sizeof(*out));

	dict[0] = dict[4] = dict[5] = 1;
	dict[DICT_HDR_SIZE] = 7;	/* the only value */
	for (u32 nr = KEYMAP_MAX; nr <= KEYMAP_MAX + 1; nr++) {
		struct forged_column cols[] = {
			{ 0, COLUMN_DICT, { 1, COLUMN_NO_REF, COLUMN_NO_REF }, 0, dict,
			  DICT_HDR_SIZE + 1 + nr },
			{ 1, COLUMN_PLANES, NO, 0, planes, 2 * nr },
		};
		const char *why;

		for (u32 i = 0; i < nr; i++) {
			planes[i] = i;
			planes[nr + i] = i >> 8;
		}
		why = decode(cols, 2, nr, 0, out);
		assert_string_equal(why ?: "", nr > KEYMAP_MAX ? "a column has too many keys" : "");
		assert_true(nr > KEYMAP_MAX || out[nr - 1] == 7);

		cols[0] = (struct forged_column) { 0, COLUMN_CHAIN, { 1, 9, 9 }, 5, zeros, nr };
		why = decode(cols, 2, nr, 0, out);
		assert_string_equal(why ?: "", nr > KEYMAP_MAX ? "a chain has too many keys" : "");
		assert_true(nr > KEYMAP_MAX || out[nr - 1] == 5);
	}
	free(out);
}

static void test_directories(void **state)
{
	static u8 bytes[1 << 12];
	struct data_column dir[DATA_MAX_FIELDS];
	struct forged_column col = { 0, COLUMN_CONST, NO, 5 };
	const struct forged_column two[] = {
		{ 3, COLUMN_PLANES, NO, 0, "12345678", 8 }, { 0, COLUMN_PLANES, NO, 0, "12345678", 8 },
	};
	struct data_frame f = { .type = DATA_EVENTS, .rows = 1, .payload = bytes };
	u64 out[8];

	f.size = payload(bytes, &col, 1);
	assert_int_equal(data_frame__columns(&f, dir, DATA_MAX_FIELDS), 1);
	put32(bytes, 2);
	assert_int_equal(data_frame__columns(&f, dir, DATA_MAX_FIELDS), -1);
	put32(bytes, 0x80000001);
	assert_int_equal(data_frame__columns(&f, dir, DATA_MAX_FIELDS), -1);
	f.size = 4;
	assert_int_equal(data_frame__columns(&f, dir, DATA_MAX_FIELDS), -1);

	/* The payload ends within a column, the one asked for or one before it. */
	f.size = payload(bytes, two, 2);
	assert_null(decode_bytes(bytes, f.size, 8, 0, out));
	for (u32 size = 0; size < f.size; size++)
		assert_non_null(decode_bytes(bytes, size, 8, 0, out));
	put32(bytes + ROWS_HDR_SIZE + COLUMN_AT_STORED, ~0u);
	assert_string_equal(decode_bytes(bytes, f.size, 8, 0, out),
			    "a column reaches past its end");
}

/* Frames that a reader gives of a forged file, and the damage it names. */
static int frames_of(struct forge *g, size_t *nr_damage)
{
	struct memory_file m = memory_file(g->data, g->len);
	struct data_reader *r = data_reader__open(m.path);
	struct data_frame *f;
	int frames = 0;
	char *text;

	free(g);
	close(m.fd);
	if (!r)
		return -1;
	while (data_reader__next(r, &f) == 1) {
		data_decoder__json(data_reader__decoder(r), f, &text);
		free(text);
		frames++;
		data_frame__put(f);
	}
	data_reader__damage(r, nr_damage);
	data_reader__close(r);
	return frames;
}

static void test_claims(void **state)
{
	static const struct { u32 rows, claimed, frames; } cases[] = {
		{ 0, 8, 2 }, { 0, 64u << 20, 1 }, { 0, (64u << 20) + 1, 1 }, { 0, ~0u, 1 },
		{ 64 * 1024, 8, 2 }, { 64 * 1024 + 1, 8, 1 }, { ~0u, 8, 1 }, { 1, 0x7fffffff, 1 },
	};
	size_t nr;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct forge *g = forge(FILE_MAJOR, FILE_MINOR, FILE_HDR_SIZE);

		add_frame(g, DATA_STATS, KVMW_EVENT_TOTAL, cases[i].rows, "\0\0\0\0\0\0\0\0", 8,
			  cases[i].claimed);
		add_json(g, DATA_META, "{}");
		assert_int_equal(frames_of(g, &nr), cases[i].frames);
		assert_int_equal(nr, 2 - cases[i].frames);
	}
}

static void test_json(void **state)
{
	static const u32 sizes[] = { 0, 1, 3, 1u << 20, 16u << 20, (16u << 20) + 1, ~0u };
	struct data_frame f = { .type = DATA_META };
	u8 bytes[64] = { 0 };
	struct data_decoder *dec = data_decoder__new();
	char *text;

	assert_non_null(dec);
	/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): a frame of zstd */
	memcpy(bytes + JSON_HDR_SIZE, "\x28\xb5\x2f\xfd\x20\x02\x11\0\0{}", 11);	/* "{}" */
	f.payload = bytes;
	for (u32 len = 0; len < 20; len++) {
		f.size = len;
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			put32(bytes, sizes[i]);
			assert_int_equal(data_decoder__json(dec, &f, &text), 1);
			assert_null(text);
		}
	}
	put32(bytes, 2);
	f.size = JSON_HDR_SIZE + 11;
	assert_int_equal(data_decoder__json(dec, &f, &text), 0);
	assert_string_equal(text, "{}");
	free(text);
	data_decoder__free(dec);
}

static void test_schemas(void **state)
{
	static const struct { const char *text; bool good; } cases[] = {
		{ "{\"events\":[]}", true },
		{ "", false }, { "[]", false }, { "{", false }, { "{\"events\":7}", false },
		{ "{\"events\":[7]}", false }, { "{\"events\":[{}]}", false },
		{ "{\"events\":[{\"id\":1,\"name\":\"x\",\"fields\":[]}]}", false },
		{ "{\"events\":[{\"id\":-1,\"name\":\"x\",\"fields\":[{\"name\":\"a\"}]}]}", false },
		{ "{\"events\":[{\"id\":1,\"name\":\"\\u001b[2J\",\"fields\":[{\"name\":\"a\"}]}]}", false },
		{ "{\"events\":[{\"id\":1,\"name\":\"x\",\"fields\":[{\"name\":\"a b\"}]}]}", false },
		{ "{\"events\":[{\"id\":1,\"name\":\"x\",\"fields\":[null]}]}", false },
		{ "{\"events\":[{\"id\":1,\"name\":\"x\",\"fields\":[{\"name\":\"a\"}]}]}", true },
		{ "{\"events\":[{\"id\":1,\"name\":\"x\",\"fields\":"
		  "[{\"name\":\"a\",\"type\":\"u65\",\"unit\":\"\\u001b[2J\",\"new\":1}]}]}", true },
	};
	struct schema s = { 0 };
	char *deep = malloc(20000);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (schema__parse(&s, cases[i].text) != (cases[i].good ? 0 : JSON_BAD))
			fail_msg("%s", cases[i].text);
		if (cases[i].good && s.nr)
			assert_true(s.events[0]->fields[0].unit[0] != '\x1b');
		schema__free(&s);
	}
	memset(deep, '[', 19999);
	deep[19999] = 0;
	assert_int_equal(schema__parse(&s, deep), JSON_BAD);
	schema__free(&s);
	free(deep);
}

/* A later version: longer file header, a frame type, an event, a field, unit and type. */
static void test_newer_minor(void **state)
{
	static const char text[] = "{\"future\":[],\"events\":["
		"{\"id\":1,\"name\":\"exit\",\"fields\":[{\"name\":\"time_ns\",\"type\":\"u64\",\"unit\":\"time\"},"
		"{\"name\":\"shiny\",\"type\":\"f16\",\"unit\":\"kelvin\"}]},"
		"{\"id\":900,\"name\":\"quark\",\"fields\":[{\"name\":\"a\",\"type\":\"u32\",\"unit\":\"id\"}]}]}";
	const struct forged_column cols[] = {
		{ 0, COLUMN_CONST, NO, 11 }, { 1, 77, NO, 0, "wow", 3 }, { 300, COLUMN_CONST, NO, 1 },
	};
	struct forge *g = forge(FILE_MAJOR, FILE_MINOR + 5, 4096);
	struct memory_file m;
	struct data_decoder *dec = data_decoder__new();
	u64 *col = malloc(DATA_MAX_ROWS * sizeof(u64));
	struct data_reader *r;
	struct data_frame *f;
	const char *why;
	u8 bytes[256];
	u32 size = payload(bytes, cols, 3);
	int field = 0, gone = -1;
	size_t nr;

	add_json(g, DATA_SCHEMA, text);
	add_frame(g, 999, 900, 5, "anything", 8, 8);
	add_frame(g, DATA_EVENTS, 1, 3, bytes, size, size);
	add_frame(g, DATA_EVENTS, 1000, 3, bytes, size, size);
	m = memory_file(g->data, g->len);
	r = data_reader__open(m.path);
	assert_non_null(r);
	assert_int_equal(data_reader__newer(r), FILE_MINOR + 5);
	assert_int_equal(data_reader__next(r, &f), 1);
	data_frame__put(f);
	assert_int_equal(data_reader__next(r, &f), 1);
	assert_int_equal(f->type, 999);
	data_frame__put(f);
	assert_int_equal(data_reader__next(r, &f), 1);
	assert_int_equal(data_decoder__columns(dec, data_reader__event(r, 1), f, &field, 1, &col,
					       &why), 0);
	assert_int_equal(col[2], 11);
	assert_int_equal(data_decoder__columns(dec, data_reader__event(r, 1), f, &gone, 1, &col,
					       &why), 0);
	assert_int_equal(col[0], KVMW_NONE);
	field = data_event__field(data_reader__event(r, 1), "shiny");
	assert_int_equal(field, 1);
	assert_int_equal(data_decoder__columns(dec, data_reader__event(r, 1), f, &field, 1, &col,
					       &why), 1);
	data_frame__put(f);
	assert_int_equal(data_reader__next(r, &f), 1);
	assert_null(data_reader__event(r, f->event));
	data_frame__put(f);
	assert_int_equal(data_reader__next(r, &f), 0);
	data_reader__damage(r, &nr);
	assert_int_equal(nr, 0);
	data_reader__close(r);
	data_decoder__free(dec);
	free(col);
	free(g);
	close(m.fd);
}

/* What is said in the header or the index, with a right checksum, is not believed. */
static void test_false_statements(void **state)
{
	static const u32 sizes[] = { 0, FILE_HDR_SIZE - 8, FILE_HDR_SIZE + 4, FILE_HDR_MAX + 8,
				     ~0u };
	struct forge *g;
	size_t nr;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		g = forge(FILE_MAJOR, FILE_MINOR, FILE_HDR_SIZE);
		put32(g->data + FILE_AT_SIZE, sizes[i]);
		put32(g->data + FILE_AT_CRC, data_crc(g->data, FILE_AT_CRC));
		add_json(g, DATA_META, "{}");
		assert_int_equal(frames_of(g, &nr), 1);
		assert_int_equal(nr, 1);
	}
	g = forge(FILE_MAJOR, FILE_MINOR, FILE_HDR_SIZE);
	add_frame(g, DATA_INDEX, KVMW_EVENT_INDEX, 1, "\1\0\0\0\0\0\0\0", 8, 8);
	add_json(g, DATA_META, "{}");
	assert_int_equal(frames_of(g, &nr), 2);
	assert_int_equal(nr, 1);
}

static void test_other_files(void **state)
{
	struct memory_file m;
	size_t nr;

	assert_int_equal(frames_of(forge(FILE_MAJOR, 9, FILE_HDR_SIZE), &nr), 0);
	assert_int_equal(nr, 0);
	assert_int_equal(frames_of(forge(FILE_MAJOR + 1, 0, FILE_HDR_SIZE), &nr), -1);
	m = memory_file("", 0);
	assert_null(data_reader__open(m.path));
	close(m.fd);
	m = memory_file("PERFILE2 and more of what is no recording, but long enough to be one", 68);
	assert_null(data_reader__open(m.path));
	close(m.fd);
	m = memory_file("\x89KVMW", 5);
	assert_null(data_reader__open(m.path));
	close(m.fd);
	assert_null(data_reader__open("/nonexistent/kvmw.data"));
	assert_null(data_reader__open("/"));
}

/* Damage without end is counted, not collected without end. */
static void test_endless_damage(void **state)
{
	struct memory_file m = memory_file(NULL, 0);
	const struct data_damage *damage;
	struct data_reader *r;
	struct data_frame *f;
	u64 file_size, total = 0;
	size_t nr;

	for (u32 i = 0; i < 1200; i++) {
		struct forge *g = forge(FILE_MAJOR, 0, FILE_HDR_SIZE);
		size_t skip = i ? FILE_HDR_SIZE : 0;

		for (u32 k = 0; k < 8; k++) {
			add_frame(g, 99, 0, 0, "", 0, 0);
			g->len += 8;	/* eight zeros */
		}
		assert_int_equal(write(m.fd, g->data + skip, g->len - skip), g->len - skip);
		free(g);
	}
	file_size = lseek(m.fd, 0, SEEK_END);
	r = data_reader__open(m.path);
	while (data_reader__next(r, &f) == 1)
		data_frame__put(f);
	damage = data_reader__damage(r, &nr);
	assert_int_equal(nr, 4096);
	for (size_t i = 0; i < nr; i++)
		total += damage[i].bytes;
	assert_int_equal(damage[nr - 1].offset + damage[nr - 1].bytes, file_size);
	assert_true(total <= file_size);
	data_reader__close(r);
	close(m.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_many_references),
		cmocka_unit_test(test_many_keys),
		cmocka_unit_test(test_directories),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_schemas),
		cmocka_unit_test(test_newer_minor),
		cmocka_unit_test(test_false_statements),
		cmocka_unit_test(test_other_files),
		cmocka_unit_test(test_endless_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
