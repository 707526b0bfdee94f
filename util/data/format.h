/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Constants and layout of the recording format, shared by writer and reader.
 * Documentation/kvmw.data-file-format.txt describes it; a test compares the two.
 * Everything on disk is little-endian.
 */
#ifndef KVMW_DATA_FORMAT_H
#define KVMW_DATA_FORMAT_H

#include <endian.h>
#include <string.h>

#include "util/arch/checksum.h"
#include "util/data/data.h"
#include "util/json_text.h"

#define FILE_MAGIC	"\x89KVMW\r\n\x1a"	/* reveals mangled line endings */
#define FILE_MAJOR	1
#define FILE_MINOR	DATA_MINOR
#define FILE_HDR_SIZE	24u
#define FILE_HDR_MAX	4096u	/* bytes; a newer minor version may use them */

enum file_header_at {	/* offsets within the file header */
	FILE_AT_MAJOR = 8,	/* u16 */
	FILE_AT_MINOR = 10,	/* u16 */
	FILE_AT_SIZE = 12,	/* u32: where the first frame begins */
	FILE_AT_FLAGS = 16,	/* u32: 0 */
	FILE_AT_CRC = 20,	/* u32: crc32 of the preceding 20 bytes */
};

#define FRAME_MAGIC	0x666d564bu	/* "KVmf" */
#define FRAME_HDR_SIZE	56u
#define FRAME_ALIGN	8u

enum frame_header_at {
	FRAME_AT_MAGIC = 0,	/* u32 */
	FRAME_AT_TYPE = 4,	/* u16: enum data_frame_type */
	FRAME_AT_FLAGS = 6,	/* u16: 0 */
	FRAME_AT_SIZE = 8,	/* u32: bytes of payload, without padding */
	FRAME_AT_ROWS = 12,	/* u32 */
	FRAME_AT_STREAM = 16,	/* u32 */
	FRAME_AT_EVENT = 20,	/* u32 */
	FRAME_AT_FIRST = 24,	/* u64 */
	FRAME_AT_LAST = 32,	/* u64 */
	FRAME_AT_SEQ = 40,	/* u32 */
	FRAME_AT_DATA_CRC = 44,	/* u32: crc32 of the payload */
	FRAME_AT_RESERVED = 48,	/* u32: 0 */
	FRAME_AT_CRC = 52,	/* u32: crc32 of the preceding 52 bytes */
};

/* Payload with rows: number of columns, 0, the column directory, the columns' data. */
#define ROWS_HDR_SIZE	8u
#define COLUMN_HDR_SIZE	24u

enum column_header_at {
	COLUMN_AT_FIELD = 0,	/* u16: index into the event's fields */
	COLUMN_AT_ENCODING = 2,	/* u8: enum column_encoding */
	COLUMN_AT_FLAGS = 3,	/* u8: COLUMN_ZSTD */
	COLUMN_AT_STORED = 4,	/* u32: bytes in this frame */
	COLUMN_AT_RAW = 8,	/* u32: bytes after decompression */
	COLUMN_AT_REFS = 12,	/* u8[4]: fields this column refers to */
	COLUMN_AT_BASE = 16,	/* u64 */
};

#define COLUMN_ZSTD	1u	/* flag: the data is a zstd frame */
#define COLUMN_NO_REF	0xffu
#define COLUMN_NR_REFS	4u

/* X(NAME, number): how a column of a frame is encoded. Append-only. */
#define COLUMN_ENCODINGS(X)	\
	X(CONST, 0)		\
	X(PLANES, 1)		\
	X(DELTA, 2)		\
	X(DICT, 3)		\
	X(CHAIN, 4)		\
	X(TOKENS, 5)

#define COLUMN_ENUM(name, nr) COLUMN_##name = nr,
enum column_encoding { COLUMN_ENCODINGS(COLUMN_ENUM) };

#define DICT_HDR_SIZE	8u	/* u32 values, u8 planes of these, u8 index planes, u16 0 */
#define DICT_MAX	4096u	/* distinct values; with more, it does not pay */
#define DICT_CODES	256u	/* of these, as many as one byte can index */

/*
 * TOKENS: a value is split into a token, which holds its highest TOKEN_BITS + 1 bits
 * and the number of bits below them, and these low bits, stored unchanged in a bit
 * stream.  Tokens are distributed over streams by group (the value of one column) and
 * class (the token of another column), because each stream has its own statistics.
 */
#define TOKEN_BITS	2u
#define TOKEN_NONE	255u	/* all ones: not captured */
#define TOKEN_LAST	251u	/* the largest token of a 64-bit value */
#define TOKEN_GROUPS	255u	/* at most */
#define TOKEN_STREAMS	512u	/* at most */
#define TOKENS_HDR_MAX	(32u << 10)	/* bytes of groups and streams, at most */
#define BITS_SLACK	16u	/* lets whole words be read and written */

/* Maximum size of one column of a frame, laid out but not compressed. */
#define RAW_MAX		(TOKENS_HDR_MAX + DATA_MAX_ROWS * (2 + sizeof(u64)))

/* The number of low bits that belong to a token, 0 to 61. */
static inline u32 token_shift(u32 token)
{
	return token < 2u << TOKEN_BITS ? 0 : (token >> TOKEN_BITS) - 1;
}

/* The high bits that a token represents. */
static inline u64 token_high(u32 token)
{
	return token < 2u << TOKEN_BITS ? token :
	       (1u << TOKEN_BITS) | (token & ((1u << TOKEN_BITS) - 1));
}

/* token_shift() of a value's token.  Values below 2 << TOKEN_BITS are tokens themselves. */
static inline u32 value_shift(u64 v)
{
	return 63 - __builtin_clzll(v | 1u << TOKEN_BITS) - TOKEN_BITS;
}

static inline u32 token_of(u64 v)
{
	u32 shift = value_shift(v);

	return v == KVMW_NONE ? TOKEN_NONE : (shift << TOKEN_BITS) + (v >> shift);
}

/*
 * If durations are multiples of a clock tick (in ns times 2^32), a value is stored as
 * a number of whole ticks plus a rest of -128 to 127 ns.
 */
#define QUANTUM_LIMIT	(1ULL << 44)	/* ns; longer durations are not stored in ticks */

#define REST_CLASS_BITS	3u	/* rests are classified by these fraction bits of a ns */
#define REST_CLASSES	(1u << REST_CLASS_BITS)

static inline u64 quantum_ns(u64 ticks, u64 tick)
{
	return (unsigned __int128)ticks * tick >> 32;
}

static inline u64 quantum_ticks(u64 ns, u64 tick)
{
	/* NOLINTNEXTLINE(bugprone-incorrect-roundings): neither is negative; files depend on it */
	return (double)ns * 0x1p32 / (double)tick + 0.5;
}

/* The class of a row whose other column has the value v. */
static inline u32 token_class(u64 v, u64 base)
{
	return v == KVMW_NONE ? TOKEN_NONE : token_of(v - base);
}

/* Payload with JSON: u32 bytes of text, 0, one zstd frame. */
#define JSON_HDR_SIZE	8u
#define JSON_MAX	(16u << 20)

#define END_SIZE	16u	/* u64 offset of the first INDEX frame, u64 frames before END */

/* ---- little-endian access at any alignment ----------------------------- */

static inline u16 get16(const u8 *p)
{
	u16 v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static inline u32 get32(const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline u64 get64(const u8 *p)
{
	u64 v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline void put16(u8 *p, u16 v)
{
	v = htole16(v);
	memcpy(p, &v, sizeof(v));
}

static inline void put32(u8 *p, u32 v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void put64(u8 *p, u64 v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

/* ---- used by writer and reader ---------------------------------------- */

static inline u32 data_crc(const u8 *p, size_t len)
{
	return checksum__crc32(p, len);
}

static inline u64 zigzag(u64 d)
{
	return (d << 1) ^ (0 - (d >> 63));
}

static inline u64 unzigzag(u64 z)
{
	return (z >> 1) ^ (0 - (z & 1));
}

static inline u32 frame_padded(u32 size)
{
	return (size + FRAME_ALIGN - 1) & ~(FRAME_ALIGN - 1);
}

/* ---- key -> u64, for CHAIN --------------------------------------------- */

#define KEYMAP_MAX	4096u	/* keys of one frame, such as its threads */
#define KEYMAP_SLOTS	(4UL * KEYMAP_MAX)

#define KEYMAP_NEAR_BITS 8

struct keymap_near {
	u64 key;
	u32 number;
};

struct keymap {
	struct keymap_near near[1 << KEYMAP_NEAR_BITS];	/* keymap__number() */
	u64 *key, *value;
	u32 *used;		/* a slot is in use if used[slot] == round */
	u32 round, nr;
	u64 seed[2];		/* random: keys cannot be crafted to collide */
};

int keymap__init(struct keymap *m);
void keymap__free(struct keymap *m);
void keymap__clear(struct keymap *m);
/* The value of key; *fresh: this call added it. NULL: more than KEYMAP_MAX keys. */
u64 *keymap__get(struct keymap *m, u64 key, bool *fresh);

/* Distinct keys, by their numbers. */
struct keymap_keys {
	u32 n;			/* how many; 0: more than there may be */
	u32 rows[KEYMAP_MAX];	/* that have the key */
	u32 first[KEYMAP_MAX];	/* one of these rows */
};

/*
 * Numbers the keys of nr rows from 0 by their first appearance: the number of each row, and the
 * keys. false: there are more than limit, or than KEYMAP_MAX.
 */
bool keymap__number(struct keymap *m, const u64 *key, u32 nr, u32 limit, u32 *number,
		    struct keymap_keys *keys);

/* The position of each row after a stable sort by number; order may be number. */
void order_by_number(u32 *order, const u32 *number, const struct keymap_keys *keys, u32 nr);

/* Both.  false: more than KEYMAP_MAX keys. */
bool order_by_key(u32 *order, struct keymap *m, const u64 *key, u32 nr);

/* ---- within util/data -------------------------------------------------- */

/* Values of byte planes, the lowest first, above base; without any plane, nr times base. */
void get_planes(u64 *out, const u8 *p, u32 nr, u32 planes, u64 base);

/* As order_by_key(), by the codes of a DICT column. */
void order_by_codes(u32 *order, const u8 *code, u32 nr);
struct codes;
/* What puts rows in the order of another column. */
struct dict_order {
	const u32 *at;		/* where the index of each row is */
	const struct codes *by;	/* else the codes of that column; or NULL: each is in its place */
};
/*
 * Decodes a DICT column into codes, if it has some, else codes->nr is 0; and into out. Either may
 * be NULL. Returns NULL, or what is wrong.
 */
const char *dict__decode(const u8 *raw, size_t size, u64 base, const struct dict_order *order,
			 u32 nr, u64 *out, struct codes *codes);
/* The values of codes. */
void dict__values(const struct codes *codes, u32 nr, u64 *out);

/* Working memory for decoding TOKENS columns; free() it. */
struct tokens *tokens__new(void);
/*
 * The rests of a TOKENS column with ticks, see tick_residual.c.  Fills
 * start[REST_CLASSES + 1] with where the codes of each class begin; returns their number.
 */
u32 rests__classes(const u64 *ticks, u32 nr, u64 tick, u32 *start);
/* Writes codes and escapes; returns the number of bytes written. */
size_t rests__put(u8 *to, const u64 *ticks, const s8 *rest, u32 nr, u64 tick);
/* Converts ticks to ns in place, adding the rests in [p, end). NULL, or what is wrong. */
const char *rests__add(u64 *values, u32 nr, u64 tick, const u8 *p, const u8 *end);

/* Makes room for more bytes after buf->len. 0, or -1 after error(). */
int data_buf__reserve(struct data_buf *buf, size_t more);

/* The SCHEMA text of these captured events and all tables; free() it. NULL after error(). */
char *schema__text(u32 captured);

struct schema {
	struct data_event **events;	/* none moves until it is freed */
	u32 nr, room;
	size_t bytes;			/* of memory, bounded */
	struct json_purse purse;
};

/*
 * Adds the events of a SCHEMA text; known events stay unchanged. 0; JSON_BAD, JSON_TOO_MUCH; -1:
 * out of memory, after error().
 */
int schema__parse(struct schema *s, const char *text);
/*
 * Adds the event, if there is one, as this program knows it, for recordings whose SCHEMA is
 * damaged. 0, or -1 after error().
 */
int schema__builtin(struct schema *s, u32 id);
const struct data_event *schema__find(const struct schema *s, u32 id);
void schema__free(struct schema *s);

#endif
