// SPDX-License-Identifier: GPL-2.0
/* Decodes TOKENS columns, see tokens_encode.c. Nothing that is read here is trusted. */
#include <stdlib.h>

#include "util/data/format.h"

#define SMALL_KEY	2048u	/* keys below it, nearly all, are looked up directly */

struct group {
	u64 key, base, like_base;
	u16 stream[256];	/* by class */
};

/* What a token says; of all of a stream the next one is at hand, since each value leads to another stream. */
struct meaning {
	u64 high;		/* the high bits, in their place */
	u64 mask;		/* of the low bits */
	u32 shift;		/* how many these are, or one of TOKEN_NO_VALUE */
};

enum { TOKEN_NO_VALUE = 64, TOKEN_SAYS_NONE = TOKEN_NO_VALUE, TOKEN_MEANS_NOTHING, TOKEN_IS_MISSING };

struct stream {
	struct meaning token;
	const u8 *next, *end;	/* those after it */
};

struct tokens {
	const u8 *p, *end;	/* the rest of what is being parsed */
	u32 nr_groups, nr_streams;
	struct group group[TOKEN_GROUPS];
	struct stream stream[TOKEN_STREAMS];
	struct meaning meaning[256];	/* by token */
	u8 by_key[SMALL_KEY];	/* group of a small key */
};

struct tokens *tokens__new(void)
{
	struct tokens *t = malloc(sizeof(*t));

	for (u32 token = 0; t && token < ARRAY_SIZE(t->meaning); token++) {
		struct meaning *m = &t->meaning[token];

		m->shift = token <= TOKEN_LAST ? token_shift(token) :
			   token == TOKEN_NONE ? TOKEN_SAYS_NONE : TOKEN_MEANS_NOTHING;
		m->high = token <= TOKEN_LAST ? token_high(token) << m->shift : 0;
		m->mask = token <= TOKEN_LAST ? (1ULL << m->shift) - 1 : 0;
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
				group->stream[class] = t->nr_streams - 1;
		}
		if (!get_varint(t, &n) || n > *rows)
			return "streams hold more tokens than there are rows";
		*rows -= n;
		/* Where tokens begin is known once all are parsed: keep the size until then. */
		t->stream[t->nr_streams].next = NULL;
		t->stream[t->nr_streams++].end = (const u8 *)(uintptr_t)n;
	}
	for (; class < 256; class++)
		group->stream[class] = t->nr_streams - 1;
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

static inline const struct group *find_group(const struct tokens *t, u64 key)
{
	if (key < SMALL_KEY)
		return &t->group[t->by_key[key]];
	for (u32 g = 1; g < t->nr_groups; g++)
		if (t->group[g].key == key)
			return &t->group[g];
	return &t->group[0];
}

/* Those at bit at, of which a caller's mask keeps at most 61. */
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
	if (stream->next != stream->end)
		stream->token = t->meaning[*stream->next++];
	else
		stream->token.shift = TOKEN_IS_MISSING;
}

/* Tokens begin where the groups end: each stream's behind the one before. */
static void begin_streams(struct tokens *t)
{
	for (u32 s = 0; s < t->nr_streams; s++) {
		struct stream *stream = &t->stream[s];

		stream->next = t->p;
		t->p += (uintptr_t)stream->end;
		stream->end = t->p;
		next_token(t, stream);
	}
}

/* What decides on a row's class. */
enum like { LIKE_NOTHING, LIKE_OTHER, LIKE_PREVIOUS };

/* The low bits begin at t->p, and end at bit *end of them. */
static inline __attribute__((always_inline)) const char *
decode_rows(struct tokens *t, const u64 *key, const enum like by, const u64 *like, u32 nr, u64 *out, u64 *end)
{
	u64 room = 8 * (u64)(t->end - t->p), last = 0, at = 0;
	const u8 *bits = t->p;

	for (u32 i = 0; i < nr; i++) {
		const struct group *group = key ? find_group(t, key[i]) : &t->group[0];
		u32 class = by == LIKE_NOTHING ? 0 :
			    token_class(by == LIKE_OTHER ? like[i] : last, group->like_base);
		struct stream *stream = &t->stream[group->stream[class]];
		struct meaning token = stream->token;

		next_token(t, stream);
		if (token.shift >= TOKEN_NO_VALUE) {
			if (token.shift != TOKEN_SAYS_NONE)
				return token.shift == TOKEN_IS_MISSING ? "a stream has too few tokens" :
				       "a token has no meaning";
			last = out[i] = KVMW_NONE;
			continue;
		}
		if (token.shift > room - at)
			return "low bits are cut short";
		last = group->base + token.high + (get_bits(bits, at, token.shift) & token.mask);
		at += token.shift;
		out[i] = last;
	}
	*end = at;
	return NULL;
}

const char *tokens__decode(struct tokens *t, const u8 *raw, size_t size, const u64 *key,
			   const u64 *like, u32 nr, u64 *out)
{
	const char *why;
	u64 tick, at;

	t->p = raw;
	t->end = raw + size;
	if (!get_varint(t, &tick))
		return "tokens are cut short";
	why = parse_groups(t, nr);
	if (why)
		return why;
	if ((size_t)(t->end - t->p) < nr)
		return "tokens are cut short";
	begin_streams(t);
	why = !like ? decode_rows(t, key, LIKE_NOTHING, NULL, nr, out, &at) :
	      like == out ? decode_rows(t, key, LIKE_PREVIOUS, NULL, nr, out, &at) :
	      decode_rows(t, key, LIKE_OTHER, like, nr, out, &at);
	if (why)
		return why;
	return tick ? rests__add(out, nr, tick, t->p + (at + 7) / 8, t->end) : NULL;
}
