// SPDX-License-Identifier: GPL-2.0
/* Decodes TOKENS columns, see tokens_encode.c. Nothing that is read here is trusted. */
#include <stdlib.h>

#include "util/data/decode.h"

#define SMALL_KEY	2048u	/* keys below it, nearly all, are looked up directly */

struct group {
	u64 key, base, like_base;
	u16 stream[256];	/* by class; where in tokens.stream[], in bytes */
};

/* What a token says; of all of a stream the next is at hand, since values lead to other streams. */
struct meaning {
	u64 high;		/* the high bits, in their place */
	u32 shift;		/* how many these are, or one of TOKEN_NO_VALUE */
};

enum {
	TOKEN_NO_VALUE = 64,
	TOKEN_SAYS_NONE = TOKEN_NO_VALUE,
	TOKEN_MEANS_NOTHING,
	TOKEN_IS_MISSING
};

/* Small, because many are in use: the mask of the low bits follows from their number. */
struct stream {
	u64 high;		/* of the next token */
	u32 shift;
	u32 next, end;		/* where those after it are, from the first of all on */
};

struct tokens {
	const u8 *p, *end;	/* the rest of what is being parsed */
	const u8 *first;	/* the first token of all streams */
	u64 tick;
	u32 nr_groups, nr_streams;
	struct group group[TOKEN_GROUPS];
	struct stream stream[TOKEN_STREAMS];
	struct meaning meaning[256];	/* by token */
	u8 by_key[SMALL_KEY];	/* group of a small key */
	u32 by_code[DICT_CODES];	/* where in group[], in bytes */
	u8 group_of[DATA_MAX_ROWS];	/* where keys have no codes */
};

struct tokens *tokens__new(void)
{
	struct tokens *t = malloc(sizeof(*t));

	for (u32 token = 0; t && token < ARRAY_SIZE(t->meaning); token++) {
		struct meaning *m = &t->meaning[token];

		m->shift = token <= TOKEN_LAST ? token_shift(token) :
			   token == TOKEN_NONE ? TOKEN_SAYS_NONE : TOKEN_MEANS_NOTHING;
		m->high = token <= TOKEN_LAST ? token_high(token) << m->shift : 0;
	}
	return t;
}

static bool get_varint(struct tokens *t, u64 *v)
{
	u32 shift = 0;

	for (*v = 0; t->p < t->end && shift < 64; shift += 7) {
		u8 byte = *t->p++;

		*v |= (u64)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

static u16 stream_at(u32 nr)
{
	_Static_assert(TOKEN_STREAMS * sizeof(struct stream) <= UINT16_MAX,
		       "a place in tokens.stream[]");
	return nr * sizeof(struct stream);
}

/* Parses the streams of one group; rows: how many are not yet in any stream. */
static const char *parse_streams(struct tokens *t, struct group *group, u64 *rows)
{
	u64 nr, step, n;
	u32 class = 0, last;

	if (!get_varint(t, &nr) || !nr || nr > TOKEN_STREAMS - t->nr_streams)
		return "a group has too many streams";
	for (u64 s = 0; s < nr; s++) {
		if (s) {
			if (!get_varint(t, &step) || !step || step > 255 - class)
				return "a stream begins past the last class";
			for (last = class + step; class < last; class++)
				group->stream[class] = stream_at(t->nr_streams - 1);
		}
		if (!get_varint(t, &n) || n > *rows)
			return "streams hold more tokens than there are rows";
		*rows -= n;
		/* Tokens of a stream follow those of the one before. */
		t->stream[t->nr_streams].next =
			t->nr_streams ? t->stream[t->nr_streams - 1].end : 0;
		t->stream[t->nr_streams].end = t->stream[t->nr_streams].next + n;
		t->nr_streams++;
	}
	for (; class < 256; class++)
		group->stream[class] = stream_at(t->nr_streams - 1);
	return NULL;
}

static const char *parse_groups(struct tokens *t, u64 rows)
{
	const char *why;
	u64 nr;

	if (!get_varint(t, &nr) || !nr || nr > TOKEN_GROUPS)
		return "a column has too many groups";
	t->nr_groups = nr;
	t->nr_streams = 0;
	memset(t->by_key, 0, sizeof(t->by_key));
	for (u32 g = 0; g < nr; g++) {
		struct group *group = &t->group[g];

		if ((g && !get_varint(t, &group->key)) || !get_varint(t, &group->base) ||
		    !get_varint(t, &group->like_base))
			return "a group is cut short";
		if (g && group->key < SMALL_KEY)
			t->by_key[group->key] = g;
		why = parse_streams(t, group, &rows);
		if (why)
			return why;
	}
	return rows ? "streams hold fewer tokens than there are rows" : NULL;
}

static u32 find_group(const struct tokens *t, u64 key)
{
	if (key < SMALL_KEY)
		return t->by_key[key];
	for (u32 g = 1; g < t->nr_groups; g++)
		if (t->group[g].key == key)
			return g;
	return 0;
}

static u32 group_at(u32 nr)
{
	return nr * sizeof(struct group);
}

/* Of each row a number, by which t->by_code[] has its group. */
static const u8 *groups_of_rows(struct tokens *t, const struct token_key *key, u32 nr)
{
	if (key->codes) {
		for (u32 c = 0; c < key->codes->nr; c++)
			t->by_code[c] = group_at(find_group(t, key->codes->value[c]));
		return key->codes->of_row;
	}
	for (u32 c = 0; c < DICT_CODES; c++)
		t->by_code[c] = group_at(c);
	if (!key->rows)
		memset(t->group_of, 0, nr);
	for (u32 i = 0; key->rows && i < nr; i++)
		t->group_of[i] = find_group(t, key->rows[i]);
	return t->group_of;
}

/* The bits from bit at on; a caller's mask keeps at most 61. */
static inline u64 get_bits(const u8 *bits, u64 at, u32 n)
{
	const u8 *p = bits + at / 8;
	u32 shift = at % 8;
	u64 v = get64(p) >> shift;

	if (n > 64 - 7)
		v |= (u64)p[8] << 1 << (63 - shift);
	return v;
}

static inline void next_token(const struct tokens *t, struct stream *stream)
{
	const struct meaning *m = &t->meaning[t->first[stream->next]];

	if (stream->next == stream->end) {
		stream->shift = TOKEN_IS_MISSING;
		return;
	}
	stream->high = m->high;
	stream->shift = m->shift;
	stream->next++;
}

/* Tokens begin where the groups end. */
static void begin_streams(struct tokens *t, u32 nr)
{
	t->first = t->p;
	t->p += nr;
	for (u32 s = 0; s < t->nr_streams; s++)
		next_token(t, &t->stream[s]);
}

/* What decides on a row's class. */
enum like { LIKE_NOTHING, LIKE_OTHER, LIKE_PREVIOUS };

/* How far the rows of a column are decoded. */
struct token_rows {
	const u8 *group;	/* groups_of_rows() */
	const u8 *bits;		/* the low ones */
	const u64 *like;
	u64 *out;
	u64 last, all;		/* the previous row's value, and all bits of all values */
	u64 at, room;		/* in bits[] */
	u32 i, nr;
};

static inline __attribute__((always_inline)) const char *
decode_row(struct tokens *t, const enum like by, struct token_rows *r)
{
	const struct group *group = (void *)((char *)t->group + t->by_code[r->group[r->i]]);
	u32 class = by == LIKE_NOTHING ? 0 :
		    token_class(by == LIKE_OTHER ? r->like[r->i] : r->last, group->like_base);
	struct stream *stream = (void *)((char *)t->stream + group->stream[class]);
	u64 high = group->base + stream->high;
	u32 shift = stream->shift;

	next_token(t, stream);
	if (shift >= TOKEN_NO_VALUE) {
		if (shift != TOKEN_SAYS_NONE)
			return shift == TOKEN_IS_MISSING ? "a stream has too few tokens" :
			       "a token has no meaning";
		r->all = r->last = r->out[r->i++] = KVMW_NONE;
		return NULL;
	}
	if (shift > r->room - r->at)
		return "low bits are cut short";
	r->last = high + (get_bits(r->bits, r->at, shift) & ((1ULL << shift) - 1));
	r->at += shift;
	r->all |= r->last;
	r->out[r->i++] = r->last;
	return NULL;
}

static inline __attribute__((always_inline)) const char *
decode_rows(struct tokens *t, const enum like by, struct token_rows *rows)
{
	struct token_rows r = *rows;
	const char *why = NULL;

	while (r.i < r.nr && !why)
		why = decode_row(t, by, &r);
	*rows = r;
	return why;
}

/*
 * Two columns, a row of each in turn: where the class of a row is that of the previous one, each
 * waits for the value before it, and a CPU can do the other one's work meanwhile.
 */
static const char *decode_two(struct tokens *t, struct token_rows *rows, struct tokens *t2,
			      struct token_rows *rows2)
{
	struct token_rows r = *rows, r2 = *rows2;
	const char *why = NULL;

	for (u32 n = r.nr < r2.nr ? r.nr : r2.nr; n && !why; n--)
		why = decode_row(t, LIKE_PREVIOUS, &r) ?: decode_row(t2, LIKE_PREVIOUS, &r2);
	*rows = r;
	*rows2 = r2;
	return why ?: decode_rows(t, LIKE_PREVIOUS, rows) ?: decode_rows(t2, LIKE_PREVIOUS, rows2);
}

/* All that precedes the rows. */
static const char *begin_column(struct tokens *t, const struct token_column *c,
				struct token_rows *rows)
{
	const char *why;

	t->p = c->raw;
	t->end = c->raw + c->size;
	if (!get_varint(t, &t->tick))
		return "tokens are cut short";
	why = parse_groups(t, c->nr);
	if (why)
		return why;
	if ((size_t)(t->end - t->p) < c->nr)
		return "tokens are cut short";
	begin_streams(t, c->nr);
	*rows = (struct token_rows) {
		.group = groups_of_rows(t, &c->key, c->nr), .bits = t->p,
		.room = 8 * (u64)(t->end - t->p),
		.like = c->like, .out = c->out, .nr = c->nr,
	};
	return NULL;
}

static const char *end_column(struct tokens *t, struct token_column *c,
			      const struct token_rows *rows)
{
	const char *why = t->tick ?
			  rests__add(c->out, c->nr, t->tick, t->p + (rows->at + 7) / 8, t->end) :
			  NULL;

	c->bits = t->tick ? data_bits_of(c->out, c->nr) : rows->all;
	return why;
}

const char *tokens__decode(struct tokens *t, struct token_column *c)
{
	struct token_rows rows;
	const char *why = begin_column(t, c, &rows);

	if (why)
		return why;
	why = !c->like ? decode_rows(t, LIKE_NOTHING, &rows) :
	      c->like == c->out ? decode_rows(t, LIKE_PREVIOUS, &rows) :
	      decode_rows(t, LIKE_OTHER, &rows);
	return why ?: end_column(t, c, &rows);
}

const char *tokens__decode_two(struct tokens *t, struct token_column *c, struct tokens *t2,
			       struct token_column *c2)
{
	struct token_rows rows, rows2;

	return begin_column(t, c, &rows) ?: begin_column(t2, c2, &rows2) ?:
	       decode_two(t, &rows, t2, &rows2) ?: end_column(t, c, &rows) ?:
	       end_column(t2, c2, &rows2);
}
